"""Secrets through boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Refused = Callable[..., tuple[str, str]]
TOKENS = [f"{n:032d}" for n in range(9)]


def value(secrets: Any, secret_id: str = "s", **params: Any) -> str:
    return str(secrets.get_secret_value(SecretId=secret_id, **params)["SecretString"])


def stages(secrets: Any, secret_id: str = "s") -> dict[str, list[str]]:
    return dict(secrets.describe_secret(SecretId=secret_id)["VersionIdsToStages"])


def test_a_secret_is_created_read_and_described(kumoi: Any, secrets: Any) -> None:
    made = secrets.create_secret(
        Name="app/db", SecretString="hunter2", Description="d", Tags=[{"Key": "team", "Value": "red"}]
    )
    prefix = f"arn:aws:secretsmanager:us-east-1:{kumoi.account}:secret:app/db"
    assert made["ARN"][:-7] == prefix
    for secret_id in ("app/db", made["ARN"], prefix):
        found = secrets.get_secret_value(SecretId=secret_id)
        assert (found["SecretString"], found["VersionStages"]) == ("hunter2", ["AWSCURRENT"])
        assert (found["ARN"], found["VersionId"]) == (made["ARN"], made["VersionId"])
    told = secrets.describe_secret(SecretId="app/db")
    assert (told["Description"], told["Tags"]) == ("d", [{"Key": "team", "Value": "red"}])
    assert told["VersionIdsToStages"] == {made["VersionId"]: ["AWSCURRENT"]}
    assert "LastAccessedDate" in told
    assert "RotationEnabled" not in told


def test_a_name_that_ends_like_an_arn_is_found(secrets: Any) -> None:
    arn = secrets.create_secret(Name="name-a1b2c3", SecretString="x")["ARN"]
    assert value(secrets, "name-a1b2c3") == "x"
    assert value(secrets, arn) == "x"
    assert value(secrets, arn[:-7]) == "x"


def test_binary_and_empty_secrets(secrets: Any, refused: Refused) -> None:
    secrets.create_secret(Name="b", SecretBinary=b"\x00\xff")
    found = secrets.get_secret_value(SecretId="b")
    assert (found["SecretBinary"], "SecretString" in found) == (b"\x00\xff", False)
    assert "VersionId" not in secrets.create_secret(Name="e")
    code, text = refused(secrets.get_secret_value, SecretId="e")
    assert code == "ResourceNotFoundException"
    assert text == "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"
    both = refused(secrets.create_secret, Name="x", SecretString="a", SecretBinary=b"b")
    assert both[0] == "InvalidParameterException"


def test_creating_twice_is_idempotent_by_token_and_value(secrets: Any, refused: Refused) -> None:
    first = secrets.create_secret(Name="s", SecretString="a", ClientRequestToken=TOKENS[1])
    again = secrets.create_secret(Name="s", SecretString="a", ClientRequestToken=TOKENS[1])
    assert (again["ARN"], again["VersionId"]) == (first["ARN"], TOKENS[1])
    other = refused(secrets.create_secret, Name="s", SecretString="b", ClientRequestToken=TOKENS[1])
    assert other == ("ResourceExistsException", "The operation failed because the secret s already exists.")
    assert refused(secrets.create_secret, Name="s", SecretString="a")[0] == "ResourceExistsException"
    name = refused(secrets.create_secret, Name="a b", SecretString="a")
    assert name == (
        "ValidationException",
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    )


def test_versions_and_their_labels(secrets: Any, refused: Refused) -> None:
    secrets.create_secret(Name="s", SecretString="one", ClientRequestToken=TOKENS[1])
    secrets.put_secret_value(SecretId="s", SecretString="two", ClientRequestToken=TOKENS[2])
    put = secrets.put_secret_value(SecretId="s", SecretString="three", ClientRequestToken=TOKENS[3])
    assert put["VersionStages"] == ["AWSCURRENT"]
    assert stages(secrets) == {TOKENS[3]: ["AWSCURRENT"], TOKENS[2]: ["AWSPREVIOUS"]}
    assert value(secrets) == "three"
    assert value(secrets, VersionStage="AWSPREVIOUS") == "two"
    assert value(secrets, VersionId=TOKENS[1]) == "one"
    mixed = refused(secrets.get_secret_value, SecretId="s", VersionId=TOKENS[1], VersionStage="AWSCURRENT")
    assert mixed == (
        "InvalidRequestException",
        "You provided a VersionStage that is not associated to the provided VersionId.",
    )
    assert refused(secrets.get_secret_value, SecretId="s", VersionId=TOKENS[8])[0] == "ResourceNotFoundException"
    same = secrets.put_secret_value(SecretId="s", SecretString="two", ClientRequestToken=TOKENS[2])
    assert same["VersionStages"] == ["AWSPREVIOUS"]
    taken = refused(secrets.put_secret_value, SecretId="s", SecretString="x", ClientRequestToken=TOKENS[2])
    assert taken[0] == "ResourceExistsException"
    listed = secrets.list_secret_version_ids(SecretId="s")["Versions"]
    assert [one["VersionId"] for one in listed] == [TOKENS[2], TOKENS[3]]
    assert listed[0]["KmsKeyIds"] == ["DefaultEncryptionKey"]
    pages = [secrets.list_secret_version_ids(SecretId="s", IncludeDeprecated=True, MaxResults=2)]
    pages.append(
        secrets.list_secret_version_ids(
            SecretId="s", IncludeDeprecated=True, MaxResults=2, NextToken=pages[0]["NextToken"]
        )
    )
    assert [one["VersionId"] for page in pages for one in page["Versions"]] == TOKENS[1:4]
    empty = refused(secrets.put_secret_value, SecretId="s")
    assert empty == ("InvalidRequestException", "You must provide either SecretString or SecretBinary.")


def test_labels_are_moved_and_taken_away(secrets: Any, refused: Refused) -> None:
    secrets.create_secret(Name="s", SecretString="one", ClientRequestToken=TOKENS[1])
    pending = {"ClientRequestToken": TOKENS[2], "VersionStages": ["AWSPENDING", "own"]}
    secrets.put_secret_value(SecretId="s", SecretString="two", **pending)
    assert value(secrets) == "one"
    move = {"SecretId": "s", "VersionStage": "AWSCURRENT", "MoveToVersionId": TOKENS[2]}
    assert refused(secrets.update_secret_version_stage, **move)[0] == "InvalidParameterException"
    secrets.update_secret_version_stage(**move, RemoveFromVersionId=TOKENS[1])
    assert stages(secrets) == {TOKENS[2]: ["AWSCURRENT", "AWSPENDING", "own"], TOKENS[1]: ["AWSPREVIOUS"]}
    secrets.update_secret_version_stage(SecretId="s", VersionStage="own", RemoveFromVersionId=TOKENS[2])
    assert "own" not in stages(secrets)[TOKENS[2]]
    missing = {"SecretId": "s", "VersionStage": "x", "MoveToVersionId": TOKENS[7]}
    assert refused(secrets.update_secret_version_stage, **missing)[0] == "ResourceNotFoundException"


def test_the_first_value_is_current_whatever_its_labels(secrets: Any) -> None:
    secrets.create_secret(Name="s")
    secrets.put_secret_value(SecretId="s", SecretString="one", VersionStages=["own"])
    assert value(secrets) == "one"


def test_an_update_changes_what_it_states(secrets: Any) -> None:
    secrets.create_secret(Name="s", SecretString="one", Description="d")
    assert "VersionId" not in secrets.update_secret(SecretId="s", Description="e")
    changed = secrets.update_secret(SecretId="s", SecretString="two", KmsKeyId="alias/k")
    told = secrets.describe_secret(SecretId="s")
    assert (told["Description"], told["KmsKeyId"]) == ("e", "alias/k")
    assert told["VersionIdsToStages"][changed["VersionId"]] == ["AWSCURRENT"]


def test_a_forced_deletion_is_final_and_frees_the_name(secrets: Any, refused: Refused) -> None:
    secrets.create_secret(Name="s", SecretString="one")
    secrets.delete_secret(SecretId="s", ForceDeleteWithoutRecovery=True)
    missing = refused(secrets.get_secret_value, SecretId="s")
    assert missing == ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    secrets.create_secret(Name="s", SecretString="two")
    assert value(secrets) == "two"
    assert secrets.delete_secret(SecretId="none", ForceDeleteWithoutRecovery=True)["Name"] == "none"
    assert refused(secrets.delete_secret, SecretId="none")[0] == "ResourceNotFoundException"
    wrong = [{"RecoveryWindowInDays": 6}, {"RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True}]
    for params in wrong:
        assert refused(secrets.delete_secret, SecretId="s", **params)[0] == "InvalidParameterException"


def test_what_waits_to_be_deleted_can_be_restored(secrets: Any, refused: Refused) -> None:
    secrets.create_secret(Name="s", SecretString="one")
    gone = secrets.delete_secret(SecretId="s", RecoveryWindowInDays=7)
    assert gone["DeletionDate"] == secrets.describe_secret(SecretId="s")["DeletedDate"]
    marked = (
        "InvalidRequestException",
        "You can't perform this operation on the secret because it was marked for deletion.",
    )
    assert refused(secrets.get_secret_value, SecretId="s") == marked
    assert refused(secrets.put_secret_value, SecretId="s", SecretString="x") == marked
    assert refused(secrets.delete_secret, SecretId="s") == marked
    taken = refused(secrets.create_secret, Name="s", SecretString="x")
    assert taken == (
        "InvalidRequestException",
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
    )
    assert secrets.list_secrets()["SecretList"] == []
    assert len(secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]) == 1
    secrets.restore_secret(SecretId="s")
    assert value(secrets) == "one"
    assert "DeletedDate" not in secrets.describe_secret(SecretId="s")


def test_lists_are_filtered_sorted_and_paged(secrets: Any) -> None:
    for name in ("a/1", "b/1", "a/2"):
        secrets.create_secret(Name=name, SecretString=name, Tags=[{"Key": "of", "Value": name}])

    def names(**params: Any) -> list[str]:
        return [one["Name"] for one in secrets.list_secrets(**params)["SecretList"]]

    assert names() == ["a/1", "b/1", "a/2"]
    assert names(SortOrder="desc") == ["a/2", "b/1", "a/1"]
    assert names(SortBy="name") == ["a/1", "a/2", "b/1"]
    assert names(Filters=[{"Key": "name", "Values": ["a"]}, {"Key": "tag-value", "Values": ["!a/1"]}]) == ["a/2"]
    paged = secrets.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 1})
    assert [one["Name"] for page in paged for one in page["SecretList"]] == ["a/1", "b/1", "a/2"]
    batch = secrets.batch_get_secret_value(SecretIdList=["b/1", "none"])
    assert [one["SecretString"] for one in batch["SecretValues"]] == ["b/1"]
    assert batch["Errors"][0]["ErrorCode"] == "ResourceNotFoundException"
    first = secrets.batch_get_secret_value(Filters=[{"Key": "name", "Values": ["a"]}], MaxResults=1)
    rest = secrets.batch_get_secret_value(Filters=[{"Key": "name", "Values": ["a"]}], NextToken=first["NextToken"])
    assert [one["Name"] for one in first["SecretValues"] + rest["SecretValues"]] == ["a/1", "a/2"]


def test_tags(secrets: Any, refused: Refused) -> None:
    secrets.create_secret(Name="s", SecretString="x", Tags=[{"Key": "a", "Value": "1"}])
    secrets.tag_resource(SecretId="s", Tags=[{"Key": "b", "Value": "2"}])
    secrets.untag_resource(SecretId="s", TagKeys=["a"])
    assert secrets.describe_secret(SecretId="s")["Tags"] == [{"Key": "b", "Value": "2"}]
    many = [{"Key": str(n), "Value": "v"} for n in range(50)]
    assert refused(secrets.tag_resource, SecretId="s", Tags=many)[0] == "InvalidParameterException"


def test_resource_policies(kumoi: Any, secrets: Any, refused: Refused) -> None:
    secrets.create_secret(Name="s", SecretString="x")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    public = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    owner = {"AWS": f"arn:aws:iam::{kumoi.account}:root"}
    private = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Principal": owner}]})
    assert "ResourcePolicy" not in secrets.get_resource_policy(SecretId="s")
    refusal = refused(secrets.put_resource_policy, SecretId="s", ResourcePolicy=public, BlockPublicPolicy=True)
    assert refusal[0] == "PublicPolicyException"
    assert refused(secrets.put_resource_policy, SecretId="s", ResourcePolicy="{}")[0] == (
        "MalformedPolicyDocumentException"
    )
    secrets.put_resource_policy(SecretId="s", ResourcePolicy=private, BlockPublicPolicy=True)
    assert secrets.get_resource_policy(SecretId="s")["ResourcePolicy"] == private
    assert secrets.validate_resource_policy(ResourcePolicy=private)["PolicyValidationPassed"] is True
    assert secrets.validate_resource_policy(ResourcePolicy=public)["PolicyValidationPassed"] is False
    wrong = secrets.validate_resource_policy(ResourcePolicy="x", SecretId="s")
    assert wrong["ValidationErrors"][0]["CheckName"] == "POLICY_SYNTAX"
    secrets.delete_resource_policy(SecretId="s")
    assert "ResourcePolicy" not in secrets.get_resource_policy(SecretId="s")


def test_random_passwords(secrets: Any, refused: Refused) -> None:
    assert len(secrets.get_random_password()["RandomPassword"]) == 32
    digits = {"ExcludeLowercase": True, "ExcludeUppercase": True, "ExcludePunctuation": True}
    assert secrets.get_random_password(PasswordLength=12, **digits)["RandomPassword"].isdigit()
    nothing = refused(secrets.get_random_password, ExcludeNumbers=True, **digits)
    assert nothing[0] == "InvalidParameterException"


def test_replicas_follow_their_primary(kumoi: Any, secrets: Any, refused: Refused) -> None:
    kumoi.region = "eu-west-1"
    europe = kumoi.client("secretsmanager")
    made = secrets.create_secret(Name="s", SecretString="one", AddReplicaRegions=[{"Region": "eu-west-1"}])
    assert made["ReplicationStatus"][0]["Status"] == "InSync"
    copy = europe.get_secret_value(SecretId="s")
    assert copy["ARN"] == made["ARN"].replace("us-east-1", "eu-west-1")
    secrets.put_secret_value(SecretId="s", SecretString="two")
    assert value(europe) == "two"
    assert europe.describe_secret(SecretId="s")["PrimaryRegion"] == "us-east-1"
    forbidden = refused(europe.put_secret_value, SecretId="s", SecretString="x")
    assert forbidden == (
        "InvalidRequestException",
        "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
    )
    kept = refused(secrets.delete_secret, SecretId="s")
    assert kept == (
        "InvalidRequestException",
        "You can't delete secret s that still has replica regions [eu-west-1]",
    )
    europe.stop_replication_to_replica(SecretId="s")
    europe.put_secret_value(SecretId="s", SecretString="own")
    assert (value(europe), value(secrets)) == ("own", "two")
    failed = secrets.replicate_secret_to_regions(SecretId="s", AddReplicaRegions=[{"Region": "eu-west-1"}])
    assert failed["ReplicationStatus"][0]["Status"] == "Failed"
    assert "already exists in region eu-west-1" in failed["ReplicationStatus"][0]["StatusMessage"]
    secrets.replicate_secret_to_regions(
        SecretId="s", AddReplicaRegions=[{"Region": "eu-west-1"}], ForceOverwriteReplicaSecret=True
    )
    assert value(europe) == "two"
    secrets.remove_regions_from_replication(SecretId="s", RemoveReplicaRegions=["eu-west-1"])
    assert refused(europe.describe_secret, SecretId="s")[0] == "ResourceNotFoundException"
    assert refused(secrets.get_secret_value, SecretId=copy["ARN"])[0] == "ResourceNotFoundException"


def test_a_secret_is_read_through_parameter_store(kumoi: Any, secrets: Any, refused: Refused) -> None:
    ssm = kumoi.client("ssm")
    made = secrets.create_secret(Name="app/db", SecretString="hunter2")
    name = "/aws/reference/secretsmanager/app/db"
    found = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    assert (found["Name"], found["Value"], found["Type"]) == (name, "hunter2", "SecureString")
    assert found["ARN"] == made["ARN"]
    assert json.loads(found["SourceResult"])["VersionId"] == made["VersionId"]
    assert refused(ssm.get_parameter, Name=name)[0] == "ValidationException"
    missing = refused(ssm.get_parameter, Name=f"{name}x", WithDecryption=True)
    assert missing[0] == "ParameterNotFound"


def test_what_is_not_built_says_so(secrets: Any, refused: Refused) -> None:
    secrets.create_secret(Name="s", SecretString="x")
    code, text = refused(secrets.list_resource_policies, SecretId="s")
    assert code == "NotImplemented"
    assert "docs/secretsmanager.md" in text
