"""Templates with keys, aliases and replicas."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Refused = Callable[..., tuple[str, str]]


@pytest.fixture
def stacks(kumoi: Any) -> Any:
    return kumoi.client("cloudformation")


def settled(stacks: Any) -> dict[str, Any]:
    """The stack, once nothing is under way."""
    while (stack := stacks.describe_stacks(StackName="s")["Stacks"][0])["StackStatus"].endswith("_IN_PROGRESS"):
        continue
    return dict(stack)


def template(**resources: Any) -> str:
    outputs = {"Id": {"Value": {"Ref": "Key"}}, "Arn": {"Value": {"Fn::GetAtt": "Key.Arn"}}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def key(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::KMS::Key", "Properties": properties}


ALIAS = {
    "Type": "AWS::KMS::Alias",
    "Properties": {"AliasName": "alias/app", "TargetKeyId": {"Fn::GetAtt": "Key.Arn"}},
}


def policy(account: str, sid: str) -> dict[str, Any]:
    root = {"AWS": f"arn:aws:iam::{account}:root"}
    statement = {"Sid": sid, "Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_a_key_is_made_changed_and_left_to_be_deleted(kumoi: Any, kms: Any, stacks: Any, used_aliases: Any) -> None:
    made = key(
        Description="d",
        EnableKeyRotation=True,
        KeyPolicy=policy(kumoi.account, "one"),
        PendingWindowInDays=9,
        Tags=[{"Key": "team", "Value": "red"}],
    )
    stacks.create_stack(StackName="s", TemplateBody=template(Key=made, Alias=ALIAS))
    stack = settled(stacks)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    told = kms.describe_key(KeyId="alias/app")["KeyMetadata"]
    assert outputs(stack) == {"Id": told["KeyId"], "Arn": told["Arn"]}
    assert (told["Description"], kms.get_key_rotation_status(KeyId=told["KeyId"])["RotationPeriodInDays"]) == ("d", 365)
    assert json.loads(kms.get_key_policy(KeyId=told["KeyId"])["Policy"])["Statement"][0]["Sid"] == "one"
    tags = {one["TagKey"]: one["TagValue"] for one in kms.list_resource_tags(KeyId=told["KeyId"])["Tags"]}
    assert (tags["team"], tags["aws:cloudformation:stack-name"]) == ("red", "s")

    changed = key(
        Enabled=False,
        EnableKeyRotation=True,
        RotationPeriodInDays=100,
        KeyPolicy=policy(kumoi.account, "two"),
        PendingWindowInDays=9,
        Tags=[{"Key": "team", "Value": "blue"}],
    )
    stacks.update_stack(StackName="s", TemplateBody=template(Key=changed, Alias=ALIAS))
    stack = settled(stacks)
    assert (stack["StackStatus"], outputs(stack)["Id"]) == ("UPDATE_COMPLETE", told["KeyId"])
    after = kms.describe_key(KeyId="alias/app")["KeyMetadata"]
    assert (after["KeyState"], after["Description"]) == ("Disabled", "")
    assert kms.get_key_rotation_status(KeyId=told["KeyId"])["RotationPeriodInDays"] == 100
    assert json.loads(kms.get_key_policy(KeyId=told["KeyId"])["Policy"])["Statement"][0]["Sid"] == "two"
    tags = {one["TagKey"]: one["TagValue"] for one in kms.list_resource_tags(KeyId=told["KeyId"])["Tags"]}
    assert tags["team"] == "blue"

    stacks.delete_stack(StackName="s")
    stacks.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    gone = kms.describe_key(KeyId=told["KeyId"])["KeyMetadata"]
    assert (gone["KeyState"], round((gone["DeletionDate"] - kumoi.now()).total_seconds() / 86_400)) == (
        "PendingDeletion",
        9,
    )
    assert used_aliases() == {}


def test_what_a_key_is_cannot_be_changed(kms: Any, stacks: Any) -> None:
    stacks.create_stack(StackName="s", TemplateBody=template(Key=key(), Alias=ALIAS))
    settled(stacks)
    pair = key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    stacks.update_stack(StackName="s", TemplateBody=template(Key=pair, Alias=ALIAS))
    assert settled(stacks)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert kms.describe_key(KeyId="alias/app")["KeyMetadata"]["KeySpec"] == "SYMMETRIC_DEFAULT"


def test_an_alias_is_moved_and_renamed(kms: Any, stacks: Any, used_aliases: Any) -> None:
    stacks.create_stack(StackName="s", TemplateBody=template(Key=key(), Other=key(), Alias=ALIAS))
    settled(stacks)
    first = kms.describe_key(KeyId="alias/app")["KeyMetadata"]["KeyId"]
    moved = {**ALIAS, "Properties": {"AliasName": "alias/app", "TargetKeyId": {"Ref": "Other"}}}
    stacks.update_stack(StackName="s", TemplateBody=template(Key=key(), Other=key(), Alias=moved))
    settled(stacks)
    assert kms.describe_key(KeyId="alias/app")["KeyMetadata"]["KeyId"] != first
    renamed = {**ALIAS, "Properties": {"AliasName": "alias/new", "TargetKeyId": {"Ref": "Key"}}}
    stacks.update_stack(StackName="s", TemplateBody=template(Key=key(), Other=key(), Alias=renamed))
    settled(stacks)
    assert used_aliases() == {"alias/new": first}


def test_a_replica_follows_its_primary_key(kumoi: Any, kms: Any, abroad: Any) -> None:
    primary = kms.create_key(MultiRegion=True)["KeyMetadata"]
    kumoi.region = "eu-west-1"
    stacks = kumoi.client("cloudformation")
    replica = {
        "Type": "AWS::KMS::ReplicaKey",
        "Properties": {"PrimaryKeyArn": primary["Arn"], "Description": "there", "PendingWindowInDays": 7},
    }
    stacks.create_stack(StackName="s", TemplateBody=template(Key=replica))
    stack = settled(stacks)
    assert (stack["StackStatus"], outputs(stack)["Id"]) == ("CREATE_COMPLETE", primary["KeyId"])
    assert outputs(stack)["Arn"] == primary["Arn"].replace("us-east-1", "eu-west-1")
    blob = kms.encrypt(KeyId=primary["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    assert abroad.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    stacks.delete_stack(StackName="s")
    stacks.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    assert abroad.describe_key(KeyId=primary["KeyId"])["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_drift_of_a_key_is_told(kms: Any, stacks: Any) -> None:
    stacks.create_stack(StackName="s", TemplateBody=template(Key=key(Description="d"), Alias=ALIAS))
    settled(stacks)
    kms.update_key_description(KeyId=kms.describe_key(KeyId="alias/app")["KeyMetadata"]["KeyId"], Description="e")
    detection = stacks.detect_stack_drift(StackName="s")["StackDriftDetectionId"]
    while (found := stacks.describe_stack_drift_detection_status(StackDriftDetectionId=detection))[
        "DetectionStatus"
    ] == "DETECTION_IN_PROGRESS":
        continue
    assert (found["StackDriftStatus"], found["DriftedStackResourceCount"]) == ("DRIFTED", 1)


def test_a_key_that_is_there_is_taken_in(kms: Any, stacks: Any) -> None:
    made = kms.create_key(Description="d")["KeyMetadata"]["KeyId"]
    stacks.create_change_set(
        StackName="s",
        ChangeSetName="c",
        ChangeSetType="IMPORT",
        TemplateBody=template(Key={**key(Description="d"), "DeletionPolicy": "Retain"}),
        ResourcesToImport=[
            {"ResourceType": "AWS::KMS::Key", "LogicalResourceId": "Key", "ResourceIdentifier": {"KeyId": made}}
        ],
    )
    stacks.get_waiter("change_set_create_complete").wait(StackName="s", ChangeSetName="c", WaiterConfig={"Delay": 1})
    stacks.execute_change_set(StackName="s", ChangeSetName="c")
    stack = settled(stacks)
    assert (stack["StackStatus"], outputs(stack)["Id"]) == ("IMPORT_COMPLETE", made)
