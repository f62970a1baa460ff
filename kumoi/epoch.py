"""Epoch milliseconds and datetimes, by whole numbers: a float's seconds lose one millisecond in many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def milliseconds_of(moment: datetime) -> int:
    """The whole epoch milliseconds of a moment, rounded down; one without a zone is UTC's."""
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MILLISECOND


def moment_of(milliseconds: float, zone: tzinfo = UTC) -> datetime:
    """The moment of epoch milliseconds, in a zone; OverflowError or ValueError beyond the years 1 to 9999."""
    return (_EPOCH + timedelta(milliseconds=milliseconds)).astimezone(zone)
