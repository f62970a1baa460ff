"""Replication configurations: what may be stored, and which rules a version falls under; pure.

A configuration is of the first version (rules with a Prefix) or of the second (rules with a Filter), which has
priorities and says whether delete markers are replicated. Rules: "Replication configuration file elements" in the S3
user guide, PutBucketReplication in the API reference, and errors of the service.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from kumoi.names import Arn, uuid
from kumoi.services.s3.records import Bucket, ObjectVersion
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.xml_shapes import malformed

MOST_RULES = 1000
THRESHOLD = 15
"""Minutes of Replication Time Control: AWS has no others."""
ARCHIVED = frozenset(("GLACIER", "DEEP_ARCHIVE"))
"""Classes whose objects cannot be read, and so are not replicated."""
_GUIDE = (
    "for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more"
    " information."
)
_CLASSES = frozenset(
    ("STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE")
) | {"GLACIER_IR"}
_BUCKET = re.compile(r"arn:aws[a-z-]*:s3:::([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])")


class Test(NamedTuple):
    """What keys and tags a filter is about: all of `tags`, the prefix, and none of what it excludes."""

    prefix: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    without_prefixes: tuple[str, ...] = ()
    without_tags: tuple[tuple[str, str], ...] = ()

    def passes(self, key: str, tags: dict[str, str]) -> bool:
        """Whether an object is one of those."""
        return (
            key.startswith(self.prefix)
            and all(tags.get(name) == value for name, value in self.tags)
            and not any(key.startswith(one) for one in self.without_prefixes)
            and not any(tags.get(name) == value for name, value in self.without_tags)
        )


class Rule(NamedTuple):
    """One enabled rule. `markers` says that delete markers are replicated, `replicas` that changes to replicas are.

    `kms_key` is the key of replicas of what is encrypted with KMS; such objects are left out where `kms` is false.
    `metrics` says that it is measured and told of, `timed` that it has to take no longer than THRESHOLD.
    """

    id: str
    test: Test
    bucket: str
    priority: int = 0
    markers: bool = False
    replicas: bool = False
    account: str = ""
    storage_class: str = ""
    owner_override: bool = False
    kms: bool = False
    kms_key: str = ""
    metrics: bool = False
    timed: bool = False

    def takes(self, version: ObjectVersion) -> bool:
        """Whether a version that was written falls under it."""
        if version.marker:
            return self.markers and self.test.passes(version.key, {})
        if version.encryption.kms_key and not self.kms:
            return False
        return version.storage_class not in ARCHIVED and self.test.passes(version.key, version.tags)


def rules_of(content: dict[str, Any]) -> tuple[Rule, ...]:
    """The enabled rules of a configuration."""
    return tuple(_rule(one) for one in content["Rules"] if one["Status"] == "Enabled")


def chosen(rules: Iterable[Rule], version: ObjectVersion) -> list[Rule]:
    """The rules that a version is replicated by: for each destination, that of the highest priority."""
    found: dict[str, Rule] = {}
    for rule in rules:
        known = found.get(rule.bucket)
        if (known is None or known.priority < rule.priority) and rule.takes(version):
            found[rule.bucket] = rule
    return list(found.values())


def _on(given: dict[str, Any] | None) -> bool:
    return (given or {}).get("Status") == "Enabled"


def _rule(one: dict[str, Any]) -> Rule:
    destination, criteria = one["Destination"], one.get("SourceSelectionCriteria") or {}
    second = one.get("Filter") is not None
    encryption = destination.get("EncryptionConfiguration") or {}
    return Rule(
        id=one.get("ID") or "",
        test=_test(one.get("Filter") or {}) if second else Test(one.get("Prefix") or ""),
        bucket=_bucket_name(destination["Bucket"]),
        priority=one.get("Priority") or 0,
        markers=_on(one.get("DeleteMarkerReplication")) if second else True,
        replicas=_on(criteria.get("ReplicaModifications")),
        account=destination.get("Account") or "",
        storage_class=destination.get("StorageClass") or "",
        owner_override=destination.get("AccessControlTranslation") is not None,
        kms=_on(criteria.get("SseKmsEncryptedObjects")),
        kms_key=encryption.get("ReplicaKmsKeyID") or "",
        metrics=_on(destination.get("Metrics")),
        timed=_on(destination.get("ReplicationTime")),
    )


def _test(given: dict[str, Any]) -> Test:
    inner = given.get("And") or {}
    tags = [*(inner.get("Tags") or ()), *([given["Tag"]] if given.get("Tag") else ())]
    negations = [one for one in (given.get("Not"), inner.get("Not")) if one]
    either = [one["Or"] for one in negations if one.get("Or")]
    prefixes = [one["Prefix"] for one in negations if one.get("Prefix")]
    without = [one["Tag"] for one in negations if one.get("Tag")]
    for one in either:
        prefixes += one.get("Prefixes") or ()
        without += one.get("Tags") or ()
    return Test(given.get("Prefix") or inner.get("Prefix") or "", _pairs(tags), tuple(prefixes), _pairs(without))


def _pairs(tags: Iterable[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((one["Key"], one["Value"]) for one in tags)


def _bucket_name(arn: str) -> str:
    return arn.rpartition(":")[2]


# ── what may be stored ────────────────────────────────────────────────────────────────────────────────────────────────


def _refused(text: str, code: str = "InvalidRequest") -> AwsError:
    return aws_error(code, text)


def checked(bucket: Bucket, content: dict[str, Any]) -> dict[str, Any]:
    """A ReplicationConfiguration that may be stored, its rules with ids; raises MalformedXML, InvalidRequest, …"""
    if bucket.versioning != "Enabled":
        raise _refused("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
    try:
        role = Arn.parse(content["Role"])
    except ValueError:
        role = None
    if role is None or role.service != "iam" or not role.resource.startswith("role/"):
        raise _refused("Invalid ARN for the replication role", "InvalidArgument")
    if not 1 <= len(content["Rules"]) <= MOST_RULES:
        raise malformed()
    second = any(one.get("Filter") is not None for one in content["Rules"])
    rules = [_checked(bucket, one, second) for one in content["Rules"]]
    if len({one["ID"] for one in rules}) < len(rules):
        raise _refused("Rule ID must be unique. Found same ID for more than one rule", "InvalidArgument")
    if second and len({one["Priority"] for one in rules}) < len(rules):
        raise _refused("Found duplicate priority in the replication configuration. Priorities have to be unique.")
    return {"Role": content["Role"], "Rules": rules}


def _checked(bucket: Bucket, one: dict[str, Any], second: bool) -> dict[str, Any]:
    if len(one.get("ID") or "") > 255:
        raise _refused("ID length should not exceed allowed limit of 255", "InvalidArgument")
    for member in ("Priority", "DeleteMarkerReplication"):
        given = one.get(member) is not None
        if given != second:
            raise _refused(f"{member} {'must be specified' if second else 'cannot be used'} {_GUIDE}")
    if second:
        if one.get("Filter") is None or one.get("Prefix") is not None:
            raise malformed()
        _check_filter(one)
        if not 0 <= one["Priority"] <= 2**31 - 1:
            raise malformed()
    _check_existing(one)
    _check_destination(bucket, one)
    return {**one, "ID": one.get("ID") or uuid()}


def _check_filter(one: dict[str, Any]) -> None:
    given = one["Filter"]
    if len([name for name in given if given[name] is not None]) > 1:
        raise malformed()
    test = _test(given)
    if len({name for name, _ in test.tags}) < len(test.tags):
        raise malformed()
    if (test.tags or test.without_tags) and _on(one["DeleteMarkerReplication"]):
        raise _refused(
            "Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer"
            " Guide for more information."
        )


def _check_existing(one: dict[str, Any]) -> None:
    if _on(one.get("ExistingObjectReplication")):
        raise malformed()


def _check_destination(bucket: Bucket, one: dict[str, Any]) -> None:
    destination = one["Destination"]
    found = _BUCKET.fullmatch(destination["Bucket"])
    if found is None:
        raise _refused("Invalid bucket ARN", "InvalidArgument")
    if found[1] == bucket.name:
        raise _refused("Destination bucket cannot be the same as the source bucket.")
    if destination.get("StorageClass") not in (None, *_CLASSES):
        raise malformed()
    if destination.get("AccessControlTranslation") is not None and not destination.get("Account"):
        raise _refused("Destination must specify an Account when AccessControlTranslation is used.", "InvalidArgument")
    keyed = bool((destination.get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID"))
    kms = (one.get("SourceSelectionCriteria") or {}).get("SseKmsEncryptedObjects")
    if _on(kms) and not keyed:
        raise _refused("ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is enabled.")
    if keyed and kms is None:
        raise _refused("SseKmsEncryptedObjects must be specified if EncryptionConfiguration tag is present.")
    _check_times(destination)


def _check_times(destination: dict[str, Any]) -> None:
    metrics, timed = destination.get("Metrics"), destination.get("ReplicationTime")
    threshold = (metrics or {}).get("EventThreshold")
    if threshold is not None and not _on(timed):
        raise _refused(
            "Metrics cannot contain an event threshold when ReplicationTime is not specified or Disabled",
            "InvalidArgument",
        )
    if _on(timed) and not _on(metrics):
        raise _refused("ReplicationTime cannot be enabled without Metrics.")
    for one in (threshold, (timed or {}).get("Time")):
        if one is not None and one.get("Minutes") != THRESHOLD:
            raise _refused(f"Minutes has to be {THRESHOLD}.", "InvalidArgument")
