"""Queue attributes: their bounds and defaults, and the policies among them.

Source: CreateQueue and SetQueueAttributes of the API reference, and recorded answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from kumoi.names import Arn
from kumoi.policy import PolicyError, compile_policy
from kumoi.services.sqs.rules import out_of_range
from kumoi.wire.errors import AwsError, aws_error

DEFAULTS = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "SqsManagedSseEnabled": "true",
    "VisibilityTimeout": "30",
}
FIFO_DEFAULTS = {
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
}
BOUNDS = {
    "DelaySeconds": (0, 900),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
    "MaximumMessageSize": (1024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
}
_CHOICES = {
    "SqsManagedSseEnabled": ("true", "false"),
    "FifoQueue": ("true",),
    "ContentBasedDeduplication": ("true", "false"),
    "DeduplicationScope": ("queue", "messageGroup"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
}
_FIFO_ONLY = ("FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit")
_FREE = ("KmsMasterKeyId", "Policy", "RedrivePolicy", "RedriveAllowPolicy")
REMOVABLE = frozenset((*_FREE, "KmsDataKeyReusePeriodSeconds"))


class Redrive(NamedTuple):
    """A redrive policy: the ARN of the dead-letter queue, and after how many receptions."""

    target: Arn
    receptions: int


def check_attributes(given: Mapping[str, str], *, fifo: bool) -> None:
    """Refuse attributes that are unknown for such a queue, or cannot have the values given."""
    for name, value in given.items():
        if name in _FIFO_ONLY and not fifo:
            if name in ("DeduplicationScope", "FifoThroughputLimit"):
                raise aws_error(
                    "InvalidAttributeName", f"You can specify the {name} only when FifoQueue is set to true."
                )
            raise aws_error("InvalidAttributeName", f"Unknown Attribute {name}.")
        if name in BOUNDS:
            low, high = BOUNDS[name]
            empty = value == "" and name in REMOVABLE
            if not empty and (not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high):
                raise bad_value(name)
        elif name in _CHOICES:
            if value not in _CHOICES[name]:
                raise bad_value(name)
        elif name not in _FREE:
            raise aws_error("InvalidAttributeName", f"Unknown Attribute {name}.")
    if given.get("KmsMasterKeyId") and given.get("SqsManagedSseEnabled") == "true":
        raise aws_error(
            "InvalidAttributeName",
            "You can use one type of server-side encryption (SSE) at one time. "
            "You can either enable KMS SSE or SQS SSE.",
        )
    if given.get("FifoThroughputLimit") == "perMessageGroupId" and given.get("DeduplicationScope") == "queue":
        raise bad_value("FifoThroughputLimit")
    if given.get("Policy"):
        _check_policy(given["Policy"])
    if given.get("RedriveAllowPolicy"):
        _check_allow(given["RedriveAllowPolicy"])


def bad_value(name: str) -> AwsError:
    """The refusal of an attribute's value."""
    return aws_error("InvalidAttributeValue", f"Invalid value for the parameter {name}.")


def applied(current: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The attributes after a change; an empty text takes an optional one away."""
    changed = {**current, **given}
    for name, value in given.items():
        if value == "" and name in REMOVABLE:
            changed.pop(name, None)
    if given.get("KmsMasterKeyId"):
        changed["SqsManagedSseEnabled"] = "false"
        changed.setdefault("KmsDataKeyReusePeriodSeconds", "300")
    return changed


def redrive_of(attributes: Mapping[str, str]) -> Redrive | None:
    """A queue's redrive policy; None without one. InvalidParameterValue for one that is none."""
    text = attributes.get("RedrivePolicy")
    if not text:
        return None
    policy = _object("RedrivePolicy", text)
    if policy.keys() - {"deadLetterTargetArn", "maxReceiveCount"}:
        raise out_of_range(
            "RedrivePolicy", text, "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount]."
        )
    if "deadLetterTargetArn" not in policy:
        raise out_of_range(
            "RedrivePolicy", text, "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."
        )
    count = policy.get("maxReceiveCount", 10)
    if not re.fullmatch(r"[0-9]{1,6}", str(count)) or not 1 <= int(count) <= 1000:
        raise out_of_range(
            "RedrivePolicy",
            text,
            f"Invalid value for maxReceiveCount: {count}, valid values are from 1 to 1000 both inclusive.",
        )
    try:
        target = Arn.parse(str(policy["deadLetterTargetArn"]))
    except ValueError:
        raise out_of_range("RedrivePolicy", text, "Invalid value for deadLetterTargetArn.") from None
    return Redrive(target, int(count))


def allows(attributes: Mapping[str, str], source_arn: str) -> bool:
    """Whether a dead-letter queue takes messages of a source."""
    text = attributes.get("RedriveAllowPolicy")
    if not text:
        return True
    policy = _object("RedriveAllowPolicy", text)
    permission = policy.get("redrivePermission", "allowAll")
    return permission == "allowAll" or (permission == "byQueue" and source_arn in policy.get("sourceQueueArns", []))


def _check_allow(text: str) -> None:
    policy = _object("RedriveAllowPolicy", text)
    permission, arns = policy.get("redrivePermission"), policy.get("sourceQueueArns")
    if permission not in ("allowAll", "denyAll", "byQueue") or policy.keys() - {"redrivePermission", "sourceQueueArns"}:
        raise out_of_range("RedriveAllowPolicy", text, "Amazon SQS can't create the redrive allow policy.")
    if (permission == "byQueue") != (arns is not None) or (arns is not None and not 1 <= len(arns) <= 10):
        raise out_of_range(
            "RedriveAllowPolicy",
            text,
            "Amazon SQS can't create the redrive allow policy: sourceQueueArns goes with byQueue, 1 to 10 of them.",
        )


def _check_policy(text: str) -> None:
    """Refuse a policy by which nobody could decide; one without statements says nothing."""
    if not _object("Policy", text).get("Statement"):
        return
    try:
        compile_policy(text, "resource", "queue policy")
    except PolicyError:
        raise bad_value("Policy") from None


def _object(name: str, text: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise bad_value(name)
    return value
