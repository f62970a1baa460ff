"""The forms in which timestamps travel."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kumoi.wire import timestamps

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

READ = [
    (1767323045, MOMENT),
    (1767323045.25, MOMENT.replace(microsecond=250_000)),
    ("1767323045", MOMENT),
    ("1767323045.25", MOMENT.replace(microsecond=250_000)),
    ("2026-01-02T03:04:05Z", MOMENT),
    ("2026-01-02T03:04:05.250Z", MOMENT.replace(microsecond=250_000)),
    ("2026-01-02T05:04:05+02:00", MOMENT),
    ("2026-01-02T03:04:05", MOMENT),
    ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
    ("Fri, 02 Jan 2026 03:04:05 GMT", MOMENT),
    (" 2026-01-02T03:04:05Z ", MOMENT),
    (-1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
]


@pytest.mark.parametrize(("text", "moment"), READ)
def test_every_form_is_read(text: Any, moment: datetime) -> None:
    assert timestamps.decode(text) == moment


@pytest.mark.parametrize(
    "text", ["", "now", True, None, [], float("nan"), 1e20, "1e400", "0001-01-01T00:00:00+14:00", "2026-13-01"]
)
def test_what_is_none_is_refused(text: Any) -> None:
    with pytest.raises(ValueError):
        timestamps.decode(text)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert timestamps.decode(text).tzinfo is UTC
    except ValueError:
        return


@pytest.mark.parametrize("value", [MOMENT, 1767323045, 1767323045.0, MOMENT.replace(tzinfo=None)])
def test_forms_written(value: Any) -> None:
    assert timestamps.epoch(value) == 1767323045
    assert timestamps.iso8601(value) == "2026-01-02T03:04:05Z"
    assert timestamps.milliseconds(value) == "2026-01-02T03:04:05.000Z"
    assert timestamps.rfc822(value) == "Fri, 02 Jan 2026 03:04:05 GMT"
    assert timestamps.text(value, "unixTimestamp") == "1767323045"


def test_milliseconds_are_kept() -> None:
    moment = MOMENT.replace(microsecond=123_456)
    assert timestamps.epoch(moment) == 1767323045.123
    assert timestamps.iso8601(moment) == "2026-01-02T03:04:05.123Z"
    assert timestamps.milliseconds(moment) == "2026-01-02T03:04:05.123Z"
