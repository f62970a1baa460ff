"""The rules of replication by themselves: what may be stored, and where a late replica is laid."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.clock import Clock
from kumoi.services.s3.records import MANAGED, Bucket, Encryption, ObjectVersion, Replication, current, others
from kumoi.services.s3.replicas import lay, replica_of
from kumoi.services.s3.replication_rules import checked, chosen, rules_of
from kumoi.services.s3.sequences import Sequences
from kumoi.services.s3.versions import find, remove
from kumoi.state.sqlite import SqliteState
from kumoi.wire.errors import AwsError

BUCKET = Bucket(name="source", id=1, account="1", region="r", created=0.0, secret=b"s" * 16, versioning="Enabled")
ROLE = "arn:aws:iam::111111111111:role/replication"
OLD = {"Prefix": "", "Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::other"}}
NEW = {
    "Filter": {},
    "Priority": 1,
    "DeleteMarkerReplication": {"Status": "Disabled"},
    "Status": "Enabled",
    "Destination": {"Bucket": "arn:aws:s3:::other"},
}
GUIDE = (
    "for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more"
    " information."
)
TAG = {"Key": "a", "Value": "1"}
MINUTES = {"Minutes": 15}


def to(**members: Any) -> dict[str, Any]:
    return {"Destination": {"Bucket": "arn:aws:s3:::other", **members}}


@pytest.mark.parametrize(
    ("rules", "code", "text"),
    [
        ([], "MalformedXML", "The XML you provided"),
        ([OLD] * 1001, "MalformedXML", "The XML you provided"),
        ([OLD | {"ID": "1"}, OLD | {"ID": "1"}], "InvalidArgument", "Rule ID must be unique."),
        ([OLD | {"ID": "x" * 256}], "InvalidArgument", "ID length should not exceed allowed limit of 255"),
        ([OLD | {"Priority": 1}], "InvalidRequest", f"Priority cannot be used {GUIDE}"),
        (
            [OLD | {"DeleteMarkerReplication": {"Status": "Enabled"}}],
            "InvalidRequest",
            f"DeleteMarkerReplication cannot be used {GUIDE}",
        ),
        ([NEW | {"Priority": None}], "InvalidRequest", f"Priority must be specified {GUIDE}"),
        (
            [NEW | {"DeleteMarkerReplication": None}],
            "InvalidRequest",
            f"DeleteMarkerReplication must be specified {GUIDE}",
        ),
        ([NEW, NEW], "InvalidRequest", "Found duplicate priority"),
        ([NEW | {"Prefix": "a"}], "MalformedXML", "The XML you provided"),
        ([NEW | {"Filter": {"Prefix": "a", "Tag": TAG}}], "MalformedXML", "The XML you provided"),
        ([NEW | {"Filter": {"And": {"Tags": [TAG, TAG]}}}], "MalformedXML", "The XML you provided"),
        (
            [NEW | {"Filter": {"Tag": TAG}, "DeleteMarkerReplication": {"Status": "Enabled"}}],
            "InvalidRequest",
            "Delete marker replication is not supported if any Tag filter is specified.",
        ),
        ([NEW | {"Priority": -1}], "MalformedXML", "The XML you provided"),
        ([NEW | to(Bucket="other")], "InvalidArgument", "Invalid bucket ARN"),
        ([NEW | to(Bucket="arn:aws:s3:::source")], "InvalidRequest", "Destination bucket cannot be the same"),
        ([NEW | to(StorageClass="SNOW")], "MalformedXML", "The XML you provided"),
        ([NEW | to(AccessControlTranslation={"Owner": "Destination"})], "InvalidArgument", "Destination must specify"),
        (
            [NEW | {"SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}}}],
            "InvalidRequest",
            "ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is enabled.",
        ),
        (
            [NEW | to(EncryptionConfiguration={"ReplicaKmsKeyID": "k"})],
            "InvalidRequest",
            "SseKmsEncryptedObjects must be specified if EncryptionConfiguration tag is present.",
        ),
        (
            [NEW | to(Metrics={"Status": "Enabled", "EventThreshold": MINUTES})],
            "InvalidArgument",
            "Metrics cannot contain an event threshold when ReplicationTime is not specified or Disabled",
        ),
        ([NEW | to(ReplicationTime={"Status": "Enabled", "Time": MINUTES})], "InvalidRequest", "ReplicationTime"),
        (
            [
                NEW
                | to(
                    ReplicationTime={"Status": "Enabled", "Time": {"Minutes": 5}},
                    Metrics={"Status": "Enabled", "EventThreshold": MINUTES},
                )
            ],
            "InvalidArgument",
            "Minutes has to be 15.",
        ),
    ],
)
def test_what_is_wrong_is_refused(rules: list[dict[str, Any]], code: str, text: str) -> None:
    with pytest.raises(AwsError) as caught:
        checked(BUCKET, {"Role": ROLE, "Rules": rules})
    assert caught.value.code == code
    assert caught.value.message.startswith(text)


@pytest.mark.parametrize("role", ["", "role", "arn:aws:iam::1:user/u", "arn:aws:s3:::role"])
def test_the_role_is_one(role: str) -> None:
    with pytest.raises(AwsError, match="Invalid ARN"):
        checked(BUCKET, {"Role": role, "Rules": [OLD]})


@pytest.mark.parametrize(
    ("given", "version", "takes"),
    [
        ({}, {}, True),
        ({}, {"storage_class": "GLACIER"}, False),
        ({}, {"marker": True}, False),
        ({"DeleteMarkerReplication": {"Status": "Enabled"}}, {"marker": True}, True),
        ({"Filter": {"Prefix": "k"}}, {}, True),
        ({"Filter": {"Prefix": "l"}}, {}, False),
        ({"Filter": {"Tag": TAG}}, {"tags": {"a": "1", "b": "2"}}, True),
        ({"Filter": {"Tag": TAG}}, {"tags": {"a": "2"}}, False),
        ({"Filter": {"Not": {"Or": {"Prefixes": ["x", "ke"]}}}}, {}, False),
        ({"Filter": {"Not": {"Tag": TAG}}}, {"tags": {"a": "1"}}, False),
        ({"Filter": {"And": {"Prefix": "k", "Not": {"Tag": TAG}}}}, {"tags": {"a": "2"}}, True),
        ({"Status": "Disabled"}, {}, False),
    ],
)
def test_a_rule_is_about(given: dict[str, Any], version: dict[str, Any], takes: bool) -> None:
    content = checked(BUCKET, {"Role": ROLE, "Rules": [NEW | given]})
    found = chosen(rules_of(content), ObjectVersion(bucket=1, key="key", seq=1, modified=1, **version))
    assert bool(found) is takes


def test_a_replica_has_the_key_of_its_rule() -> None:
    to_key = {"Bucket": "arn:aws:s3:::other", "EncryptionConfiguration": {"ReplicaKmsKeyID": "theirs"}}
    kms = {"SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}}, "Destination": to_key}
    (rule,) = rules_of(checked(BUCKET, {"Role": ROLE, "Rules": [NEW | kms]}))
    for encryption, key in ((Encryption("aws:kms", "mine"), "theirs"), (MANAGED, "")):
        version = ObjectVersion(bucket=1, key="key", seq=1, modified=1, encryption=encryption)
        assert rule.takes(version)
        assert replica_of(BUCKET, version, rule).encryption.kms_key == key


@settings(max_examples=30)
@given(
    arriving=st.permutations([(time, order) for time in (1.0, 1.5, 9.0) for order in (3, 7, 8)]),
    markers=st.sets(st.integers(0, 8)),
    removed=st.sets(st.integers(0, 8)),
)
def test_replicas_stand_in_the_order_of_their_originals(
    arriving: list[tuple[float, int]], markers: set[int], removed: set[int]
) -> None:
    """However they come, and whichever are removed: the newest that is left is the current one."""

    async def main() -> None:
        state = await SqliteState.open(None, clock=Clock())
        place, sequences = state.at("1", "r"), Sequences()
        try:
            for number, (at, order) in enumerate(arriving):
                replica = ObjectVersion(
                    bucket=0,
                    key="k",
                    seq=0,
                    modified=2,
                    null=False,
                    marker=number in markers,
                    replication=Replication("REPLICA", at, order, f"{number:032d}"),
                )
                await place.run(lay, sequences, BUCKET, b"k", replica, None)
            for number in removed:
                version = await place.run(find, BUCKET, b"k", f"{number:032d}")
                assert version is not None
                await place.run(remove, sequences, BUCKET, b"k", version)
            newest = await place.run(current.get, 1, b"k")
            rest = await place.run(others.list, 1, b"k")
        finally:
            await state.close()
        left = sorted((one for number, one in enumerate(arriving) if number not in removed), reverse=True)
        assert [(one.replication.at, one.replication.order) for one in [*([newest] if newest else []), *rest]] == left
        top = arriving.index(left[0]) if left else None
        assert (newest is None) == (top is None or top in markers)

    asyncio.run(main())
