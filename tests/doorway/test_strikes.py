"""The log of strikes is in its order at any time, told in pages, and bounded."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.doorway.strikes import Strike, StrikeLog

STRIKES = st.lists(
    st.builds(Strike, st.sampled_from("fg"), st.sampled_from("abc"), st.integers(0, 9), st.just("drop"), st.just(0.0))
)


def in_order(strikes: list[Strike]) -> list[Strike]:
    return sorted(strikes, key=lambda one: (one.edge, one.number, one.fault))


@given(STRIKES, st.integers(1, 7))
@settings(max_examples=100)
def test_it_reads_the_same_in_whatever_order_things_happened(strikes: list[Strike], limit: int) -> None:
    log = StrikeLog()
    for strike in strikes:
        log.add(strike)
    assert list(log) == in_order(strikes)
    pages = [log.page(after, limit) for after in range(0, len(strikes), limit)]
    assert [strike for page in pages for strike in page] == in_order(strikes)
    assert log.page(len(strikes), limit) == []


def test_the_oldest_are_forgotten() -> None:
    log = StrikeLog(most=300)
    for number in range(1_000):
        log.add(Strike("f", "ab"[number % 2] if number < 900 else "a", number, "drop", 0.0))
    assert len(log) == 300
    assert [one.number for one in log if one.edge == "b"] == list(range(701, 900, 2))
    assert [one.number for one in log if one.edge == "a"] == [*range(700, 900, 2), *range(900, 1_000)]
    for number in range(1_000, 1_300):
        log.add(Strike("f", "c", number, "drop", 0.0))
    assert [one.number for one in log] == list(range(1_000, 1_300))
    log.clear()
    assert (len(log), list(log)) == (0, [])
