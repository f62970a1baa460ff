"""The smallest policy that allows what was asked for; pure.

What one action did to many things of one place (objects of a bucket, streams of a log group) becomes a wildcard there:
the next run would name others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MOST_NAMED = 4
"""Resources of one place that an action is allowed by name; more of them become one with a wildcard."""

_ALWAYS_FRESH = ":log-stream:"


def least_privilege(asked: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A policy's document that allows these (action, resource) pairs: one statement for each set of resources."""
    by_action: dict[str, set[str]] = {}
    for action, resource in asked:
        by_action.setdefault(action, set()).add(resource)
    by_resources: dict[tuple[str, ...], list[str]] = {}
    for action in sorted(by_action):
        by_resources.setdefault(tuple(sorted(folded(by_action[action]))), []).append(action)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": _one_or_all(actions), "Resource": _one_or_all(list(resources))}
            for resources, actions in by_resources.items()
        ],
    }


def folded(resources: Iterable[str]) -> set[str]:
    """The resources, those of one place behind a wildcard where they are many."""
    by_place: dict[str, set[str]] = {}
    for resource in resources:
        by_place.setdefault(_place(resource), set()).add(resource)
    found: set[str] = set()
    for place, named in by_place.items():
        fold = place and (len(named) > MOST_NAMED or place.endswith(_ALWAYS_FRESH))
        found |= {f"{place}*"} if fold else named
    return {one for one in found if not any(other != one and covers(other, one) for other in found)}


def covers(wide: str, resource: str) -> bool:
    """Whether a resource that ends with a wildcard is all of another."""
    return wide.endswith("*") and resource.startswith(wide[:-1])


def _place(resource: str) -> str:
    """Where a resource lies: its bucket, its log group, its folder; nothing for what lies nowhere."""
    group, stream, _ = resource.partition(_ALWAYS_FRESH)
    if stream:
        return group + stream
    if ":s3:::" in resource:
        bucket, slash, _ = resource.partition("/")
        return bucket + slash if slash else ""
    start, slash, _ = resource.rpartition("/")
    return start + slash


def _one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
