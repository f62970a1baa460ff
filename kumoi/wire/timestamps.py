"""Timestamps on the wire: epoch seconds, ISO 8601, and RFC 7231 dates ("timestampFormat" of the service models).

Decoded, a timestamp is an aware datetime in UTC. Handlers may answer datetimes or epoch seconds.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime, formatdate, parsedate_to_datetime
from functools import lru_cache


def decode(value: object) -> datetime:
    """A timestamp in any of the three forms; ValueError when it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("not a timestamp")
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        text = value.strip()
        if text[:1].isdigit() or text[:1] == "-":
            if "-" not in text[1:] and ":" not in text:
                return datetime.fromtimestamp(float(text), UTC)
            parsed = datetime.fromisoformat(text)
        else:
            parsed = parsedate_to_datetime(text)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (OverflowError, OSError, TypeError, IndexError) as error:
        raise ValueError("not a timestamp") from error


def _moment(value: datetime | float) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.fromtimestamp(value, UTC)


def epoch(value: datetime | float) -> float | int:
    """Epoch seconds; whole ones as an integer."""
    seconds = _moment(value).timestamp() if isinstance(value, datetime) else value
    return int(seconds) if seconds == int(seconds) else round(seconds, 3)


def iso8601(value: datetime | float) -> str:
    """`2026-01-02T03:04:05Z`, with milliseconds where there are any."""
    moment = _moment(value).astimezone(UTC)
    text = moment.isoformat()[:19]
    part = moment.microsecond // 1000
    return f"{text}.{part:03d}Z" if part else f"{text}Z"


def milliseconds(value: datetime | float) -> str:
    """`2026-01-02T03:04:05.000Z`, as S3 writes them in documents."""
    return _moment(value).astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"


@lru_cache(1024)
def _rfc822_of(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def rfc822(value: datetime | float) -> str:
    """`Fri, 02 Jan 2026 03:04:05 GMT`."""
    if type(value) is int:
        return _rfc822_of(value)
    return format_datetime(_moment(value).astimezone(UTC), usegmt=True)


def text(value: datetime | float, form: str) -> str:
    """A timestamp as text in a `timestampFormat`."""
    if form == "rfc822":
        return rfc822(value)
    return str(epoch(value)) if form == "unixTimestamp" else iso8601(value)
