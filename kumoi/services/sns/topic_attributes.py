"""Topic attributes: which there are, the values they can have, and how they are answered.

Source: CreateTopic and SetTopicAttributes of the API reference, and recorded answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.policy import PolicyError, compile_policy
from kumoi.services.sns.archive_policy import begins, check_archive_policy
from kumoi.services.sns.naming import invalid
from kumoi.services.sns.records import Topic
from kumoi.services.sns.retries import check_topic_policy, effective_topic_policy
from kumoi.wire.timestamps import milliseconds

DEFAULT_SIZE = 262_144
_FEEDBACK = re.compile(
    "(?:HTTP|Firehose|Lambda|Application|SQS)(?:SuccessFeedbackRoleArn|SuccessFeedbackSampleRate|FailureFeedbackRoleArn)"
)
_CHOICES = {
    "SignatureVersion": ("1", "2"),
    "TracingConfig": ("PassThrough", "Active"),
    "ContentBasedDeduplication": ("true", "false"),
    "FifoThroughputScope": ("Topic", "MessageGroup"),
}
_FIFO_ONLY = ("ArchivePolicy", "ContentBasedDeduplication", "FifoThroughputScope")
_FREE = ("DisplayName", "KmsMasterKeyId")
_ACTIONS = (
    *("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe"),
    *("ListSubscriptionsByTopic", "Publish"),
)


def check_attributes(given: Mapping[str, str], *, fifo: bool, created: bool) -> None:
    """Refuse attributes that are unknown for such a topic, or cannot have the values given.

    `created`: whether they come with CreateTopic, the only place for FifoTopic.
    """
    prefix = "Attributes Reason: " if created else ""
    for name, value in given.items():
        if name == "FifoTopic":
            if not created:
                raise invalid("AttributeName")
            if value not in ("true", "false"):
                raise invalid(f"{prefix}FifoTopic: Invalid value [{value}]. Must be true or false.")
        elif name in _FIFO_ONLY and not fifo:
            raise invalid(f"{prefix}{name} is only supported for FIFO topics" if created else "AttributeName")
        elif name in _CHOICES:
            if value not in _CHOICES[name]:
                raise invalid(f"{prefix}{name}: Invalid value [{value}]. Must be {' or '.join(_CHOICES[name])}.")
        elif name == "MaximumMessageSize":
            if not re.fullmatch(r"[0-9]{1,9}", value) or not 1024 <= int(value) <= 1_048_576:
                raise invalid(f"{prefix}MaximumMessageSize: Invalid value [{value}]. Must be 1024 to 1048576.")
        elif name == "ArchivePolicy":
            check_archive_policy(value, prefix)
        elif name == "Policy":
            check_policy(value)
        elif name == "DeliveryPolicy":
            check_topic_policy(value, prefix)
        elif name == "DisplayName":
            if len(value) > 100:
                raise invalid("DisplayName")
        elif name not in _FREE and not _FEEDBACK.fullmatch(name):
            raise invalid(f"{prefix}Unknown attribute {name}" if created else "AttributeName")


def check_policy(text: str) -> None:
    """Refuse an access policy that is none; an empty text means the default one."""
    if not text:
        return
    try:
        compile_policy(text, "resource")
    except PolicyError as error:
        raise invalid(f"Policy Error: {error}") from None


def default_policy(topic: Topic) -> dict[str, Any]:
    """Who may do what with a topic as long as no policy was set: its owner, everything."""
    return {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Effect": "Allow",
                "Sid": "__default_statement_ID",
                "Principal": {"AWS": "*"},
                "Action": [f"SNS:{action}" for action in _ACTIONS],
                "Resource": topic.arn,
                "Condition": {"StringEquals": {"AWS:SourceOwner": topic.account}},
            }
        ],
    }


def policy_of(topic: Topic) -> dict[str, Any]:
    """A topic's access policy."""
    text = topic.attributes.get("Policy")
    policy: dict[str, Any] = orjson.loads(text) if text else default_policy(topic)
    return policy


def told(topic: Topic, confirmed: int, pending: int, now: float) -> dict[str, str]:
    """A topic's attributes as GetTopicAttributes answers them; `now` in epoch seconds."""
    answer = {
        "TopicArn": topic.arn,
        "Owner": topic.account,
        "DisplayName": "",
        "SubscriptionsConfirmed": str(confirmed),
        "SubscriptionsPending": str(pending),
        "SubscriptionsDeleted": "0",
        "EffectiveDeliveryPolicy": orjson.dumps(
            effective_topic_policy(topic.attributes.get("DeliveryPolicy"))
        ).decode(),
    }
    if topic.fifo:
        answer |= {"ContentBasedDeduplication": "false", "FifoThroughputScope": "Topic"}
    if topic.archived_since:
        answer["BeginningArchiveTime"] = milliseconds(begins(topic, now))
    answer |= {name: value for name, value in topic.attributes.items() if value or name == "DisplayName"}
    answer["Policy"] = topic.attributes.get("Policy") or orjson.dumps(default_policy(topic)).decode()
    return answer
