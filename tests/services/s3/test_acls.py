"""Access control lists: canned, in headers, as documents; what ownership and the public access block make of them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.s3 import acls
from kumoi.services.s3.lookup import canonical_id
from kumoi.services.s3.records import Grant
from kumoi.wire import AwsError

OTHER = canonical_id("210987654321")


def refused(function: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as raised:
        function(**arguments)
    return str(raised.value.response["Error"]["Code"])


def shown(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["Grantee"].get("URI") or one["Grantee"]["ID"], one["Permission"]) for one in answer["Grants"]]


@pytest.fixture
def owner(kumoi: Any) -> str:
    return canonical_id(kumoi.account)


@pytest.fixture
def listed(s3: Any, bucket: str) -> str:
    """A bucket in which lists count, public ones too."""
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.delete_public_access_block(Bucket=bucket)
    return bucket


def test_a_new_bucket_takes_no_lists(s3: Any, bucket: str, owner: str) -> None:
    assert shown(s3.get_bucket_acl(Bucket=bucket)) == [(owner, "FULL_CONTROL")]
    assert refused(s3.put_bucket_acl, Bucket=bucket, ACL="public-read") == "AccessControlListNotSupported"
    s3.put_object(Bucket=bucket, Key="k", Body=b"", ACL="bucket-owner-full-control")
    assert refused(s3.put_object, Bucket=bucket, Key="k", ACL="public-read") == "AccessControlListNotSupported"
    assert refused(s3.put_object_acl, Bucket=bucket, Key="k", GrantRead=f"id={OTHER}") == (
        "AccessControlListNotSupported"
    )
    assert shown(s3.get_object_acl(Bucket=bucket, Key="k")) == [(owner, "FULL_CONTROL")]


def test_public_lists_are_blocked(s3: Any, bucket: str) -> None:
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
    assert refused(s3.put_bucket_acl, Bucket=bucket, ACL="public-read") == "AccessDenied"
    assert refused(s3.put_object, Bucket=bucket, Key="k", ACL="public-read") == "AccessDenied"
    s3.put_object(Bucket=bucket, Key="k", Body=b"", ACL="private")


def test_canned_lists(s3: Any, listed: str, owner: str) -> None:
    s3.put_bucket_acl(Bucket=listed, ACL="log-delivery-write")
    assert shown(s3.get_bucket_acl(Bucket=listed)) == [
        (owner, "FULL_CONTROL"),
        (acls.LOG_DELIVERY, "WRITE"),
        (acls.LOG_DELIVERY, "READ_ACP"),
    ]
    s3.put_object(Bucket=listed, Key="k", Body=b"", ACL="public-read")
    public = [(owner, "FULL_CONTROL"), (acls.ALL_USERS, "READ")]
    assert shown(s3.get_object_acl(Bucket=listed, Key="k")) == public
    s3.copy_object(Bucket=listed, Key="copy", CopySource=f"{listed}/k")
    assert shown(s3.get_object_acl(Bucket=listed, Key="copy")) == [(owner, "FULL_CONTROL")]  # a list is never copied
    upload = s3.create_multipart_upload(Bucket=listed, Key="parts", ACL="authenticated-read")["UploadId"]
    named = {"Bucket": listed, "Key": "parts", "UploadId": upload}
    part = s3.upload_part(**named, PartNumber=1, Body=b"x")
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert (acls.AUTHENTICATED_USERS, "READ") in shown(s3.get_object_acl(Bucket=listed, Key="parts"))


def test_grants_in_headers_and_documents(s3: Any, listed: str, owner: str) -> None:
    s3.put_object(Bucket=listed, Key="k", Body=b"", GrantRead=f'id="{OTHER}", uri="{acls.ALL_USERS}"')
    assert shown(s3.get_object_acl(Bucket=listed, Key="k")) == [(OTHER, "READ"), (acls.ALL_USERS, "READ")]
    document = s3.get_bucket_acl(Bucket=listed)
    document = {"Owner": document["Owner"], "Grants": document["Grants"]}
    document["Grants"].append({"Grantee": {"Type": "CanonicalUser", "ID": OTHER}, "Permission": "WRITE"})
    s3.put_bucket_acl(Bucket=listed, AccessControlPolicy=document)
    assert shown(s3.get_bucket_acl(Bucket=listed)) == [(owner, "FULL_CONTROL"), (OTHER, "WRITE")]
    s3.put_object_acl(Bucket=listed, Key="k", AccessControlPolicy={"Owner": {"ID": owner}, "Grants": []})
    assert shown(s3.get_object_acl(Bucket=listed, Key="k")) == []


def test_lists_of_versions(s3: Any, listed: str) -> None:
    s3.put_bucket_versioning(Bucket=listed, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=listed, Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket=listed, Key="k", Body=b"2")
    s3.put_object_acl(Bucket=listed, Key="k", VersionId=first, ACL="public-read")
    assert len(s3.get_object_acl(Bucket=listed, Key="k", VersionId=first)["Grants"]) == 2
    assert len(s3.get_object_acl(Bucket=listed, Key="k")["Grants"]) == 1
    s3.delete_object(Bucket=listed, Key="k")
    assert refused(s3.get_object_acl, Bucket=listed, Key="k") == "MethodNotAllowed"


def test_what_a_list_says_of_another_accounts_object(kumoi: Any, s3: Any, listed: str, owner: str) -> None:
    import boto3

    other = boto3.client(
        "s3",
        endpoint_url=kumoi.url,
        region_name="us-east-1",
        aws_access_key_id="210987654321",
        aws_secret_access_key="test",
    )
    other.put_object(Bucket=listed, Key="k", Body=b"", ACL="bucket-owner-read")
    found = s3.get_object_acl(Bucket=listed, Key="k")
    assert (found["Owner"]["ID"], shown(found)) == (OTHER, [(OTHER, "FULL_CONTROL"), (owner, "READ")])
    preferred = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    s3.put_bucket_ownership_controls(Bucket=listed, OwnershipControls=preferred)
    other.put_object(Bucket=listed, Key="k", Body=b"", ACL="bucket-owner-full-control")
    other.close()
    assert s3.get_object_acl(Bucket=listed, Key="k")["Owner"]["ID"] == owner


def test_making_a_bucket_with_a_list(kumoi: Any, s3: Any) -> None:
    name = f"made-{kumoi.account}"
    assert refused(s3.create_bucket, Bucket=name, ACL="public-read") == "InvalidBucketAclWithObjectOwnership"
    assert refused(s3.create_bucket, Bucket=name, ACL="public-read", ObjectOwnership="ObjectWriter") == (
        "InvalidBucketAclWithBlockPublicAccessError"
    )
    s3.create_bucket(Bucket=name, ACL="log-delivery-write", ObjectOwnership="ObjectWriter")
    controls = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
    assert controls == {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    assert len(s3.get_bucket_acl(Bucket=name)["Grants"]) == 3


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "MissingSecurityHeader"),
        ({"ACL": "fake"}, "InvalidArgument"),
        ({"ACL": "private", "GrantRead": f"id={OTHER}"}, "InvalidRequest"),
        ({"GrantRead": "somebody"}, "InvalidArgument"),
        ({"GrantRead": "id=x"}, "InvalidArgument"),
        ({"GrantRead": "uri=http://groups"}, "InvalidArgument"),
        ({"GrantRead": "emailAddress=a@b.c"}, "UnresolvableGrantByEmailAddress"),
        ({"AccessControlPolicy": {"Grants": []}}, "MalformedACLError"),
        ({"AccessControlPolicy": {"Owner": {"ID": "x"}, "Grants": []}}, "InvalidArgument"),
        ({"AccessControlPolicy": {"Owner": {"ID": OTHER}, "Grants": []}}, "AccessDenied"),
        ({"AccessControlPolicy": {"Owner": {"ID": OTHER}, "Grants": []}, "ACL": "private"}, "UnexpectedContent"),
    ],
)
def test_what_is_no_list(s3: Any, listed: str, arguments: dict[str, Any], code: str) -> None:
    assert refused(s3.put_bucket_acl, Bucket=listed, **arguments) == code


@pytest.mark.parametrize(
    "grant",
    [
        {},
        {"Permission": "READ"},
        {"Grantee": {"Type": "Group", "ID": OTHER}, "Permission": "READ"},
        {"Grantee": {"Type": "Nobody", "ID": OTHER}, "Permission": "READ"},
        {"Grantee": {"Type": "CanonicalUser", "ID": OTHER}, "Permission": "ALL"},
    ],
)
def test_documents_with_grants_that_are_none(grant: dict[str, Any]) -> None:
    with pytest.raises(AwsError) as raised:
        acls.of_document({"Owner": {"ID": OTHER}, "Grants": [grant]}, OTHER)
    assert raised.value.code == "MalformedACLError"


def test_public_lists() -> None:
    assert acls.is_public([Grant(OTHER, "READ"), Grant(acls.AUTHENTICATED_USERS, "READ_ACP")])
    assert not acls.is_public([Grant(OTHER, "READ"), Grant(acls.LOG_DELIVERY, "WRITE")])
