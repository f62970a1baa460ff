"""Lifecycle rules: whom they are about, and when they act; pure. What they may say: `lifecycle_checks.py`.

Times are epoch seconds. An action of days falls on the midnight (UTC) after them. Rules: "Lifecycle configuration
elements" and "Setting lifecycle configuration" in the S3 user guide, and recorded errors of the service.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from kumoi.services.s3.records import ObjectVersion

DAY = 86_400
MINIMUM_SIZES = ("all_storage_classes_128K", "varies_by_storage_class")
SMALLEST_MOVED = 131_072
"""Bytes that an object has at least which a rule moves to another class, where its filter says nothing of sizes."""


DEPTHS = {
    name: depth
    for depth, name in enumerate(
        ("STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")
    )
}
"""The order of storage classes: rules move objects further down only."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """An enabled rule. Of `size`, both bounds are exclusive; `transitions` are (days, date, storage class).

    `keep` noncurrent versions are spared by `noncurrent_days`. `archives_small` is whether small objects move to the
    archives, too.
    """

    id: str
    prefix: str = ""
    tags: dict[str, str] = {}
    size: tuple[int | None, int | None] = (None, None)
    days: int | None = None
    date: float | None = None
    lone_markers: bool = False
    transitions: tuple[tuple[int | None, float | None, str], ...] = ()
    noncurrent_days: int | None = None
    keep: int = 0
    noncurrent_transitions: tuple[tuple[int, int, str], ...] = ()
    abort_days: int | None = None
    archives_small: bool = False

    def about(self, version: ObjectVersion) -> bool:
        """Whether the filter lets an object through."""
        above, below = self.size
        return (
            version.key.startswith(self.prefix)
            and (above is None or version.size > above)
            and (below is None or version.size < below)
            and all(version.tags.get(key) == value for key, value in self.tags.items())
        )

    def about_key(self, key: str) -> bool:
        """Whether the filter lets through what has no body and no tags: a delete marker, an upload."""
        return key.startswith(self.prefix) and not self.tags and self.size == (None, None)

    def moves(self, version: ObjectVersion, storage_class: str) -> bool:
        """Whether the rule may move an object to a class: it is about it, and it is neither small nor past there."""
        large = self.size != (None, None) or version.size >= SMALLEST_MOVED
        archived = self.archives_small and storage_class in ("GLACIER", "DEEP_ARCHIVE")
        further = DEPTHS.get(storage_class, 0) > DEPTHS.get(version.storage_class, 0)
        return further and (large or archived) and self.about(version)


def epoch(moment: Any) -> float:
    """A date as requests have it, in epoch seconds; one without a zone is in UTC."""
    if isinstance(moment, datetime):
        return moment.timestamp() if moment.tzinfo else float(calendar.timegm(moment.timetuple()))
    if isinstance(moment, str):
        return epoch(datetime.fromisoformat(moment))
    return float(moment)


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def rules_of(content: Mapping[str, Any] | None) -> list[Rule]:
    """The enabled rules of a stored configuration."""
    content = content or {}
    small = content.get("TransitionDefaultMinimumObjectSize") == MINIMUM_SIZES[1]
    return [_rule(rule, small) for rule in content.get("Rules", ()) if rule["Status"] == "Enabled"]


def _rule(given: dict[str, Any], archives_small: bool) -> Rule:
    scope = given.get("Filter") or {}
    scope = scope.get("And") or scope
    tags = scope.get("Tags") or ([scope["Tag"]] if scope.get("Tag") else [])
    expiration = given.get("Expiration") or {}
    noncurrent = given.get("NoncurrentVersionExpiration") or {}
    return Rule(
        id=given["ID"],
        prefix=scope.get("Prefix") or given.get("Prefix") or "",
        tags={tag["Key"]: tag["Value"] for tag in tags},
        size=(scope.get("ObjectSizeGreaterThan"), scope.get("ObjectSizeLessThan")),
        days=expiration.get("Days"),
        date=None if expiration.get("Date") is None else epoch(expiration["Date"]),
        lone_markers=bool(expiration.get("ExpiredObjectDeleteMarker")),
        transitions=tuple(
            (one.get("Days"), None if one.get("Date") is None else epoch(one["Date"]), one["StorageClass"])
            for one in given.get("Transitions") or ()
        ),
        noncurrent_days=noncurrent.get("NoncurrentDays"),
        keep=noncurrent.get("NewerNoncurrentVersions") or 0,
        noncurrent_transitions=tuple(
            (one["NoncurrentDays"], one.get("NewerNoncurrentVersions") or 0, one["StorageClass"])
            for one in given.get("NoncurrentVersionTransitions") or ()
        ),
        abort_days=(given.get("AbortIncompleteMultipartUpload") or {}).get("DaysAfterInitiation"),
        archives_small=archives_small,
    )


def midnight_after(moment: float, days: int = 0) -> int:
    """The first midnight after `days` from a moment."""
    return (int(moment) // DAY + days + 1) * DAY


def moment_of(modified: float, days: int | None, date: float | None) -> int | None:
    """When an action of days, or of a date, falls on an object; None for an action that has neither."""
    if days is not None:
        return midnight_after(modified, days)
    if date is not None:
        return int(date) if modified < date else midnight_after(modified)
    return None


def expiry(rules: list[Rule], version: ObjectVersion) -> tuple[int, str] | None:
    """(when, by which rule's id) a current version expires; the earliest rule wins."""
    found = [
        (moment, rule.id)
        for rule in rules
        if rule.about(version) and (moment := moment_of(version.modified, rule.days, rule.date)) is not None
    ]
    return min(found, default=None)


def abortion(rules: list[Rule], key: str, created: float) -> tuple[int, str] | None:
    """(when, by which rule's id) an upload under way is aborted."""
    found = [
        (midnight_after(created, rule.abort_days), rule.id)
        for rule in rules
        if rule.abort_days is not None and rule.about_key(key)
    ]
    return min(found, default=None)
