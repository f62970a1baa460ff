from __future__ import annotations

import pytest
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import given
from hypothesis import strategies as st

from kumoi.gateway.http2_frames import BACK, LARGEST, MOST, FrameReader, Patience, TooLong

GOAWAY = GoAwayFrame(0, last_stream_id=0, error_code=0, additional_data=b"bye").serialize()
FRAMES = [
    SettingsFrame(0).serialize(),
    HeadersFrame(1, b"abc", flags=["END_HEADERS"]).serialize(),
    DataFrame(1, b"x" * LARGEST).serialize(),
    PingFrame(0, b"12345678").serialize(),
    DataFrame(1, b"", flags=["END_STREAM"]).serialize(),
]


@given(st.lists(st.sampled_from([*FRAMES, GOAWAY])), st.lists(st.integers(1, 20_000)))
def test_frames_come_whole_however_they_are_cut(sent: list[bytes], sizes: list[int]) -> None:
    reader, stream = FrameReader(), b"".join(sent)
    arrived = []
    for size in [*sizes, len(stream)]:
        arrived.append(reader.feed(stream[:size]))
        stream = stream[size:]
    assert b"".join(one.frames for one in arrived) == b"".join(one for one in sent if one != GOAWAY)
    assert any(one.leaving for one in arrived) == (GOAWAY in sent)


@pytest.mark.parametrize(
    ("frame", "cost"),
    [
        (HeadersFrame(1, b"abc").serialize(), 0),
        (DataFrame(1, b"a").serialize(), 0),
        (DataFrame(1, b"", flags=["END_STREAM"]).serialize(), 0),
        (DataFrame(1, b"").serialize(), 1),
        (PriorityFrame(1).serialize(), 1),
        (SettingsFrame(0).serialize(), 1),
        (PingFrame(0).serialize(), 1),
        (WindowUpdateFrame(0, 1).serialize(), 1),
        (ContinuationFrame(1, b"a").serialize(), 1),
        (b"\0\0\x01\xfa\0\0\0\0\x01a", 1),  # of a kind that nobody knows
        (RstStreamFrame(1, 8).serialize(), 4),
    ],
)
def test_what_a_frame_costs_its_client(frame: bytes, cost: int) -> None:
    assert FrameReader().feed(frame * 3).cost == 3 * cost


def test_a_frame_that_is_too_long_is_told_by_its_front() -> None:
    front = DataFrame(1, b"x" * (LARGEST + 1)).serialize()[:9]
    with pytest.raises(TooLong):
        FrameReader().feed(front)


@pytest.mark.parametrize(
    "broken",
    [
        b"\0\0\x07\x07\0\0\0\0\0" + bytes(7),  # too short
        b"\0\0\x08\x07\0\0\0\0\x01" + bytes(8),  # on a stream
    ],
)
def test_a_goaway_that_is_none_is_left_to_be_refused(broken: bytes) -> None:
    arrived = FrameReader().feed(broken)
    assert (arrived.frames, arrived.leaving) == (broken, False)


def test_patience_ends_and_comes_back() -> None:
    patience = Patience(100.0)
    assert patience.spend(MOST, 100.0)
    assert not patience.spend(1, 100.0)
    assert patience.spend(BACK - 1, 101.0)
    assert not patience.spend(1, 101.0)
    patience.answered()
    patience.sent(16_384)
    assert patience.spend(50, 101.0)
    assert patience.spend(MOST, 10_000.0)
    assert not patience.spend(1, 10_000.0)
