"""What lifecycle rules do to a version now, and when they will next do something; pure.

Times are epoch seconds. Of what a version is due for, expiring comes first, then the move furthest down.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kumoi.services.s3.lifecycle_rules import DEPTHS, Rule, expiry, midnight_after, moment_of
from kumoi.services.s3.records import ObjectVersion


class Decision(NamedTuple):
    """Whether a version expires now, else the class it moves to now (or none); and when to look again (or never)."""

    expires: bool = False
    storage_class: str = ""
    again: int | None = None

    @property
    def acts(self) -> bool:
        """Whether there is something to do now."""
        return self.expires or bool(self.storage_class)


def about_current(rules: list[Rule], version: ObjectVersion, now: float) -> Decision:
    """What is done to a key's current object."""
    found = expiry(rules, version)
    moves = [
        (moment, storage_class)
        for rule in rules
        for days, date, storage_class in rule.transitions
        if rule.moves(version, storage_class) and (moment := moment_of(version.modified, days, date)) is not None
    ]
    return _once_replicated(version, _decided(None if found is None else found[0], moves, now), now)


def about_noncurrent(rules: list[Rule], version: ObjectVersion, since: int, newer: int, now: float) -> Decision:
    """What is done to a version that others were laid over: at `since` the first, by now `newer` are noncurrent, too.

    A version that newer ones must make noncurrent first is looked at again when they come.
    """
    expiring = [
        midnight_after(since, rule.noncurrent_days)
        for rule in rules
        if rule.noncurrent_days is not None
        and newer >= rule.keep
        and (rule.about_key(version.key) if version.marker else rule.about(version))
    ]
    moves = [
        (midnight_after(since, days), storage_class)
        for rule in rules
        for days, keep, storage_class in rule.noncurrent_transitions
        if not version.marker and newer >= keep and rule.moves(version, storage_class)
    ]
    return _once_replicated(version, _decided(min(expiring, default=None), moves, now), now)


def about_lone_marker(rules: list[Rule], marker: ObjectVersion, now: float) -> Decision:
    """What is done to a delete marker that nothing lies under any more."""
    moments = [
        midnight_after(marker.modified, 0 if rule.lone_markers else rule.days or 0)
        for rule in rules
        if (rule.lone_markers or rule.days is not None) and rule.about_key(marker.key)
    ]
    return _decided(min(moments, default=None), (), now)


def earliest(*moments: int | None) -> int | None:
    """The earliest of moments; None where there is none."""
    return min((moment for moment in moments if moment is not None), default=None)


def watches_others(rules: Iterable[Rule]) -> bool:
    """Whether rules do anything to what is no current object: noncurrent versions, or delete markers."""
    return any(
        rule.noncurrent_days is not None or rule.noncurrent_transitions or rule.lone_markers or rule.days is not None
        for rule in rules
    )


def _once_replicated(version: ObjectVersion, decision: Decision, now: float) -> Decision:
    """A decision about a version, which waits for the next midnight while its replication is pending."""
    replication = version.replication
    if decision.acts and replication is not None and replication.status == "PENDING":
        return Decision(again=midnight_after(now))
    return decision


def _decided(expiring: int | None, moves: Iterable[tuple[int, str]], now: float) -> Decision:
    if expiring is not None and expiring <= now:
        return Decision(expires=True)
    due = [storage_class for moment, storage_class in moves if moment <= now]
    target = max(due, key=lambda name: DEPTHS.get(name, 0), default="")
    again = earliest(
        expiring,
        *(moment for moment, name in moves if moment > now and DEPTHS.get(name, 0) > DEPTHS.get(target, 0)),
    )
    return Decision(storage_class=target, again=again)
