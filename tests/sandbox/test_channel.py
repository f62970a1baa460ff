"""What goes between Kumoi and a runtime comes out whole however it is cut on its way, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from decimal import Decimal
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.sandbox.interface import Invocation
from kumoi.sandbox.log_pipe import LineSplitter
from kumoi.sandbox.python import frames
from kumoi.sandbox.python.event_json import ResultWriter, read_event
from kumoi.sandbox.runtime_link import Answer, Channel, RuntimeEnded
from kumoi.sandbox.watch import QUIET_SECONDS, Watch

MARKER = b"\x00marker"
INVOCATION = Invocation("r", b"{}", 60.0, "arn", "Root=1")

cuts = st.lists(st.integers(0, 400), max_size=8)


def pieces(content: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({0, *(place for place in places if place < len(content)), len(content)})
    return [content[begin:end] for begin, end in pairwise(ends)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=90), min_size=1, max_size=4), cuts)
def test_frames_are_read_however_they_arrive(payloads: list[bytes], places: list[int]) -> None:
    content = b"".join(frames.frame(frames.INVOKE, {"number": at}, one) for at, one in enumerate(payloads))
    arriving = iter([*pieces(content, places), b""])

    class Arriving:
        def fileno(self) -> int:
            return closed.fileno()

        def recv(self, _count: int) -> bytes:
            return next(arriving)

    closed, other = socket.socketpair()
    other.close()
    with closed:
        reader = frames.FrameReader(cast(socket.socket, Arriving()))
        read = [reader.read() for _ in payloads]
        assert read == [(frames.INVOKE, {"number": at}, one) for at, one in enumerate(payloads)]
        assert reader.read() is None


@settings(max_examples=40, deadline=None)
@given(cuts)
def test_an_answer_is_taken_however_it_arrives(places: list[int]) -> None:
    content = frames.frame(frames.CHUNK, {}, b"one ") + frames.frame(frames.CHUNK, {}, b"two ")
    content += frames.frame(frames.RESULT, {"duration": 0.5, "peak_kb": 2048, "streamed": True})

    async def answer() -> Answer:
        channel = Channel()
        asked = asyncio.ensure_future(channel.invoke(INVOCATION, None))
        for piece in pieces(content, places):
            await asyncio.sleep(0)
            channel.data_received(piece)
        return await asked

    assert asyncio.run(answer()) == Answer(b"one two ", None, 0.5, 2048)


def test_a_frame_that_a_handler_forged_is_nobodys_answer() -> None:
    async def answers() -> list[Answer]:
        channel, found = Channel(), []
        for number in range(2):
            asked = asyncio.ensure_future(channel.invoke(INVOCATION, None))
            await asyncio.sleep(0)
            channel.data_received(frames.frame(frames.RESULT, {"duration": 0.5}, str(number).encode()))
            found.append(await asked)
            channel.data_received(frames.frame(frames.RESULT, {"duration": 9.0}, b"forged"))
        return found

    assert [one.payload for one in asyncio.run(answers())] == [b"0", b"1"]


@pytest.mark.parametrize("forged", [{"duration": "long"}, {"duration": []}, {"duration": 1.0, "peak_kb": "much"}])
def test_a_forged_answer_that_makes_no_sense_ends_its_environment(forged: dict[str, Any]) -> None:
    async def answer() -> Answer:
        channel = Channel()
        asked = asyncio.ensure_future(channel.invoke(INVOCATION, None))
        await asyncio.sleep(0)
        channel.data_received(frames.frame(frames.RESULT, forged, b"1"))
        return await asked

    with pytest.raises(RuntimeEnded):
        asyncio.run(answer())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=20), st.tuples(st.text(max_size=20))), max_size=6), cuts)
def test_lines_and_records_are_whole_however_they_arrive(written: list[str | tuple[str]], places: list[int]) -> None:
    """Records are the framed ones, here in tuples."""
    content, expected = b"", []
    for one in written:
        text = one if isinstance(one, str) else one[0]
        raw = text.encode()
        if isinstance(one, str):
            content += raw.replace(b"\n", b" ") + b"\n"
            expected.append(text.replace("\n", " ") + "\n")
        else:
            content += MARKER + len(raw).to_bytes(4) + raw
            expected.append(text)
    splitter = LineSplitter(MARKER)
    found = [event for piece in pieces(content, places) for event in splitter.feed(piece)]
    assert found + splitter.end() == expected


@pytest.mark.parametrize("payload", ["{}", ' {"a": 1} ', '"ü\\u2028"', "[1, 2.5, null, true]", '{"a": "€"}\n', "0"])
def test_an_event_is_what_json_makes_of_it(payload: str) -> None:
    assert read_event(payload.encode()) == json.loads(payload)


@pytest.mark.parametrize("payload", [b"", b"{", b"{} x", b"\xff"])
def test_what_is_no_json_is_no_event(payload: bytes) -> None:
    with pytest.raises(ValueError):
        read_event(payload)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(json_values, st.booleans())
def test_a_result_is_what_json_writes(value: Any, ascii_only: bool) -> None:
    assert ResultWriter(ensure_ascii=ascii_only).write(value) == json.dumps(value, ensure_ascii=ascii_only).encode()


def test_a_result_that_cannot_be_written_leaves_nothing_behind() -> None:
    writer = ResultWriter(ensure_ascii=True)
    endless: list[Any] = []
    endless.append(endless)
    for broken, message in ((endless, "Circular reference detected"), ([[object()]], "not JSON serializable")):
        for _ in range(2):
            with pytest.raises((TypeError, ValueError), match=message):
                writer.write(broken)
        endless.clear()
    assert writer.write([endless, endless, Decimal("1.5"), Decimal(2)]) == b"[[], [], 1.5, 2]"


def test_who_waits_for_an_answer_learns_that_there_is_none_in_time() -> None:
    async def ask() -> None:
        channel = Channel()
        asked = asyncio.ensure_future(channel.invoke(INVOCATION, None))
        await asyncio.sleep(0)
        channel.expire()
        await asked

    with pytest.raises(TimeoutError):
        asyncio.run(ask())


def test_a_sink_that_takes_nothing_does_not_keep_an_invocation_from_its_end() -> None:
    class Full:
        def begin(self, _content_type: str) -> None:
            """It begins."""

        async def write(self, _piece: bytes) -> None:
            await asyncio.Event().wait()

    async def ask() -> None:
        channel = Channel()
        asked = asyncio.ensure_future(channel.invoke(Invocation("r", b"{}", 0.0, "arn", "Root=1"), Full()))
        await asyncio.sleep(0)
        channel.data_received(frames.frame(frames.CHUNK, {}, b"piece"))
        await asked

    with pytest.raises(TimeoutError):
        asyncio.run(ask())


def test_only_what_lasts_is_told_so() -> None:
    class Under:
        def __init__(self, began: float) -> None:
            self.began = began
            self.lasting = 0

        def lasts(self) -> None:
            self.lasting += 1

    async def told(*ones: Any) -> list[int]:
        watch = Watch()
        for one in ones:
            watch.begin(one)
        watch.end(ones[-1])
        watch._look()
        watch._look()
        return [one.lasting for one in ones]

    now = time.monotonic()
    long_ago = now - 2 * QUIET_SECONDS
    assert asyncio.run(told(Under(long_ago), Under(now + 3600), Under(long_ago))) == [1, 0, 0]
