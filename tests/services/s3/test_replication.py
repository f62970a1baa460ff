"""Replication end to end: what comes to other buckets, how, and what is said of what does not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
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
    deadline = time.monotonic() + 60
    while not (value := found()):
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.02)
    return value


@contextmanager
def broken(kumoi: Any, **fault: Any) -> Iterator[None]:
    """A declared fault on S3, of this account."""
    url = f"{kumoi.url}/_kumoi/faults"
    made = urllib3.request("POST", url, timeout=60, json={"account": kumoi.account, "service": "s3", **fault}).json()
    yield
    urllib3.request("DELETE", f"{url}?id={made['id']}", timeout=60)


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
    # nor does a change of the original bring it back
    s3.delete_object_tagging(Bucket=versioned, Key="k", VersionId=first)
    assert settled(s3, versioned, "k", VersionId=first) == "FAILED"
    assert [one["VersionId"] for one in s3.list_object_versions(Bucket=copy, Prefix="k")["Versions"]] == [second]


def test_what_is_changed_on_its_way_comes_as_it_is_then(kumoi: Any, s3: Any, versioned: str, copy: str) -> None:
    replicate(kumoi, versioned, rule(copy))
    tags = [{"Key": "a", "Value": "b"}]
    with broken(kumoi, action="drop", operation="Replicate"):
        s3.put_object(Bucket=versioned, Key="k", Body=b"1")
        s3.put_object_tagging(Bucket=versioned, Key="k", Tagging={"TagSet": tags})
    kumoi.advance(60)
    assert settled(s3, versioned, "k") == "COMPLETED"
    assert s3.get_object_tagging(Bucket=copy, Key="k")["TagSet"] == tags


def test_replication_that_lags_keeps_nothing_waiting(kumoi: Any, s3: Any, versioned: str, copy: str) -> None:
    replicate(kumoi, versioned, rule(copy))
    lag = {"action": "delay", "delay_ms": 60_000, "operation": "Replicate", "resource": f"{copy}/slow/*"}
    with broken(kumoi, **lag):
        for number in range(40):  # more than pass side by side
            s3.put_object(Bucket=versioned, Key=f"slow/{number}", Body=b"")
        s3.put_object(Bucket=versioned, Key="quick", Body=b"")
        assert settled(s3, versioned, "quick") == "COMPLETED"
        kumoi.advance(30)
        assert s3.list_objects_v2(Bucket=copy)["KeyCount"] == 1
        kumoi.advance(31)
        until(lambda: s3.list_objects_v2(Bucket=copy)["KeyCount"] == 41)


def test_what_a_pause_holds_up_is_tried_once_and_comes_when_it_is_over(
    kumoi: Any, s3: Any, versioned: str, copy: str
) -> None:
    replicate(kumoi, versioned, rule(copy))
    url = f"{kumoi.url}/_kumoi/faults"

    def struck() -> int:
        found: list[dict[str, Any]] = urllib3.request("GET", url, timeout=60).json()["faults"]
        return sum(one["struck"] for one in found if one["account"] == kumoi.account)

    with broken(kumoi, action="drop", operation="Replicate", resource=f"{copy}/*"):
        for number in range(5):
            s3.put_object(Bucket=versioned, Key=f"{number}", Body=b"")
        until(lambda: struck() == 5)
        kumoi.advance(3600)
        assert struck() == 5
        assert s3.list_objects_v2(Bucket=copy)["KeyCount"] == 0
    kumoi.advance(31)
    until(lambda: s3.list_objects_v2(Bucket=copy)["KeyCount"] == 5)


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
    orders = [
        [one["VersionId"] for one in s3.list_object_versions(Bucket=one)["Versions"]] for one in (versioned, copy)
    ]
    assert orders[0] == orders[1]
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"3"


def test_a_bucket_of_replicas_is_emptied_page_by_page(kumoi: Any, s3: Any, versioned: str, copy: str) -> None:
    replicate(kumoi, versioned, rule(copy))
    for number in range(5):
        s3.put_object(Bucket=versioned, Key="k", Body=str(number).encode())
    until(lambda: len(s3.list_object_versions(Bucket=copy).get("Versions", ())) == 5)
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=copy, PaginationConfig={"PageSize": 2}):
        for one in page["Versions"]:
            s3.delete_object(Bucket=copy, Key="k", VersionId=one["VersionId"])
    assert "Versions" not in s3.list_object_versions(Bucket=copy)


@pytest.fixture
def elsewhere(kumoi: Any, kumoi_accounts: Iterator[int]) -> Iterator[Any]:
    """Another account, forgotten afterwards."""
    account = type(kumoi)(kumoi._connection, f"{next(kumoi_accounts):012d}")
    yield account
    account.close()
    account.reset()


def test_another_account_gets_bytes_of_its_own(kumoi: Any, s3: Any, versioned: str, elsewhere: Any) -> None:
    theirs, other = f"theirs-{kumoi.account}", elsewhere.client("s3")
    made(other, theirs)
    other.put_bucket_ownership_controls(
        Bucket=theirs, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    override = {"Account": elsewhere.account, "AccessControlTranslation": {"Owner": "Destination"}}
    replicate(
        kumoi,
        versioned,
        rule(theirs, ID="given", Filter={"Prefix": "given/"}, Destination=override),
        rule(theirs, ID="kept", Filter={"Prefix": "kept/"}, Priority=2),
    )
    parts = [b"1" * 5 * 1024 * 1024, b"2" * 100]
    upload = s3.create_multipart_upload(Bucket=versioned, Key="given/large")["UploadId"]
    done = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(Bucket=versioned, Key="given/large", UploadId=upload, PartNumber=number, Body=part)[
                "ETag"
            ],
        }
        for number, part in enumerate(parts, 1)
    ]
    etag = s3.complete_multipart_upload(
        Bucket=versioned, Key="given/large", UploadId=upload, MultipartUpload={"Parts": done}
    )["ETag"]
    s3.put_object(Bucket=versioned, Key="kept/small", Body=b"s")
    assert settled(s3, versioned, "given/large") == settled(s3, versioned, "kept/small") == "COMPLETED"
    s3.delete_object(
        Bucket=versioned,
        Key="given/large",
        VersionId=s3.list_object_versions(Bucket=versioned, Prefix="given/")["Versions"][0]["VersionId"],
    )
    kumoi.advance(300)  # the original's bytes are gone now
    got = other.get_object(Bucket=theirs, Key="given/large", PartNumber=2)
    assert (got["Body"].read(), got["PartsCount"], got["ETag"]) == (parts[1], 2, etag)
    assert other.get_object(Bucket=theirs, Key="given/large")["Body"].read() == b"".join(parts)
    owners = [other.get_object_acl(Bucket=theirs, Key=key)["Owner"]["ID"] for key in ("given/large", "kept/small")]
    assert owners == [
        other.list_buckets()["Owner"]["ID"],
        s3.list_buckets()["Owner"]["ID"],
    ]


def test_a_destination_that_has_become_another_accounts_gets_nothing(
    kumoi: Any, s3: Any, versioned: str, copy: str, elsewhere: Any
) -> None:
    replicate(kumoi, versioned, rule(copy, Destination={"Account": kumoi.account}))
    s3.delete_bucket(Bucket=copy)
    made(elsewhere.client("s3"), copy)
    s3.put_object(Bucket=versioned, Key="k", Body=b"mine")
    assert settled(s3, versioned, "k") == "FAILED"
    assert "Versions" not in elsewhere.client("s3").list_object_versions(Bucket=copy)


def test_what_fails_says_why(kumoi: Any, s3: Any, versioned: str, copy: str) -> None:
    sqs = kumoi.client("sqs")
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    events = {"QueueArn": f"arn:aws:sqs:us-east-1:{kumoi.account}:told", "Events": ["s3:Replication:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=versioned, NotificationConfiguration={"QueueConfigurations": [events]}
    )
    timed = {
        "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
        "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
    }
    second = f"second-{kumoi.account}"
    made(s3, second)
    replicate(kumoi, versioned, rule(copy, Destination=timed), rule(second, ID="second", Priority=2))

    def told() -> dict[str, Any]:
        """The next event's name, with what it says of replication."""

        def received() -> Any:
            (found,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages") or [None]
            if found is not None:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=found["ReceiptHandle"])
                body = json.loads(found["Body"])
                return body if "Records" in body else None
            return None

        (record,) = until(received)["Records"]
        assert (record["eventVersion"], record["userIdentity"]) == ("2.2", {"principalId": "s3.amazonaws.com"})
        data = dict(record["replicationEventData"])
        assert data.pop("requestTime").endswith("Z")
        assert data.pop("destinationBucket") == f"arn:aws:s3:::{copy}"
        assert (data.pop("replicationRuleId"), data.pop("s3Operation")) == ("all", "OBJECT_PUT")
        return {"event": record["eventName"], "key": record["s3"]["object"]["key"]} | data

    with broken(kumoi, action="drop", operation="Replicate", resource=f"{copy}/*"):
        s3.put_object(Bucket=versioned, Key="late", Body=b"late")
        kumoi.advance(901)
        assert told() == {"event": "Replication:OperationMissedThreshold", "key": "late", "threshold": "15"}
        assert s3.head_object(Bucket=versioned, Key="late")["ReplicationStatus"] == "PENDING"
        assert s3.head_object(Bucket=second, Key="late")["ReplicationStatus"] == "REPLICA"
        measured = metrics(kumoi, versioned, copy)
        assert (measured["OperationsPendingReplication"], measured["BytesPendingReplication"]) == (1, 4)
        assert measured["ReplicationLatency"] > 800
    kumoi.advance(60)
    assert settled(s3, versioned, "late") == "COMPLETED"
    after = told()
    assert after.pop("replicationTime").endswith("Z")
    assert after == {"event": "Replication:OperationReplicatedAfterThreshold", "key": "late"}

    s3.put_bucket_versioning(Bucket=copy, VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket=versioned, Key="k", Body=b"")
    assert settled(s3, versioned, "k") == "FAILED"
    assert told() == {
        "event": "Replication:OperationFailedReplication",
        "key": "k",
        "failureReason": "DstBucketUnversioned",
    }
    assert settled(s3, second, "k") == "REPLICA"
    kumoi.advance(61)
    until(lambda: metrics(kumoi, versioned, copy)["OperationsFailedReplication"] == 1)


def test_every_rule_is_measured_however_many_there_are(kumoi: Any, s3: Any, versioned: str, copy: str) -> None:
    measured = {"Metrics": {"Status": "Enabled"}}
    rules = [
        rule(copy, ID=f"{number}", Priority=number, Filter={"Prefix": f"{number}/"}, Destination=measured)
        for number in range(260)
    ]
    replicate(kumoi, versioned, *rules)
    with broken(kumoi, action="drop", operation="Replicate"):
        for number in (0, 259):
            s3.put_object(Bucket=versioned, Key=f"{number}/k", Body=b"12")
        kumoi.advance(61)
        for name in ("0", "259"):
            until(lambda name=name: metrics(kumoi, versioned, copy, name)["BytesPendingReplication"] == 2)
        assert metrics(kumoi, versioned, copy, "1")["BytesPendingReplication"] == 0


def metrics(kumoi: Any, source: str, destination: str, rule_id: str = "all") -> dict[str, float]:
    """The greatest values of a rule's metrics so far."""
    names = ("OperationsPendingReplication", "BytesPendingReplication", "OperationsFailedReplication")
    dimensions = {"SourceBucket": source, "DestinationBucket": destination, "RuleId": rule_id}
    found = {}
    for name in (*names, "ReplicationLatency"):
        points = kumoi.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/S3",
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=kumoi.now() - timedelta(hours=2),
            EndTime=kumoi.now() + timedelta(minutes=2),
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
        found[name] = max((point["Maximum"] for point in points), default=-1.0)
    return found


def test_changes_to_replicas_go_back_where_a_rule_says_so(kumoi: Any, s3: Any, versioned: str, copy: str) -> None:
    both = {"SourceSelectionCriteria": {"ReplicaModifications": {"Status": "Enabled"}}}
    replicate(kumoi, versioned, rule(copy, **both))
    replicate(kumoi, copy, rule(versioned, **both))
    version = s3.put_object(Bucket=versioned, Key="k", Body=b"")["VersionId"]
    assert settled(s3, versioned, "k") == "COMPLETED"
    tags = [{"Key": "a", "Value": "b"}]
    s3.put_object_tagging(Bucket=copy, Key="k", VersionId=version, Tagging={"TagSet": tags})
    assert settled(s3, copy, "k") == "REPLICA"
    assert s3.get_object_tagging(Bucket=versioned, Key="k")["TagSet"] == tags
    assert s3.head_object(Bucket=versioned, Key="k")["ReplicationStatus"] == "COMPLETED"
    assert len(s3.list_object_versions(Bucket=versioned)["Versions"]) == 1
    # and where none does, they stay
    replicate(kumoi, copy, rule(versioned))
    s3.delete_object_tagging(Bucket=copy, Key="k")
    assert s3.head_object(Bucket=copy, Key="k")["ReplicationStatus"] == "REPLICA"
    assert s3.get_object_tagging(Bucket=versioned, Key="k")["TagSet"] == tags


def test_locks_follow_to_buckets_that_have_them(kumoi: Any, s3: Any, copy: str) -> None:
    source, locked = f"locked-{kumoi.account}", f"locked-copy-{kumoi.account}"
    for name in (source, locked):
        s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    default = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
    s3.put_object_lock_configuration(Bucket=locked, ObjectLockConfiguration=default)
    replicate(kumoi, source, rule(locked), rule(copy, ID="unlocked", Priority=2, Filter={"Prefix": "failing"}))
    until = kumoi.now().replace(microsecond=0) + timedelta(days=9)
    s3.put_object(Bucket=source, Key="kept", Body=b"", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until)
    s3.put_object(Bucket=source, Key="free", Body=b"")
    assert settled(s3, source, "kept") == settled(s3, source, "free") == "COMPLETED"
    retention = {key: s3.get_object_retention(Bucket=locked, Key=key)["Retention"] for key in ("kept", "free")}
    assert retention["kept"] == {"Mode": "COMPLIANCE", "RetainUntilDate": until}
    assert retention["free"]["Mode"] == "GOVERNANCE"
    s3.put_object_legal_hold(Bucket=source, Key="free", LegalHold={"Status": "ON"})
    assert settled(s3, source, "free") == "COMPLETED"
    assert s3.get_object_legal_hold(Bucket=locked, Key="free")["LegalHold"] == {"Status": "ON"}
    s3.put_object(Bucket=source, Key="failing", Body=b"")
    assert settled(s3, source, "failing") == "FAILED"


def test_versioning_and_replication_hold_one_another(kumoi: Any, s3: Any, versioned: str, copy: str) -> None:
    replicate(kumoi, versioned, rule(copy))
    with pytest.raises(ClientError, match="A replication configuration is present on this bucket") as caught:
        s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})
    assert caught.value.response["Error"]["Code"] == "InvalidBucketState"
    with pytest.raises(ClientError, match="Destination bucket must have versioning enabled"):
        replicate(kumoi, versioned, rule("no-such-bucket-here"))
    with pytest.raises(ClientError, match="does not own the destination"):
        replicate(kumoi, versioned, rule(copy, Destination={"Account": "999999999999"}))
