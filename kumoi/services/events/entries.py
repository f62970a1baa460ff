"""What PutEvents takes: pure rules of its entries. Source: the API reference's PutEvents and PutEventsRequestEntry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from kumoi.names import uuid
from kumoi.services.events.event import Event, timestamp
from kumoi.wire.errors import aws_error

MAX_BYTES = 1_048_576
SURELY_FLAT = 200
"""What has fewer brackets than these cannot be nested too deep."""


class EntryRefused(Exception):
    """One entry is not taken; the others are."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def check_size(entries: Sequence[dict[str, Any]]) -> int:
    """The size of a batch in bytes; ValidationException when it is too large."""
    size = sum(entry_size(entry) for entry in entries)
    if size >= MAX_BYTES:
        raise aws_error("ValidationException", "Total size of the entries in the request is over the limit.")
    return size


def entry_size(entry: dict[str, Any]) -> int:
    """An entry's size in bytes, as AWS counts it."""
    texts = [entry.get("Source", ""), entry.get("DetailType", ""), entry.get("Detail", ""), *entry.get("Resources", ())]
    return (14 if "Time" in entry else 0) + sum(len(text.encode("utf-8", "replace")) for text in texts)


def event_of(entry: dict[str, Any], account: str, region: str, now: float, *, by_service: bool) -> Event:
    """The event of an entry; EntryRefused when it is not valid. Sources `aws.…` are for services."""
    for member in ("Source", "DetailType", "Detail"):
        if not entry.get(member):
            raise EntryRefused(
                "InvalidArgument", f"Parameter {member} is not valid. Reason: {member} is a required argument."
            )
    if entry["Source"].startswith("aws.") and not by_service:
        raise EntryRefused("NotAuthorizedForSourceException", "Not authorized for the source.")
    try:
        detail = orjson.loads(entry["Detail"])
    except orjson.JSONDecodeError:
        detail = None
    if not isinstance(detail, dict) or is_too_deep(entry["Detail"], detail):
        raise EntryRefused("MalformedDetail", "Detail is malformed.")
    return Event(
        id=uuid(),
        detail_type=entry["DetailType"],
        source=entry["Source"],
        account=account,
        time=timestamp(entry["Time"].timestamp() if "Time" in entry else now),
        region=region,
        resources=entry.get("Resources", []),
        detail=detail,
    )


def is_too_deep(text: str, detail: Any) -> bool:
    """Whether a detail is nested deeper than can be written out again (about 250 levels)."""
    if text.count("{") + text.count("[") < SURELY_FLAT:
        return False
    try:
        orjson.dumps({"detail": detail})
    except TypeError:
        return True
    return False
