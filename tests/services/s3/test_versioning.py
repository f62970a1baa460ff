"""Versioning, delete markers and Object Lock, with boto3."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refused(call: Any, **named: Any) -> tuple[str, dict[str, str]]:
    with pytest.raises(ClientError) as error:
        call(**named)
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPHeaders"]


def test_versions_are_kept_and_markers_hide_them(s3: Any, versioned: str) -> None:
    named = {"Bucket": versioned, "Key": "k"}
    ids = [s3.put_object(**named, Body=body)["VersionId"] for body in (b"1", b"2" * 20_000, b"3")]
    assert len(set(ids)) == 3
    assert s3.get_object(**named)["Body"].read() == b"3"
    assert s3.get_object(**named, VersionId=ids[1])["Body"].read() == b"2" * 20_000
    marker = s3.delete_object(**named)
    assert marker["DeleteMarker"] is True
    code, headers = refused(s3.get_object, **named)
    assert (code, headers["x-amz-delete-marker"], headers["x-amz-version-id"]) == (
        "NoSuchKey",
        "true",
        marker["VersionId"],
    )
    code, headers = refused(s3.get_object, **named, VersionId=marker["VersionId"])
    assert (code, headers["allow"]) == ("MethodNotAllowed", "DELETE")
    assert refused(s3.get_object_tagging, **named)[0] == "MethodNotAllowed"
    listed = s3.list_object_versions(Bucket=versioned)
    assert [one["VersionId"] for one in listed["Versions"]] == ids[::-1]
    assert [one["IsLatest"] for one in listed["Versions"]] == [False] * 3
    assert [(one["VersionId"], one["IsLatest"]) for one in listed["DeleteMarkers"]] == [(marker["VersionId"], True)]
    gone = s3.delete_object(**named, VersionId=marker["VersionId"])
    assert gone["DeleteMarker"] is True
    assert s3.get_object(**named)["Body"].read() == b"3"
    s3.delete_object(**named, VersionId=ids[2])
    assert s3.head_object(**named)["VersionId"] == ids[1]


def test_ids_that_name_nothing(s3: Any, bucket: str) -> None:
    named = {"Bucket": bucket, "Key": "k"}
    s3.put_object(**named, Body=b"unversioned")
    assert s3.get_object(**named, VersionId="null")["Body"].read() == b"unversioned"
    assert refused(s3.get_object, **named, VersionId="bogus")[0] == "InvalidArgument"
    assert refused(s3.delete_object, **named, VersionId="bogus")[0] == "InvalidArgument"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    other = s3.put_object(Bucket=bucket, Key="other", Body=b"")["VersionId"]
    assert refused(s3.get_object, **named, VersionId=other)[0] == "NoSuchVersion"
    assert s3.delete_object(**named, VersionId=other)["VersionId"] == other
    assert s3.head_object(**named)["VersionId"] == "null"


def test_suspending_writes_null_versions(s3: Any, bucket: str) -> None:
    named = {"Bucket": bucket, "Key": "k"}
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    s3.put_object(**named, Body=b"before")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    kept = s3.put_object(**named, Body=b"kept")["VersionId"]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert "VersionId" not in s3.put_object(**named, Body=b"null")
    ids = [one["VersionId"] for one in s3.list_object_versions(Bucket=bucket)["Versions"]]
    assert ids == ["null", kept]
    marker = s3.delete_object(**named)
    assert (marker["DeleteMarker"], marker["VersionId"]) == (True, "null")
    listed = s3.list_object_versions(Bucket=bucket)
    assert [one["VersionId"] for one in listed["Versions"]] == [kept]
    assert s3.get_object(**named, VersionId=kept)["Body"].read() == b"kept"
    assert refused(s3.delete_bucket, Bucket=bucket)[0] == "BucketNotEmpty"


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_pages_of_versions_add_up(s3: Any, versioned: str, size: int) -> None:
    for key in ("a", "b", "c/1", "c/2"):
        for body in (b"1", b"2", b"3"):
            s3.put_object(Bucket=versioned, Key=key, Body=body)
    s3.delete_object(Bucket=versioned, Key="b")
    pages = list(
        s3.get_paginator("list_object_versions").paginate(Bucket=versioned, PaginationConfig={"PageSize": size})
    )
    found = [one for page in pages for one in page.get("Versions", []) + page.get("DeleteMarkers", [])]
    assert len(found) == len({(one["Key"], one["VersionId"]) for one in found}) == 13
    assert sum(one["IsLatest"] for one in found) == 4
    behind = s3.list_object_versions(Bucket=versioned, KeyMarker="a")
    assert {one["Key"] for one in behind["Versions"]} == {"b", "c/1", "c/2"}
    grouped = s3.list_object_versions(Bucket=versioned, Delimiter="/", Prefix="c")
    assert ([one["Prefix"] for one in grouped["CommonPrefixes"]], "Versions" in grouped) == (["c/"], False)
    assert refused(s3.list_object_versions, Bucket=versioned, VersionIdMarker="x")[0] == "InvalidArgument"


def test_emptying_a_bucket_of_versions(kumoi: Any, s3: Any, versioned: str) -> None:
    for number in range(5):
        s3.put_object(Bucket=versioned, Key=f"{number}", Body=b"")
        s3.delete_object(Bucket=versioned, Key=f"{number}")
    listed = s3.list_object_versions(Bucket=versioned)
    objects = [
        {"Key": one["Key"], "VersionId": one["VersionId"]} for one in listed["Versions"] + listed["DeleteMarkers"]
    ]
    done = s3.delete_objects(Bucket=versioned, Delete={"Objects": [*objects, {"Key": "x", "VersionId": "bogus"}]})
    assert len(done["Deleted"]) == 10
    assert [one["Code"] for one in done["Errors"]] == ["NoSuchVersion"]
    nameless = {"Bucket": versioned, "Delete": {"Objects": [{"Key": ""}]}}
    assert refused(kumoi.client("s3", parameter_validation=False).delete_objects, **nameless)[0] == "MalformedXML"
    s3.delete_bucket(Bucket=versioned)


@pytest.mark.kumoi_clock
def test_object_lock(kumoi: Any, s3: Any) -> None:
    name = f"locked-{kumoi.account}"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    suspend = {"Bucket": name, "VersioningConfiguration": {"Status": "Suspended"}}
    assert refused(s3.put_bucket_versioning, **suspend)[0] == "InvalidBucketState"
    named = {"Bucket": name, "Key": "k"}
    until = kumoi.now() + timedelta(days=1)
    version = s3.put_object(
        **named, Body=b"", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until, ObjectLockLegalHoldStatus="ON"
    )["VersionId"]
    one = {**named, "VersionId": version}
    assert s3.head_object(**one)["ObjectLockMode"] == "GOVERNANCE"
    assert refused(s3.delete_object, **one, BypassGovernanceRetention=True)[0] == "AccessDenied"
    s3.put_object_legal_hold(**one, LegalHold={"Status": "OFF"})
    assert s3.get_object_legal_hold(**one)["LegalHold"]["Status"] == "OFF"
    assert refused(s3.delete_object, **one)[0] == "AccessDenied"
    sooner = {"Mode": "GOVERNANCE", "RetainUntilDate": until - timedelta(hours=1)}
    assert refused(s3.put_object_retention, **one, Retention=sooner)[0] == "AccessDenied"
    s3.put_object_retention(**one, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until + timedelta(hours=1)})
    s3.delete_object(**named)  # just a marker
    s3.delete_object(**one, BypassGovernanceRetention=True)
    default = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}}
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=default)
    assert s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"] == default
    held = s3.put_object(**named, Body=b"")["VersionId"]
    assert refused(s3.delete_object, **named, VersionId=held, BypassGovernanceRetention=True)[0] == "AccessDenied"
    kumoi.advance("25h")
    s3.delete_object(**named, VersionId=held)


def test_object_lock_where_there_is_none(s3: Any, bucket: str) -> None:
    named = {"Bucket": bucket, "Key": "k"}
    s3.put_object(**named, Body=b"")
    assert refused(s3.get_object_lock_configuration, Bucket=bucket)[0] == "ObjectLockConfigurationNotFoundError"
    assert refused(s3.get_object_retention, **named)[0] == "InvalidRequest"
    assert refused(s3.put_object, **named, Body=b"", ObjectLockLegalHoldStatus="ON")[0] == "InvalidRequest"
    configuration = {"ObjectLockEnabled": "Enabled"}
    asked = {"Bucket": bucket, "ObjectLockConfiguration": configuration}
    assert refused(s3.put_object_lock_configuration, **asked)[0] == "InvalidBucketState"
    assert refused(s3.delete_object, **named, BypassGovernanceRetention=True)[0] == "InvalidArgument"
