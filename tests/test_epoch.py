from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from kumoi.epoch import milliseconds_of, moment_of

OFFSETS = st.integers(-18 * 60, 18 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.integers(-62_000_000_000_000, 253_000_000_000_000), OFFSETS)
def test_a_moment_keeps_its_milliseconds(milliseconds: int, zone: timezone) -> None:
    assert milliseconds_of(moment_of(milliseconds, zone)) == milliseconds


def test_a_moment_without_a_zone_is_utc_s() -> None:
    assert milliseconds_of(datetime(1970, 1, 1, 0, 0, 1, 1_999)) == 1_001
    assert moment_of(1_001) == datetime(1970, 1, 1, 0, 0, 1, 1_000, UTC)
