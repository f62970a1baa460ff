"""ArchivePolicy, the attribute by which a FIFO topic keeps what is published; pure.

Source: "Amazon SNS message archiving for FIFO topic owners" of the developer guide.
"""

from __future__ import annotations

import orjson

from kumoi.services.sns.naming import invalid
from kumoi.services.sns.records import Topic

MOST_DAYS = 365
_DAY = 86_400.0


def check_archive_policy(text: str, prefix: str) -> None:
    """Refuse an ArchivePolicy that is none; an empty one ends the archive. `prefix` stands before the reason."""
    try:
        policy = orjson.loads(text)
    except orjson.JSONDecodeError:
        policy = None
    if not isinstance(policy, dict):
        raise invalid(f"{prefix}ArchivePolicy: failed to parse JSON.")
    if unknown := policy.keys() - {"MessageRetentionPeriod"}:
        raise invalid(f"{prefix}ArchivePolicy: invalid JSON. Attribute {min(unknown)} is unknown.")
    days = str(policy.get("MessageRetentionPeriod", 1))
    if not days.isdecimal() or not days.isascii() or not 1 <= int(days) <= MOST_DAYS:
        text = f"MessageRetentionPeriod must be an integer of days from 1 to {MOST_DAYS}."
        raise invalid(f"{prefix}ArchivePolicy: {text}")


def ends_archive(text: str) -> bool:
    """Whether an ArchivePolicy is one that archives nothing."""
    return bool(orjson.loads(text) == {})


def begins(topic: Topic, now: float) -> float:
    """Since when messages are in a topic's archive: its BeginningArchiveTime."""
    days = int(orjson.loads(topic.attributes["ArchivePolicy"])["MessageRetentionPeriod"])
    return max(topic.archived_since, now - days * _DAY)
