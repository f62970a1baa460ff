"""Replication end to end: what comes to other buckets, how, and what is said of what does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

pytestmark = pytest.mark.kumoi_clock


def rule(destination: str, **members: Any) -> dict[str, Any]:
    """A rule of the second version, about everything, delete markers included."""
    target = {"Bucket": f"arn:aws:s3:::{destination}", **members.pop("Destination", {})}
    found: dict[str, Any] = {
        "ID": "all",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": target,
    }
    return found | members


def replicate(kumoi: Any, source: str, *rules: dict[str, Any]) -> None:
    role = f"arn:aws:iam::{kumoi.account}:role/replication"
    kumoi.client("s3").put_bucket_replication(
        Bucket=source, ReplicationConfiguration={"Role": role, "Rules": list(rules)}
    )


@pytest.fixture
def copy(kumoi: Any, s3: Any, versioned: str) -> str:
    """A bucket in another Region, with versioning."""
    name = f"copy-{kumoi.account}"
    made(s3, name, "eu-west-1")
    return name


def made(s3: Any, name: str, region: str = "") -> None:
    s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": {"LocationConstraint": region}} if region else {}))
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def until(found: Callable[[], Any]) -> Any:
    """What is found once it is there."""
    deadline = time.monotonic() + 20
    while not (value := found()):
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.02)
    return value


@contextmanager
def broken(kumoi: Any, **fault: Any) -> Iterator[None]:
    """A declared fault on S3, of this account."""
    url = f"{kumoi.url}/_kumoi/faults"
    made = urllib3.request("POST", url, json={"account": kumoi.account, "service": "s3", **fault}).json()
    yield
    urllib3.request("DELETE", f"{url}?id={made['id']}")


def settled(s3: Any, bucket: str, key: str, **version: str) -> str:
    """A version's replication status when it is no longer pending."""

    def status() -> str | None:
        found = s3.head_object(Bucket=bucket, Key=key, **version).get("ReplicationStatus")
        return None if found == "PENDING" else str(found)

    return str(until(status))


def test_an_object_comes_to_another_region_as_it_is(kumoi: Any, s3: Any, versioned: str, copy: str) -> None:
    replicate(kumoi, versioned, rule(copy, Destination={"StorageClass": "STANDARD_IA"}))
    put = s3.put_object(
        Bucket=versioned, Key="a/b", Body=b"12345", Metadata={"m": "1"}, Tagging="t=1", ContentType="text/plain"
    )
    assert settled(s3, versioned, "a/b") == "COMPLETED"
    got = s3.get_object(Bucket=copy, Key="a/b", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"12345"
    assert (got["VersionId"], got["ETag"]) == (put["VersionId"], put["ETag"])
    assert (got["ReplicationStatus"], got["StorageClass"]) == ("REPLICA", "STANDARD_IA")
    assert (got["Metadata"], got["ContentType"], got["TagCount"]) == ({"m": "1"}, "text/plain", 1)
    assert got["ChecksumCRC32"] == put["ChecksumCRC32"]
    assert got["LastModified"] == s3.head_object(Bucket=versioned, Key="a/b")["LastModified"]
    # by its id, in listings, and from there to itself
    listed = s3.list_object_versions(Bucket=copy)["Versions"]
    assert [one["VersionId"] for one in listed] == [put["VersionId"]]
    assert s3.head_object(Bucket=copy, Key="a/b", VersionId=put["VersionId"])["ContentLength"] == 5
    after = s3.list_object_versions(Bucket=copy, KeyMarker="a/b", VersionIdMarker=put["VersionId"])
    assert "Versions" not in after


def test_later_changes_and_delete_markers_follow_but_no_removals(
    kumoi: Any, s3: Any, versioned: str, copy: str
) -> None:
    replicate(kumoi, versioned, rule(copy))
    first = s3.put_object(Bucket=versioned, Key="k", Body=b"1" * 20_000)["VersionId"]
    second = s3.put_object(Bucket=versioned, Key="k", Body=b"2")["VersionId"]
    assert settled(s3, versioned, "k") == settled(s3, versioned, "k", VersionId=first) == "COMPLETED"
    s3.put_object_tagging(Bucket=versioned, Key="k", VersionId=first, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert settled(s3, versioned, "k", VersionId=first) == "COMPLETED"
    assert s3.get_object_tagging(Bucket=copy, Key="k", VersionId=first)["TagSet"] == [{"Key": "a", "Value": "b"}]

    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    found = until(lambda: s3.list_object_versions(Bucket=copy).get("DeleteMarkers"))
    assert [(one["VersionId"], one["IsLatest"]) for one in found] == [(marker, True)]
    s3.delete_object(Bucket=versioned, Key="k", VersionId=marker)
    s3.delete_object(Bucket=versioned, Key="k", VersionId=second)
    s3.put_object(Bucket=versioned, Key="last", Body=b"")
    assert settled(s3, versioned, "last") == "COMPLETED"
    listed = s3.list_object_versions(Bucket=copy, Prefix="k")
    assert [one["VersionId"] for one in listed["Versions"]] == [second, first]
    assert len(listed["DeleteMarkers"]) == 1
    # a replica's removal leaves the original alone, and its id is gone
    s3.delete_object(Bucket=copy, Key="k", VersionId=first)
    with pytest.raises(ClientError, match="NoSuchVersion"):
        s3.get_object(Bucket=copy, Key="k", VersionId=first)
    assert s3.get_object(Bucket=versioned, Key="k", VersionId=first)["Body"].read() == b"1" * 20_000


def test_rules_choose_by_prefix_tags_and_priority(kumoi: Any, s3: Any, versioned: str, copy: str) -> None:
    no_markers = {"DeleteMarkerReplication": {"Status": "Disabled"}}
    tagged = {"And": {"Prefix": "in/", "Tags": [{"Key": "a", "Value": "1"}]}}
    cold = {"Destination": {"StorageClass": "GLACIER_IR"}}
    excluding = {"And": {"Prefix": "in/", "Not": {"Prefix": "in/not/"}}}
    replicate(
        kumoi,
        versioned,
        rule(copy, ID="high", Priority=9, Filter=tagged, **no_markers, **cold),
        rule(copy, ID="low", Priority=2, Filter=excluding),
        rule(copy, ID="off", Priority=20, Status="Disabled", **no_markers),
    )
    for key, tags in (("in/plain", ""), ("in/tagged", "a=1"), ("in/not/here", ""), ("out", "a=1")):
        s3.put_object(Bucket=versioned, Key=key, Body=b"", Tagging=tags)
    assert settled(s3, versioned, "in/plain") == settled(s3, versioned, "in/tagged") == "COMPLETED"
    assert settled(s3, versioned, "out") == settled(s3, versioned, "in/not/here") == "None"
    listed = s3.list_objects_v2(Bucket=copy)["Contents"]
    assert [(one["Key"], one["StorageClass"]) for one in listed] == [
        ("in/plain", "STANDARD"),
        ("in/tagged", "GLACIER_IR"),
    ]


def test_rules_of_the_first_version_replicate_delete_markers(kumoi: Any, s3: Any, versioned: str, copy: str) -> None:
    old = {"ID": "old", "Prefix": "p", "Status": "Enabled", "Destination": {"Bucket": f"arn:aws:s3:::{copy}"}}
    replicate(kumoi, versioned, old)
    assert s3.get_bucket_replication(Bucket=versioned)["ReplicationConfiguration"]["Rules"] == [old]
    s3.delete_object(Bucket=versioned, Key="p")
    assert until(lambda: s3.list_object_versions(Bucket=copy).get("DeleteMarkers"))[0]["Key"] == "p"
    s3.delete_bucket_replication(Bucket=versioned)
    s3.put_object(Bucket=versioned, Key="p", Body=b"")
    assert "ReplicationStatus" not in s3.head_object(Bucket=versioned, Key="p")


def test_two_buckets_that_replicate_each_other_agree(kumoi: Any, s3: Any, versioned: str, copy: str) -> None:
    replicate(kumoi, versioned, rule(copy))
    replicate(kumoi, copy, rule(versioned))
    with broken(kumoi, action="drop", operation="Replicate"):
        for number in range(4):
            s3.put_object(Bucket=(versioned, copy)[number % 2], Key="k", Body=str(number).encode())
    kumoi.advance(60)
    for bucket in (versioned, copy):
        until(lambda bucket=bucket: len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 4)
    orders = [[one["VersionId"] for one in s3.list_object_versions(Bucket=one)["Versions"]] for one in (versioned, copy)]
    assert orders[0] == orders[1]
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"3"
