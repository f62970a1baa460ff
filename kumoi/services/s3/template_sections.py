"""A bucket's configurations as CloudFormation templates word them, turned into what the API takes; pure.

Templates may state numbers and flags as texts. Source: "AWS::S3::Bucket" in the CloudFormation reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

Given = Mapping[str, Any]


class Section(NamedTuple):
    """A property and the operation that puts it as `member`; where none deletes it, `none` is put in its stead.

    `beside` are members of the property that the operation takes beside `member`.
    """

    name: str
    put: str
    member: str
    content: Callable[[Any], Any]
    delete: str = ""
    none: Any = None
    beside: tuple[str, ...] = ()


def flag(value: Any) -> bool:
    """A boolean, also as a text."""
    return value is True or str(value).lower() == "true"


def _renamed(given: Given, **names: str) -> dict[str, Any]:
    """The members that are stated, by the API's names for the template's."""
    return {name: given[stated] for stated, name in names.items() if given.get(stated) is not None}


def _numbers(given: Given, *names: str) -> dict[str, int]:
    return {name: int(given[name]) for name in names if given.get(name) is not None}


def _moment(value: Any) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _blocks(given: Given) -> dict[str, Any]:
    return {name: flag(value) for name, value in given.items()}


def _encryption(given: Given) -> dict[str, Any]:
    rules = []
    for stated in given["ServerSideEncryptionConfiguration"]:
        rule = _renamed(stated, ServerSideEncryptionByDefault="ApplyServerSideEncryptionByDefault")
        if "BucketKeyEnabled" in stated:
            rule["BucketKeyEnabled"] = flag(stated["BucketKeyEnabled"])
        rules.append(rule)
    return {"Rules": rules}


def _cors(given: Given) -> dict[str, Any]:
    rules = []
    for stated in given["CorsRules"]:
        rule = _renamed(
            stated,
            Id="ID",
            AllowedHeaders="AllowedHeaders",
            AllowedMethods="AllowedMethods",
            AllowedOrigins="AllowedOrigins",
            ExposedHeaders="ExposeHeaders",
        )
        if stated.get("MaxAge") is not None:
            rule["MaxAgeSeconds"] = int(stated["MaxAge"])
        rules.append(rule)
    return {"CORSRules": rules}


def _website(given: Given) -> dict[str, Any]:
    content = _renamed(given, RedirectAllRequestsTo="RedirectAllRequestsTo")
    if given.get("IndexDocument") is not None:
        content["IndexDocument"] = {"Suffix": given["IndexDocument"]}
    if given.get("ErrorDocument") is not None:
        content["ErrorDocument"] = {"Key": given["ErrorDocument"]}
    if given.get("RoutingRules"):
        content["RoutingRules"] = [_routing_rule(stated) for stated in given["RoutingRules"]]
    return content


def _routing_rule(given: Given) -> dict[str, Any]:
    parts = _renamed(given, RoutingRuleCondition="Condition", RedirectRule="Redirect")
    return {part: {name: str(value) for name, value in stated.items()} for part, stated in parts.items()}


def _lifecycle(given: Given) -> dict[str, Any]:
    return {"Rules": [_lifecycle_rule(stated) for stated in given["Rules"]]}


def _lifecycle_rule(given: Given) -> dict[str, Any]:
    rule: dict[str, Any] = _renamed(given, Id="ID", Status="Status") | {"Filter": _filter(given)}
    expiration: dict[str, Any] = {}
    if given.get("ExpirationInDays") is not None:
        expiration["Days"] = int(given["ExpirationInDays"])
    if given.get("ExpirationDate") is not None:
        expiration["Date"] = _moment(given["ExpirationDate"])
    if given.get("ExpiredObjectDeleteMarker") is not None:
        expiration["ExpiredObjectDeleteMarker"] = flag(given["ExpiredObjectDeleteMarker"])
    if expiration:
        rule["Expiration"] = expiration
    if moves := given.get("Transitions") or ([given["Transition"]] if given.get("Transition") else []):
        rule["Transitions"] = [_transition(one) for one in moves]
    noncurrent = given.get("NoncurrentVersionExpiration")
    if noncurrent is None and given.get("NoncurrentVersionExpirationInDays") is not None:
        noncurrent = {"NoncurrentDays": given["NoncurrentVersionExpirationInDays"]}
    if noncurrent is not None:
        rule["NoncurrentVersionExpiration"] = _numbers(noncurrent, "NoncurrentDays", "NewerNoncurrentVersions")
    earlier = given.get("NoncurrentVersionTransition")
    if moves := given.get("NoncurrentVersionTransitions") or ([earlier] if earlier else []):
        rule["NoncurrentVersionTransitions"] = [
            {"StorageClass": one["StorageClass"], "NoncurrentDays": int(one["TransitionInDays"])}
            | _numbers(one, "NewerNoncurrentVersions")
            for one in moves
        ]
    if (abort := given.get("AbortIncompleteMultipartUpload")) is not None:
        rule["AbortIncompleteMultipartUpload"] = _numbers(abort, "DaysAfterInitiation")
    return rule


def _filter(given: Given) -> dict[str, Any]:
    """The conditions of a rule as one Filter: each alone, several within And."""
    tags = [{"Key": tag["Key"], "Value": str(tag["Value"])} for tag in given.get("TagFilters") or ()]
    parts: dict[str, Any] = _renamed(given, Prefix="Prefix")
    parts |= _numbers(given, "ObjectSizeGreaterThan", "ObjectSizeLessThan")
    if len(parts) + len(tags) > 1:
        return {"And": parts | ({"Tags": tags} if tags else {})}
    return {"Tag": tags[0]} if tags else parts or {"Prefix": ""}


def _transition(given: Given) -> dict[str, Any]:
    moved: dict[str, Any] = {"StorageClass": given["StorageClass"]}
    if given.get("TransitionInDays") is not None:
        moved["Days"] = int(given["TransitionInDays"])
    if given.get("TransitionDate") is not None:
        moved["Date"] = _moment(given["TransitionDate"])
    return moved


_TARGETS = (
    ("LambdaConfigurations", "LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
    ("QueueConfigurations", "QueueConfigurations", "Queue", "QueueArn"),
    ("TopicConfigurations", "TopicConfigurations", "Topic", "TopicArn"),
)


def _notifications(given: Given) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for stated, member, target, target_arn in _TARGETS:
        if given.get(stated):
            content[member] = [_notification(one, target, target_arn) for one in given[stated]]
    bridge = given.get("EventBridgeConfiguration")
    if bridge is not None and flag(bridge.get("EventBridgeEnabled", True)):
        content["EventBridgeConfiguration"] = {}
    return content


def _notification(given: Given, target: str, target_arn: str) -> dict[str, Any]:
    told: dict[str, Any] = {target_arn: given[target], "Events": [given["Event"]]}
    key = (given.get("Filter") or {}).get("S3Key")
    if key is not None:
        told["Filter"] = {
            "Key": {"FilterRules": [{"Name": one["Name"], "Value": one["Value"]} for one in key["Rules"]]}
        }
    return told


def _logging(given: Given) -> dict[str, Any]:
    if not given.get("DestinationBucketName"):
        return {}
    told = {"TargetBucket": given["DestinationBucketName"], "TargetPrefix": given.get("LogFilePrefix", "")}
    return {"LoggingEnabled": told}


def _object_lock(given: Given) -> dict[str, Any]:
    content = dict(given)
    retention = (given.get("Rule") or {}).get("DefaultRetention")
    if retention is not None:
        content["Rule"] = {"DefaultRetention": dict(retention) | _numbers(retention, "Days", "Years")}
    return content


def _replication(given: Given) -> dict[str, Any]:
    return {"Role": given["Role"], "Rules": [_replication_rule(stated) for stated in given["Rules"]]}


def _replication_rule(given: Given) -> dict[str, Any]:
    rule = _renamed(
        given,
        Id="ID",
        Prefix="Prefix",
        Status="Status",
        DeleteMarkerReplication="DeleteMarkerReplication",
        SourceSelectionCriteria="SourceSelectionCriteria",
    )
    rule |= _numbers(given, "Priority")
    destination = rule["Destination"] = {
        name: str(value) if name == "Account" else value for name, value in given["Destination"].items()
    }
    if (timed := destination.get("ReplicationTime")) is not None:
        destination["ReplicationTime"] = {**timed, "Time": _numbers(timed["Time"], "Minutes")}
    if (metrics := destination.get("Metrics")) is not None and metrics.get("EventThreshold") is not None:
        destination["Metrics"] = {**metrics, "EventThreshold": _numbers(metrics["EventThreshold"], "Minutes")}
    if (stated := given.get("Filter")) is not None:
        rule["Filter"] = _renamed(stated, Prefix="Prefix", TagFilter="Tag", And="And")
        if (inner := stated.get("And")) is not None:
            rule["Filter"]["And"] = _renamed(inner, Prefix="Prefix", TagFilters="Tags")
    return rule


SECTIONS = (
    Section(
        "PublicAccessBlockConfiguration",
        "PutPublicAccessBlock",
        "PublicAccessBlockConfiguration",
        _blocks,
        "DeletePublicAccessBlock",
    ),
    Section(
        "OwnershipControls",
        "PutBucketOwnershipControls",
        "OwnershipControls",
        dict,
        "DeleteBucketOwnershipControls",
    ),
    Section(
        "VersioningConfiguration",
        "PutBucketVersioning",
        "VersioningConfiguration",
        dict,
        none={"Status": "Suspended"},
    ),
    Section(
        "ObjectLockConfiguration",
        "PutObjectLockConfiguration",
        "ObjectLockConfiguration",
        _object_lock,
        none={"ObjectLockEnabled": "Enabled"},
    ),
    Section(
        "ReplicationConfiguration",
        "PutBucketReplication",
        "ReplicationConfiguration",
        _replication,
        "DeleteBucketReplication",
    ),
    Section(
        "BucketEncryption",
        "PutBucketEncryption",
        "ServerSideEncryptionConfiguration",
        _encryption,
        "DeleteBucketEncryption",
    ),
    Section("CorsConfiguration", "PutBucketCors", "CORSConfiguration", _cors, "DeleteBucketCors"),
    Section(
        "LifecycleConfiguration",
        "PutBucketLifecycleConfiguration",
        "LifecycleConfiguration",
        _lifecycle,
        "DeleteBucketLifecycle",
        beside=("TransitionDefaultMinimumObjectSize",),
    ),
    Section("WebsiteConfiguration", "PutBucketWebsite", "WebsiteConfiguration", _website, "DeleteBucketWebsite"),
    Section("LoggingConfiguration", "PutBucketLogging", "BucketLoggingStatus", _logging, none={}),
    Section(
        "AccelerateConfiguration",
        "PutBucketAccelerateConfiguration",
        "AccelerateConfiguration",
        lambda given: {"Status": given["AccelerationStatus"]},
        none={"Status": "Suspended"},
    ),
    Section(
        "NotificationConfiguration",
        "PutBucketNotificationConfiguration",
        "NotificationConfiguration",
        _notifications,
        none={},
    ),
)
