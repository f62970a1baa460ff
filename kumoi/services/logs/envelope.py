"""The envelope in which log events travel: JSON, compressed with gzip. Pure.

Source: "Log group-level subscription filters" of the CloudWatch Logs user guide.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

MOST_BYTES = 180_000
"""Of an envelope after compression: in base64 it still is an event that a function takes asynchronously."""

_HEALTH = "CWL CONTROL MESSAGE: Checking health of destination {}."


def envelopes(
    account: str, group: str, stream: str, filter_name: str, events: Sequence[dict[str, Any]]
) -> Iterator[bytes]:
    """Envelopes for events (`id`, `timestamp`, `message`), as few as keep each below MOST_BYTES."""
    content = _packed(
        {
            "messageType": "DATA_MESSAGE",
            "owner": account,
            "logGroup": group,
            "logStream": stream,
            "subscriptionFilters": [filter_name],
            "logEvents": list(events),
        }
    )
    if len(content) <= MOST_BYTES or len(events) == 1:
        yield content
    else:
        half = len(events) // 2
        yield from envelopes(account, group, stream, filter_name, events[:half])
        yield from envelopes(account, group, stream, filter_name, events[half:])


def control_message(vendor: str, now: int) -> bytes:
    """What a stream gets first: whether it can be written to."""
    event = {"id": "", "timestamp": now, "message": _HEALTH.format(vendor)}
    return _packed(
        {
            "messageType": "CONTROL_MESSAGE",
            "owner": "CloudwatchLogs",
            "logGroup": "",
            "logStream": "",
            "subscriptionFilters": [],
            "logEvents": [event],
        }
    )


def function_event(content: bytes) -> bytes:
    """The event a function gets for an envelope."""
    return orjson.dumps({"awslogs": {"data": base64.b64encode(content).decode()}})


def _packed(envelope: dict[str, Any]) -> bytes:
    return gzip.compress(orjson.dumps(envelope), 6, mtime=0)
