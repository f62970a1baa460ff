"""Filters and pages of RDS' lists, and tags: pure rules."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from kumoi.services.rds.naming import invalid

ItemT = TypeVar("ItemT")


def matching(
    items: list[ItemT],
    filters: Sequence[Mapping[str, Any]] | None,
    known: Mapping[str, Callable[[ItemT], Sequence[str]]],
) -> list[ItemT]:
    """The items that have one of each filter's values; `known` tells an item's values by the filter's name."""
    for one in filters or ():
        if one["Name"] not in known:
            raise invalid(f"Unrecognized filter name: {one['Name']}")
        values = known[one["Name"]]
        items = [item for item in items if not set(values(item)).isdisjoint(one["Values"])]
    return items


def page(
    items: Sequence[ItemT], key: Callable[[ItemT], str], marker: str | None, most: int
) -> tuple[Sequence[ItemT], dict[str, Any]]:
    """One page in the order of the keys, and the Marker member where more follow."""
    if not 20 <= most <= 100:
        raise invalid(f"Invalid value {most} for MaxRecords. Must be between 20 and 100")
    if marker is not None:
        try:
            after = base64.b64decode(marker, validate=True).decode()
        except (binascii.Error, ValueError):
            raise invalid("Invalid marker") from None
        items = [item for item in items if key(item) > after]
    found = items[:most]
    if len(found) == len(items):
        return found, {}
    return found, {"Marker": base64.b64encode(key(found[-1]).encode()).decode()}


def tags_of(given: Collection[Mapping[str, str]]) -> dict[str, str]:
    """Tags by their keys."""
    if not all(tag.get("Key") for tag in given):
        raise invalid("Tag keys must not be empty.")
    return {tag["Key"]: tag.get("Value", "") for tag in given}
