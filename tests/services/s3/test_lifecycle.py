"""Lifecycle rules act as the platform's clock goes on; the decisions as tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kumoi.services.s3.lifecycle_decisions import Decision, about_current, about_lone_marker, about_noncurrent
from kumoi.services.s3.lifecycle_rules import DAY, Rule, rules_of
from kumoi.services.s3.records import ObjectVersion, Replication

pytestmark = pytest.mark.kumoi_clock

Rules = list[dict[str, Any]]


def configure(s3: Any, bucket: str, *rules: dict[str, Any], **more: Any) -> None:
    named = [{"Status": "Enabled", "Filter": {}, **rule} for rule in rules]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": named}, **more)


def keys(s3: Any, bucket: str) -> list[str]:
    return [one["Key"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]


def versions(s3: Any, bucket: str) -> list[tuple[str, str]]:
    """(key, body's first letters or MARKER) of all versions, newest first."""
    found = s3.list_object_versions(Bucket=bucket)
    listed = [(one, False) for one in found.get("Versions", ())] + [
        (one, True) for one in found.get("DeleteMarkers", ())
    ]
    listed.sort(key=lambda one: (one[0]["Key"], not one[0]["IsLatest"], -one[0]["LastModified"].timestamp()))
    return [
        (
            one["Key"],
            "MARKER"
            if marker
            else s3.get_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])["Body"].read().decode(),
        )
        for one, marker in listed
    ]


def midnight(moment: datetime) -> datetime:
    return (moment + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def test_objects_expire_at_the_midnight_after_their_days(kumoi: Any, s3: Any, bucket: str) -> None:
    configure(s3, bucket, {"ID": "one day", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}})
    put = s3.put_object(Bucket=bucket, Key="tmp/a", Body=b"a")
    s3.put_object(Bucket=bucket, Key="kept", Body=b"a")
    written = s3.head_object(Bucket=bucket, Key="tmp/a")["LastModified"]
    expires = midnight(written + timedelta(days=1))
    told = f'expiry-date="{expires:%a, %d %b %Y} 00:00:00 GMT", rule-id="one%20day"'
    assert put["Expiration"] == s3.get_object(Bucket=bucket, Key="tmp/a")["Expiration"] == told
    assert "Expiration" not in s3.head_object(Bucket=bucket, Key="kept")
    kumoi.advance((expires - kumoi.now()).total_seconds() - 60)
    assert keys(s3, bucket) == ["kept", "tmp/a"]
    kumoi.advance(60)
    assert keys(s3, bucket) == ["kept"]


def test_what_is_there_expires_by_new_rules(kumoi: Any, s3: Any, bucket: str) -> None:
    for number in range(45):  # more than a transaction removes
        s3.put_object(Bucket=bucket, Key=f"k{number}", Body=b"x" * number)
    s3.put_object_tagging(Bucket=bucket, Key="k30", Tagging={"TagSet": [{"Key": "keep", "Value": "no"}]})
    kumoi.advance("3d")
    configure(s3, bucket, {"ID": "size", "Filter": {"ObjectSizeLessThan": 30}, "Expiration": {"Days": 2}})
    assert len(keys(s3, bucket)) == 45
    kumoi.advance("1d")
    assert keys(s3, bucket) == sorted(f"k{number}" for number in range(30, 45))
    tagged = {"ID": "tag", "Filter": {"Tag": {"Key": "keep", "Value": "no"}}, "Expiration": {"Days": 2}}
    configure(s3, bucket, tagged)
    kumoi.advance("1d")
    assert "k30" not in keys(s3, bucket)
    s3.put_object_tagging(Bucket=bucket, Key="k31", Tagging=tagged_as("no"))  # nothing else was due
    kumoi.advance("1d")
    assert keys(s3, bucket) == sorted(f"k{number}" for number in range(32, 45))


def tagged_as(value: str) -> dict[str, Any]:
    return {"TagSet": [{"Key": "keep", "Value": value}]}


def test_expiring_by_date(kumoi: Any, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    date = midnight(kumoi.now() + timedelta(days=3))
    configure(s3, bucket, {"ID": "date", "Expiration": {"Date": date}})
    kumoi.advance("3d")
    assert keys(s3, bucket) == ["k"]
    kumoi.advance("1d")
    assert keys(s3, bucket) == []


def test_deleted_and_disabled_rules_do_nothing(kumoi: Any, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    configure(s3, bucket, {"ID": "r", "Expiration": {"Days": 1}})
    s3.delete_bucket_lifecycle(Bucket=bucket)
    kumoi.advance("3d")
    configure(s3, bucket, {"ID": "r", "Status": "Disabled", "Expiration": {"Days": 1}})
    kumoi.advance("3d")
    assert keys(s3, bucket) == ["k"]


def test_versions(kumoi: Any, s3: Any, versioned: str) -> None:
    configure(
        s3,
        versioned,
        {"ID": "old", "NoncurrentVersionExpiration": {"NoncurrentDays": 2, "NewerNoncurrentVersions": 1}},
        {"ID": "now", "Filter": {"Prefix": "tmp"}, "Expiration": {"Days": 1}},
        {"ID": "marks", "Expiration": {"ExpiredObjectDeleteMarker": True}},
    )
    for body in ("1", "2", "3", "4"):
        s3.put_object(Bucket=versioned, Key="k", Body=body.encode())
        kumoi.advance(2)
    s3.put_object(Bucket=versioned, Key="tmp", Body=b"t")
    alone = s3.put_object(Bucket=versioned, Key="gone", Body=b"")
    s3.delete_object(Bucket=versioned, Key="gone")
    s3.delete_object(Bucket=versioned, Key="gone", VersionId=alone["VersionId"])
    kumoi.advance("2d")
    assert versions(s3, versioned) == [("k", "4"), ("k", "3"), ("k", "2"), ("k", "1"), ("tmp", "MARKER"), ("tmp", "t")]
    kumoi.advance("1d")
    assert versions(s3, versioned) == [("k", "4"), ("k", "3"), ("tmp", "MARKER"), ("tmp", "t")]
    kumoi.advance("30d")  # the one noncurrent version that is kept stays
    assert versions(s3, versioned) == [("k", "4"), ("k", "3"), ("tmp", "MARKER"), ("tmp", "t")]
    configure(
        s3,
        versioned,
        {"ID": "old", "NoncurrentVersionExpiration": {"NoncurrentDays": 2}},
        {"ID": "marks", "Expiration": {"ExpiredObjectDeleteMarker": True}},
    )
    kumoi.advance("2d")
    assert versions(s3, versioned) == [("k", "4")]


def test_locked_versions_stay_until_they_may_go(kumoi: Any, s3: Any) -> None:
    bucket = f"locked-{kumoi.account}"
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    until = kumoi.now() + timedelta(days=10)
    s3.put_object(Bucket=bucket, Key="k", Body=b"1", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until)
    s3.put_object(Bucket=bucket, Key="k", Body=b"2")
    configure(s3, bucket, {"ID": "old", "NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    kumoi.advance("9d")
    assert len(versions(s3, bucket)) == 2
    kumoi.advance("2d")
    assert versions(s3, bucket) == [("k", "2")]


def test_uploads_that_nobody_completes_are_aborted(kumoi: Any, s3: Any, bucket: str) -> None:
    abort = {"ID": "abort", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}}
    configure(s3, bucket, abort)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")
    aborted = midnight(kumoi.now() + timedelta(days=2))
    assert (upload["AbortDate"], upload["AbortRuleId"]) == (aborted, "abort")
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload["UploadId"]}
    s3.upload_part(**named, PartNumber=1, Body=b"x" * 100_000)
    assert s3.list_parts(**named)["AbortDate"] == aborted
    kumoi.advance("2d")
    assert len(s3.list_multipart_uploads(Bucket=bucket)["Uploads"]) == 1
    kumoi.advance("1d")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_transitions(kumoi: Any, s3: Any, versioned: str) -> None:
    configure(
        s3,
        versioned,
        {
            "ID": "down",
            "Filter": {"ObjectSizeGreaterThan": 1},
            "Transitions": [
                {"Days": 30, "StorageClass": "STANDARD_IA"},
                {"Days": 33, "StorageClass": "GLACIER"},
            ],
            "NoncurrentVersionTransitions": [{"NoncurrentDays": 1, "StorageClass": "DEEP_ARCHIVE"}],
        },
    )
    s3.put_object(Bucket=versioned, Key="k", Body=b"old")
    s3.put_object(Bucket=versioned, Key="k", Body=b"new")
    s3.put_object(Bucket=versioned, Key="small", Body=b"1")

    def classes() -> list[str]:
        return [one["StorageClass"] for one in s3.list_object_versions(Bucket=versioned)["Versions"]]

    kumoi.advance("31d")
    assert classes() == ["STANDARD_IA", "DEEP_ARCHIVE", "STANDARD"]
    kumoi.advance("3d")
    assert classes() == ["GLACIER", "DEEP_ARCHIVE", "STANDARD"]


def test_what_lifecycle_rules_do_is_told(kumoi: Any, s3: Any, bucket: str) -> None:
    sqs = kumoi.client("sqs")
    queue = sqs.create_queue(QueueName="q", Attributes={"MessageRetentionPeriod": "1209600"})["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{kumoi.account}:q"
    events = ["s3:LifecycleExpiration:*", "s3:LifecycleTransition"]
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": events}]}
    )
    configure(
        s3,
        bucket,
        {"ID": "a", "Filter": {"Prefix": "a"}, "Expiration": {"Days": 1}},
        {"ID": "b", "Filter": {"Prefix": "b"}, "Transitions": [{"Days": 1, "StorageClass": "GLACIER_IR"}]},
    )
    s3.put_object(Bucket=bucket, Key="a", Body=b"")
    s3.put_object(Bucket=bucket, Key="b", Body=b"x" * 200_000)
    kumoi.advance("2d")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="a", Body=b"")
    kumoi.advance("2d")
    told: list[tuple[str, str]] = []
    while len(told) < 3:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=20)["Messages"]:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            for record in json.loads(message["Body"]).get("Records", ()):
                told.append((record["eventName"], record["s3"]["object"]["key"]))
                assert record["userIdentity"]["principalId"] == "s3.amazonaws.com"
    assert sorted(told) == [
        ("LifecycleExpiration:Delete", "a"),
        ("LifecycleExpiration:DeleteMarkerCreated", "a"),
        ("LifecycleTransition", "b"),
    ]


# ── decisions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def version(key: str = "k", modified: float = 0, **fields: Any) -> ObjectVersion:
    return ObjectVersion(bucket=1, key=key, seq=1, modified=int(modified * DAY), **{"size": 200_000, **fields})


def rule(**fields: Any) -> Rule:
    return Rule(id="r", **fields)


@pytest.mark.parametrize(
    ("rules", "subject", "days", "expected"),
    [
        ([rule(days=1)], version(), 1.9, Decision(again=2 * DAY)),
        ([rule(days=1)], version(), 2, Decision(expires=True)),
        ([rule(days=1)], version(replication=Replication("PENDING", 0, 1)), 2, Decision(again=3 * DAY)),
        ([rule(days=1)], version(replication=Replication("COMPLETED", 0, 1)), 2, Decision(expires=True)),
        ([rule(days=9), rule(days=1, prefix="k")], version(modified=0.5), 2, Decision(expires=True)),
        ([rule(days=1, prefix="x")], version(), 9, Decision()),
        ([rule(date=3.0 * DAY)], version(), 2, Decision(again=3 * DAY)),
        ([rule(date=3.0 * DAY)], version(modified=3.5), 4, Decision(expires=True)),
        ([rule(transitions=((0, None, "GLACIER"),))], version(), 1, Decision(storage_class="GLACIER")),
        ([rule(transitions=((0, None, "GLACIER"),))], version(storage_class="DEEP_ARCHIVE"), 1, Decision()),
        ([rule(transitions=((0, None, "GLACIER"),))], version(size=9), 1, Decision()),
        (
            [rule(transitions=((0, None, "GLACIER"),), archives_small=True)],
            version(size=9),
            1,
            Decision(storage_class="GLACIER"),
        ),
        ([rule(transitions=((0, None, "STANDARD_IA"),), archives_small=True)], version(size=9), 1, Decision()),
        (
            [rule(transitions=((0, None, "STANDARD_IA"), (4, None, "GLACIER"))), rule(days=8)],
            version(),
            1,
            Decision(storage_class="STANDARD_IA", again=5 * DAY),
        ),
        ([rule(transitions=((0, None, "GLACIER"),), days=0)], version(), 1, Decision(expires=True)),
    ],
)
def test_current_objects(rules: list[Rule], subject: ObjectVersion, days: float, expected: Decision) -> None:
    assert about_current(rules, subject, days * DAY) == expected


@pytest.mark.parametrize(
    ("subject", "newer", "days", "expires"),
    [
        (version(), 2, 3, True),
        (version(), 2, 2.9, False),
        (version(), 1, 9, False),
        (version(marker=True, size=0), 2, 3, True),
    ],
)
def test_noncurrent_versions(subject: ObjectVersion, newer: int, days: float, expires: bool) -> None:
    rules = [rule(noncurrent_days=2, keep=2)]
    assert about_noncurrent(rules, subject, 0, newer, days * DAY).expires is expires


def test_markers_of_filtered_rules_stay() -> None:
    marker = version(marker=True, size=0)
    assert about_lone_marker([rule(lone_markers=True)], marker, DAY).expires
    assert about_lone_marker([rule(days=3)], marker, DAY) == Decision(again=4 * DAY)
    assert about_lone_marker([rule(lone_markers=True, tags={"a": "b"})], marker, DAY) == Decision()


def test_the_smallest_size_of_a_configuration() -> None:
    transition = [{"Days": 0, "StorageClass": "GLACIER"}]
    one = {"ID": "r", "Status": "Enabled", "Filter": {}, "Transitions": transition}
    content = {"Rules": [one], "TransitionDefaultMinimumObjectSize": "varies_by_storage_class"}
    assert about_current(rules_of(content), version(size=1), DAY).storage_class == "GLACIER"
    assert datetime.fromtimestamp(DAY, UTC).hour == 0
