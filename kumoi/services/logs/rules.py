"""CloudWatch Logs' rules as pure functions: names, ARNs, what a batch may hold, tokens.

Source: the API reference's PutLogEvents, GetLogEvents and FilterLogEvents.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from kumoi.names import arn
from kumoi.wire.errors import AwsError, aws_error

DAY = 86_400_000
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545),
    *(731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
MAX_BATCH_BYTES = 1_048_576
MAX_BATCH_EVENTS = 10_000
EVENT_OVERHEAD = 26

_GROUP_ARN = re.compile(r"arn:aws[a-z-]*:logs:[^:]*:\d*:log-group:([^:]+)(?::\*)?")
_TOKEN = re.compile(r"([fb])/(\d{20})(\d{36})/s")
_PAGE_TOKEN = re.compile(r"(\d{20})(\d{36})")


class Place(NamedTuple):
    """Where an event stands: its timestamp (epoch ms), then the order of arrival."""

    time: int
    seq: int


def group_name(identifier: str) -> str:
    """A group's name from its name or ARN."""
    match = _GROUP_ARN.fullmatch(identifier)
    return match[1] if match else identifier


def group_of(logGroupName: str | None, logGroupIdentifier: str | None) -> str:
    """The group that a request names in one of two ways; exactly one must be given."""
    if logGroupName is not None and logGroupIdentifier is not None:
        raise aws_error("ValidationException", "LogGroup name and LogGroup ARN are mutually exclusive parameters.")
    named = logGroupName if logGroupName is not None else logGroupIdentifier
    if named is None:
        raise invalid("Log group name or identifier is required")
    return group_name(named)


def group_arn(account: str, region: str, name: str) -> str:
    """A group's ARN, without the trailing `:*`."""
    return arn("logs", region, account, f"log-group:{name}")


def invalid(message: str) -> AwsError:
    """InvalidParameterException."""
    return aws_error("InvalidParameterException", message)


def no_group() -> AwsError:
    """The group does not exist."""
    return aws_error("ResourceNotFoundException", "The specified log group does not exist.")


def no_stream() -> AwsError:
    """The stream does not exist."""
    return aws_error("ResourceNotFoundException", "The specified log stream does not exist.")


def page(names: Sequence[str], token: str | None, limit: int) -> tuple[Sequence[str], str | None]:
    """A page of sorted names behind `token` (the last name of the page before, in base64), and the next token."""
    if token is not None:
        try:
            last = base64.b64decode(token, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise invalid("The specified nextToken is invalid.") from None
        names = [name for name in names if name > last]
    found = names[:limit]
    more = len(names) > limit
    return found, base64.b64encode(found[-1].encode()).decode() if more else None


class Batch(NamedTuple):
    """What is stored of a batch, and what is told about the rest (None: all was taken)."""

    accepted: Sequence[dict[str, Any]]
    rejected: dict[str, int] | None


def check_batch(events: Sequence[dict[str, Any]], now: int, retention: int | None) -> Batch:
    """Take what may be stored of a batch; raises InvalidParameterException for a batch that is wrong as a whole.

    `now` in epoch ms. Events older than 14 days or than the group's retention, and those more than two hours ahead,
    are left out and reported by their index.
    """
    times = [event["timestamp"] for event in events]
    if any(earlier > later for earlier, later in pairwise(times)):
        raise invalid("Log events in a single PutLogEvents request must be in chronological order.")
    if times[-1] - times[0] > DAY:
        raise invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
    size = sum(len(event["message"].encode()) + EVENT_OVERHEAD for event in events)
    if size > MAX_BATCH_BYTES:
        raise invalid(f"Upload too large: {size} bytes exceeds limit of {MAX_BATCH_BYTES}")
    too_old = sum(time < now - 14 * DAY for time in times)
    expired = sum(time < now - retention * DAY for time in times) if retention else 0
    too_new = sum(time > now + 2 * 3_600_000 for time in times)
    rejected: dict[str, int] = {}
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if expired:
        rejected["expiredLogEventEndIndex"] = expired
    if too_new:
        rejected["tooNewLogEventStartIndex"] = len(events) - too_new
    first = max(too_old, expired)
    return Batch(events[first : len(events) - too_new], rejected or None)


def direction_token(direction: str, place: Place) -> str:
    """A GetLogEvents token: `f` goes on after a place, `b` before it."""
    return f"{direction}/{place.time:020d}{place.seq:036d}/s"


def read_direction_token(token: str) -> tuple[str, Place]:
    """(`f` or `b`, the place) of a GetLogEvents token; InvalidParameterException when it is none."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise invalid("The specified nextToken is invalid.")
    return match[1], Place(int(match[2]), int(match[3]))


def event_id(place: Place) -> str:
    """An event's id: 56 digits, unique and in order. Page tokens of FilterLogEvents have the same form."""
    return f"{place.time:020d}{place.seq:036d}"


def read_page_token(token: str) -> Place:
    """The place a FilterLogEvents token stands for; InvalidParameterException when it is none."""
    match = _PAGE_TOKEN.fullmatch(token)
    if match is None:
        raise invalid("The specified nextToken is invalid.")
    return Place(int(match[1]), int(match[2]))
