"""`--auth enforce`: who may do what by policies, access control lists, the public access block and ownership."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from kumoi.services.s3.acls import ALL_USERS
from kumoi.services.s3.lookup import canonical_id

OWNER, FRIEND = "111111111111", "222222222222"
Key = tuple[str, str]


class Enforcing:
    """A platform that enforces policies, and clients of it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._clients: list[Any] = []

    def client(self, service: str, key: Key | None, **config: Any) -> Any:
        """A client with a key, or one that signs nothing."""
        signing = Config(signature_version=UNSIGNED) if key is None else Config()
        client = boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=key[0] if key else "none",
            aws_secret_access_key=key[1] if key else "none",
            config=Config(retries={"total_max_attempts": 1}, **config).merge(signing),
        )
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture(scope="module")
def enforcing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enforcing]:
    data = str(tmp_path_factory.mktemp("enforce"))
    kumoi = [sys.executable, "-m", "kumoi"]
    up = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--auth", "enforce", "--data", data]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    platform = Enforcing(json.loads((Path(data) / "platform.json").read_text())["url"])
    yield platform
    platform.close()
    subprocess.run([*kumoi, "down", "--data", data], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def owner(enforcing: Enforcing) -> Any:
    return enforcing.client("s3", (OWNER, "test"))


@pytest.fixture(scope="module")
def friend(enforcing: Enforcing) -> Any:
    return enforcing.client("s3", (FRIEND, "test"))


@pytest.fixture(scope="module")
def nobody(enforcing: Enforcing) -> Any:
    return enforcing.client("s3", None)


@pytest.fixture(scope="module")
def user_key(enforcing: Enforcing) -> Key:
    """A user of the owner's account who has no policies."""
    iam = enforcing.client("iam", (OWNER, "test"))
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


@pytest.fixture(scope="module")
def user(enforcing: Enforcing, user_key: Key) -> Any:
    return enforcing.client("s3", user_key)


EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
_numbers = itertools.count()


@pytest.fixture
def bucket(owner: Any) -> str:
    """A bucket as AWS makes them, with an object `k`."""
    name = f"bucket-{next(_numbers)}"
    owner.create_bucket(Bucket=name)
    owner.put_object(Bucket=name, Key="k", Body=b"body")
    return name


@pytest.fixture
def opened(owner: Any, bucket: str) -> str:
    """The bucket, in which lists count and nothing public is blocked."""
    controls = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    owner.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
    owner.delete_public_access_block(Bucket=bucket)
    return bucket


def allow(owner: Any, bucket: str, principal: Any, *actions: str, effect: str = "Allow", **more: Any) -> None:
    statement = {
        "Effect": effect,
        "Principal": principal,
        "Action": list(actions),
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        **more,
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    owner.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def outcome(function: Any, **arguments: Any) -> str:
    try:
        function(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "ok"


def test_nobody_has_access_to_a_new_bucket(nobody: Any, friend: Any, user: Any, owner: Any, bucket: str) -> None:
    for caller in (nobody, friend, user):
        assert outcome(caller.get_object, Bucket=bucket, Key="k") == "AccessDenied"
        assert outcome(caller.list_objects_v2, Bucket=bucket) == "AccessDenied"
        assert outcome(caller.put_object, Bucket=bucket, Key="k", Body=b"") == "AccessDenied"
        assert outcome(caller.delete_bucket, Bucket=bucket) == "AccessDenied"
    assert outcome(nobody.list_buckets) == "AccessDenied"
    assert owner.get_object(Bucket=bucket, Key="k")["Body"].read() == b"body"
    assert outcome(nobody.get_object, Bucket=f"no-{bucket}", Key="k") == "NoSuchBucket"


def test_a_public_policy_lets_everybody_in(nobody: Any, friend: Any, user: Any, owner: Any, opened: str) -> None:
    allow(owner, opened, "*", "s3:GetObject")
    for caller in (nobody, friend, user):
        if caller is not friend:  # the root of another account may use what it is granted, and so may its users
            assert caller.get_object(Bucket=opened, Key="k")["Body"].read() == b"body"
        assert outcome(caller.put_object, Bucket=opened, Key="k", Body=b"") == "AccessDenied"
    assert friend.get_object(Bucket=opened, Key="k")["Body"].read() == b"body"


def test_keys_that_are_missing_are_told_to_who_may_list(nobody: Any, owner: Any, opened: str) -> None:
    allow(owner, opened, "*", "s3:GetObject")
    assert outcome(nobody.get_object, Bucket=opened, Key="none") == "AccessDenied"
    assert outcome(nobody.head_object, Bucket=opened, Key="none") == "403"
    allow(owner, opened, "*", "s3:GetObject", "s3:ListBucket")
    assert outcome(nobody.get_object, Bucket=opened, Key="none") == "NoSuchKey"
    assert outcome(nobody.head_object, Bucket=opened, Key="none") == "404"


def test_public_policies_are_blocked_and_restricted(
    nobody: Any, friend: Any, user: Any, owner: Any, opened: str
) -> None:
    allow(owner, opened, "*", "s3:GetObject")
    block = {"BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    owner.put_public_access_block(Bucket=opened, PublicAccessBlockConfiguration=block)
    assert outcome(nobody.get_object, Bucket=opened, Key="k") == "AccessDenied"
    assert outcome(friend.get_object, Bucket=opened, Key="k") == "AccessDenied"
    assert outcome(user.get_object, Bucket=opened, Key="k") == "ok"
    with pytest.raises(ClientError, match="AccessDenied"):
        allow(owner, opened, "*", "s3:PutObject")


def test_policies_name_users_and_deny(user: Any, friend: Any, owner: Any, bucket: str) -> None:
    ann = {"AWS": f"arn:aws:iam::{OWNER}:user/ann"}
    allow(owner, bucket, ann, "s3:GetObject")
    assert outcome(user.get_object, Bucket=bucket, Key="k") == "ok"
    assert outcome(friend.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    allow(owner, bucket, {"AWS": FRIEND}, "s3:*")
    assert outcome(friend.list_objects_v2, Bucket=bucket) == "ok"
    assert outcome(user.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    allow(owner, bucket, "*", "s3:*", effect="Deny")
    assert outcome(owner.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    owner.delete_bucket_policy(Bucket=bucket)  # no policy keeps the account's root from this
    assert outcome(owner.get_object, Bucket=bucket, Key="k") == "ok"


def test_each_key_of_many_is_asked_for(user: Any, nobody: Any, owner: Any, bucket: str) -> None:
    owner.put_object(Bucket=bucket, Key="tmp/k", Body=b"")
    ann = {"AWS": f"arn:aws:iam::{OWNER}:user/ann"}
    allow(owner, bucket, ann, "s3:DeleteObject", Resource=f"arn:aws:s3:::{bucket}/tmp/*")
    listed = {"Objects": [{"Key": "k"}, {"Key": "tmp/k"}]}
    answer = user.delete_objects(Bucket=bucket, Delete=listed)
    assert [one["Key"] for one in answer["Deleted"]] == ["tmp/k"]
    assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [("k", "AccessDenied")]
    assert len(nobody.delete_objects(Bucket=bucket, Delete=listed)["Errors"]) == 2
    assert outcome(owner.head_object, Bucket=bucket, Key="k") == "ok"


def test_conditions(nobody: Any, owner: Any, opened: str) -> None:
    referred = {"StringLike": {"aws:Referer": "https://example.com/*"}}
    allow(owner, opened, "*", "s3:GetObject", Condition=referred)
    pool = urllib3.PoolManager()
    url = f"{nobody.meta.endpoint_url}/{opened}/k"
    assert pool.request("GET", url).status == 403
    assert pool.request("GET", url, headers={"Referer": "https://example.com/page"}).status == 200
    pool.clear()
    allow(owner, opened, "*", "s3:ListBucket", Condition={"StringEquals": {"s3:prefix": "public/"}})
    assert outcome(nobody.list_objects_v2, Bucket=opened, Prefix="public/") == "ok"
    assert outcome(nobody.list_objects_v2, Bucket=opened) == "AccessDenied"


def test_public_lists_let_everybody_in(nobody: Any, owner: Any, opened: str) -> None:
    owner.put_object(Bucket=opened, Key="public", Body=b"to all", ACL="public-read")
    assert nobody.get_object(Bucket=opened, Key="public")["Body"].read() == b"to all"
    assert outcome(nobody.get_object, Bucket=opened, Key="k") == "AccessDenied"
    assert outcome(nobody.get_object_acl, Bucket=opened, Key="public") == "AccessDenied"
    assert outcome(nobody.list_objects_v2, Bucket=opened) == "AccessDenied"
    owner.put_bucket_acl(Bucket=opened, ACL="public-read-write")
    assert len(nobody.list_objects_v2(Bucket=opened)["Contents"]) == 2
    assert outcome(nobody.put_object, Bucket=opened, Key="guest", Body=b"") == "ok"
    assert outcome(nobody.delete_object, Bucket=opened, Key="k") == "AccessDenied"
    ignoring = {"IgnorePublicAcls": True}
    owner.put_public_access_block(Bucket=opened, PublicAccessBlockConfiguration=ignoring)
    assert outcome(nobody.get_object, Bucket=opened, Key="public") == "AccessDenied"
    assert outcome(nobody.list_objects_v2, Bucket=opened) == "AccessDenied"
    owner.delete_public_access_block(Bucket=opened)
    enforced = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    owner.put_bucket_ownership_controls(Bucket=opened, OwnershipControls=enforced)
    assert outcome(nobody.get_object, Bucket=opened, Key="public") == "AccessDenied"


def test_lists_grant_to_accounts(friend: Any, user: Any, owner: Any, opened: str) -> None:
    granted = f"id={canonical_id(FRIEND)}"
    owner.put_object_acl(Bucket=opened, Key="k", GrantRead=granted)
    assert outcome(friend.get_object, Bucket=opened, Key="k") == "ok"
    assert outcome(user.get_object, Bucket=opened, Key="k") == "AccessDenied"
    owner.put_object_acl(
        Bucket=opened, Key="k", GrantRead='uri="http://acs.amazonaws.com/groups/global/AuthenticatedUsers"'
    )
    assert outcome(user.get_object, Bucket=opened, Key="k") == "ok"


def test_an_object_is_its_writers(friend: Any, owner: Any, opened: str) -> None:
    allow(owner, opened, {"AWS": FRIEND}, "s3:PutObject")
    friend.put_object(Bucket=opened, Key="friends", Body=b"")
    assert outcome(owner.get_object, Bucket=opened, Key="friends") == "AccessDenied"
    assert outcome(friend.get_object, Bucket=opened, Key="friends") == "ok"
    friend.put_object_acl(Bucket=opened, Key="friends", ACL="bucket-owner-full-control")
    assert outcome(owner.get_object, Bucket=opened, Key="friends") == "ok"
    assert outcome(owner.delete_object, Bucket=opened, Key="friends") == "ok"


def test_forms(enforcing: Enforcing, user: Any, user_key: Key, owner: Any, opened: str) -> None:
    pool = urllib3.PoolManager()

    def post(posted: dict[str, Any], **changes: str) -> int:
        fields = [*(posted["fields"] | changes).items(), ("file", ("f", b"posted", "text/plain"))]
        return int(pool.request("POST", posted["url"], fields=fields, redirect=False).status)

    v4 = enforcing.client("s3", user_key, signature_version="s3v4")
    for caller in (user, v4):
        assert post(caller.generate_presigned_post(opened, "posted")) == 403  # the user may not put objects
    allow(owner, opened, {"AWS": f"arn:aws:iam::{OWNER}:user/ann"}, "s3:PutObject")
    for caller in (user, v4):
        posted = caller.generate_presigned_post(opened, "posted")
        assert post(posted) == 204
        assert post(posted, policy=owner.generate_presigned_post(opened, "x")["fields"]["policy"]) == 403
    unsigned = {"url": posted["url"], "fields": {"key": "guest"}}
    assert post(unsigned) == 403
    owner.put_bucket_acl(Bucket=opened, ACL="public-read-write")
    assert post(unsigned) == 204
    pool.clear()


def test_forms_of_sessions(enforcing: Enforcing, owner: Any, bucket: str) -> None:
    """Functions sign forms with their session's credentials."""
    sts = enforcing.client("sts", (OWNER, "test"))
    found = sts.get_federation_token(Name="guest", Policy=json.dumps(EVERYTHING))["Credentials"]
    allow(owner, bucket, {"AWS": f"arn:aws:sts::{OWNER}:federated-user/guest"}, "s3:PutObject")
    pool = urllib3.PoolManager()
    for version in ("s3", "s3v4"):
        guest = boto3.client(
            "s3",
            endpoint_url=enforcing.url,
            region_name="us-east-1",
            aws_access_key_id=found["AccessKeyId"],
            aws_secret_access_key=found["SecretAccessKey"],
            aws_session_token=found["SessionToken"],
            config=Config(signature_version=version),
        )
        posted = guest.generate_presigned_post(bucket, "k")
        guest.close()
        fields = [*posted["fields"].items(), ("file", ("f", b"", "text/plain"))]
        assert pool.request("POST", posted["url"], fields=fields).status == 204
        broken = [(name, value) for name, value in fields if name != "x-amz-security-token"]
        assert pool.request("POST", posted["url"], fields=broken).status in (400, 403)
    pool.clear()


def test_websites_are_for_everybody_or_nobody(enforcing: Enforcing, owner: Any, opened: str) -> None:
    website = {"IndexDocument": {"Suffix": "k"}}
    owner.put_bucket_website(Bucket=opened, WebsiteConfiguration=website)
    pool = urllib3.PoolManager()
    url = f"{enforcing.url}/_kumoi/s3-website/{opened}"
    assert pool.request("GET", f"{url}/").status == 403
    owner.put_object_acl(Bucket=opened, Key="k", ACL="public-read")
    assert pool.request("GET", f"{url}/").data == b"body"
    assert pool.request("GET", f"{url}/none").status == 403
    owner.put_bucket_acl(Bucket=opened, GrantRead=f'uri="{ALL_USERS}"')
    assert pool.request("GET", f"{url}/none").status == 404
    pool.clear()


def test_copies_read_their_source(friend: Any, owner: Any, bucket: str) -> None:
    friend.create_bucket(Bucket=f"friends-{bucket}")
    copy = {"Bucket": f"friends-{bucket}", "Key": "copy", "CopySource": f"{bucket}/k"}
    assert outcome(friend.copy_object, **copy) == "AccessDenied"
    allow(owner, bucket, {"AWS": FRIEND}, "s3:GetObject")
    assert outcome(friend.copy_object, **copy) == "ok"


def test_replication_is_what_its_role_may_do(enforcing: Enforcing, owner: Any, friend: Any, bucket: str) -> None:
    theirs = f"copies-of-{bucket}"
    friend.create_bucket(Bucket=theirs)
    for client, name in ((owner, bucket), (friend, theirs)):
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    iam = enforcing.client("iam", (OWNER, "test"))

    def trusting(service: str) -> str:
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    role = iam.create_role(RoleName="replication", AssumeRolePolicyDocument=trusting("ec2.amazonaws.com"))["Role"]
    rule = {"ID": "r", "Prefix": "", "Status": "Enabled", "Destination": {"Bucket": f"arn:aws:s3:::{theirs}"}}
    owner.put_bucket_replication(Bucket=bucket, ReplicationConfiguration={"Role": role["Arn"], "Rules": [rule]})

    def replicated(**more: Any) -> str:
        """The status that a new version comes to."""
        owner.put_object(Bucket=bucket, Key="k", Body=b"new", **more)
        deadline = time.monotonic() + 60
        while (status := owner.head_object(Bucket=bucket, Key="k")["ReplicationStatus"]) == "PENDING":
            assert time.monotonic() < deadline
        return str(status)

    def permit(*actions: str) -> None:
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName="replication", PolicyName="p", PolicyDocument=document)

    reading = ("s3:GetReplicationConfiguration", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl")
    permit(*reading, "s3:ReplicateObject")
    allow(friend, theirs, {"AWS": role["Arn"]}, "s3:ReplicateObject", "s3:ReplicateTags")
    assert replicated() == "FAILED"  # the role is not S3's to assume
    iam.update_assume_role_policy(RoleName="replication", PolicyDocument=trusting("s3.amazonaws.com"))
    assert replicated() == "COMPLETED"
    assert replicated(Tagging="a=b") == "FAILED"
    permit(*reading, "s3:ReplicateObject", "s3:ReplicateTags", "s3:GetObjectVersionTagging")
    assert replicated(Tagging="a=b") == "COMPLETED"
    allow(friend, theirs, {"AWS": role["Arn"]}, "s3:ReplicateTags")
    assert replicated() == "FAILED"  # the bucket's owner allows it no longer
