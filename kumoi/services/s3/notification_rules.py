"""Notification configurations: what may be stored, and which of them an event is for; pure.

Rules: "Amazon S3 Event Notifications" in the S3 user guide, PutBucketNotificationConfiguration in the API reference,
and recorded errors of the service.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

from kumoi.names import Arn, uuid
from kumoi.services.s3.records import Bucket
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.xml_shapes import malformed

DESTINATIONS = {
    "TopicConfigurations": ("TopicArn", "Topic", "sns"),
    "QueueConfigurations": ("QueueArn", "Queue", "sqs"),
    "LambdaFunctionConfigurations": ("LambdaFunctionArn", "CloudFunction", "lambda"),
}
"""By list of the configuration: the member that has the ARN, what errors call it, and the service."""

EVENTS = frozenset(
    f"s3:{name}"
    for name in (
        "ReducedRedundancyLostObject",
        "ObjectCreated:*",
        "ObjectCreated:Put",
        "ObjectCreated:Post",
        "ObjectCreated:Copy",
        "ObjectCreated:CompleteMultipartUpload",
        "ObjectRemoved:*",
        "ObjectRemoved:Delete",
        "ObjectRemoved:DeleteMarkerCreated",
        "ObjectRestore:*",
        "ObjectRestore:Post",
        "ObjectRestore:Completed",
        "ObjectRestore:Delete",
        "Replication:*",
        "Replication:OperationFailedReplication",
        "Replication:OperationNotTracked",
        "Replication:OperationMissedThreshold",
        "Replication:OperationReplicatedAfterThreshold",
        "LifecycleTransition",
        "IntelligentTiering",
        "ObjectAcl:Put",
        "LifecycleExpiration:*",
        "LifecycleExpiration:Delete",
        "LifecycleExpiration:DeleteMarkerCreated",
        "ObjectTagging:*",
        "ObjectTagging:Put",
        "ObjectTagging:Delete",
        "ObjectRetention:Put",
    )
)


class Subscription(NamedTuple):
    """One configuration: what it is called, where its events go, which they are, and the keys it is about."""

    id: str
    service: str
    arn: str
    events: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""

    def wants(self, event: str, key: str) -> bool:
        """Whether an event (`ObjectCreated:Put`) of a key is for it."""
        return any(_covers(wanted, f"s3:{event}") for wanted in self.events) and (
            key.startswith(self.prefix) and key.endswith(self.suffix)
        )

    def overlaps(self, other: Subscription) -> bool:
        """Whether some event of some key would be for both."""
        return (
            any(_covers(a, b) or _covers(b, a) for a in self.events for b in other.events)
            and (self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix))
            and (self.suffix.endswith(other.suffix) or other.suffix.endswith(self.suffix))
        )


def _covers(wanted: str, event: str) -> bool:
    return wanted == event or (wanted.endswith(":*") and event.startswith(wanted[:-1]))


def subscriptions(content: dict[str, Any]) -> Iterator[Subscription]:
    """The configurations of a bucket, one by one."""
    for member, (arn, _, service) in DESTINATIONS.items():
        for one in content.get(member) or ():
            rules = {
                rule["Name"]: rule["Value"]
                for rule in ((one.get("Filter") or {}).get("Key") or {}).get("FilterRules") or ()
            }
            events = tuple(one["Events"])
            yield Subscription(one["Id"], service, one[arn], events, rules.get("Prefix", ""), rules.get("Suffix", ""))


def checked(content: dict[str, Any], bucket: Bucket) -> dict[str, Any]:
    """A NotificationConfiguration that may be stored, its configurations with ids; raises InvalidArgument, …"""
    kept: dict[str, Any] = {}
    for member, (arn, called, service) in DESTINATIONS.items():
        listed = [_checked_one(one, arn, called, service, bucket) for one in content.get(member) or ()]
        if listed:
            kept[member] = listed
    if content.get("EventBridgeConfiguration") is not None:
        kept["EventBridgeConfiguration"] = {}
    found = list(subscriptions(kept))
    if len({one.id for one in found}) < len(found):
        raise _invalid("Same ID used for multiple configurations. IDs must be unique")
    if any(first.overlaps(second) for first, second in combinations(found, 2)):
        raise _invalid("Configurations overlap. Configurations on the same bucket cannot share a common event type.")
    return kept


def _invalid(text: str, **members: Any) -> AwsError:
    return aws_error("InvalidArgument", text, **members)


def _checked_one(one: dict[str, Any], arn: str, called: str, service: str, bucket: Bucket) -> dict[str, Any]:
    try:
        destination = Arn.parse(one[arn])
    except ValueError:
        destination = None
    if destination is None or destination.service != service or not destination.resource:
        raise _invalid("The ARN could not be parsed", ArgumentName=called, ArgumentValue=one[arn])
    if destination.region != bucket.region:
        raise _invalid(
            "The notification destination service region is not valid for the bucket location constraint",
            ArgumentName=called,
            ArgumentValue=one[arn],
        )
    if not one["Events"]:
        raise malformed()
    for event in one["Events"]:
        if event not in EVENTS:
            raise _invalid(
                "A specified event is not supported for notifications.", ArgumentName="Event", ArgumentValue=event
            )
    kept = {**one, "Id": one.get("Id") or uuid()}
    if one.get("Filter") is not None:
        rules = (one["Filter"].get("Key") or {}).get("FilterRules") or []
        kept["Filter"] = {"Key": {"FilterRules": _checked_rules(rules)}}
    return kept


def _checked_rules(rules: list[dict[str, Any]]) -> list[dict[str, str]]:
    kept: list[dict[str, str]] = []
    for rule in rules:
        name, value = rule.get("Name"), rule.get("Value")
        if name is None or value is None:
            raise malformed()
        if name.lower() not in ("prefix", "suffix"):
            raise _invalid(
                "filter rule name must be either prefix or suffix",
                ArgumentName="FilterRule.Name",
                ArgumentValue=name,
            )
        if len(value) > 1024:
            raise _invalid(
                "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation",
                ArgumentName="FilterRule.Value",
                ArgumentValue=value,
            )
        kept.append({"Name": name.capitalize(), "Value": value})
    if len({rule["Name"] for rule in kept}) < len(kept):
        raise _invalid(
            "Cannot specify more than one prefix or suffix rule in a filter.", ArgumentName="FilterRule.Name"
        )
    return kept


def unreachable(failed: list[tuple[Subscription, str]]) -> AwsError:
    """InvalidArgument that lists destinations with what is wrong with each."""
    members: dict[str, str] = {}
    for number, (subscription, text) in enumerate(failed, 1):
        name = f"{subscription.arn}, null" if subscription.service == "lambda" else subscription.arn
        members |= {f"ArgumentName{number}": name, f"ArgumentValue{number}": text}
    return _invalid("Unable to validate the following destination configurations", **members)
