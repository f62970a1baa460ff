"""A standard queue's line: random runs are held against a model of a few lines, over restarts and crashes too."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.clock import Clock
from kumoi.services.sqs.attributes import DEFAULTS
from kumoi.services.sqs.line import MOST_IN_FLIGHT, RECOUNTED, Line, Room
from kumoi.services.sqs.lines import Lines
from kumoi.services.sqs.receiving import receive
from kumoi.services.sqs.records import DELAYED, VISIBLE, Message, Queue, Visibility, messages, queues, visibilities
from kumoi.services.sqs.standard import take_at_hand
from kumoi.services.sqs.store import counts, drop, empty, find, hide, oldest, put, take
from kumoi.state import Transaction
from kumoi.state.sqlite import SqliteState
from kumoi.wire.errors import AwsError

QUEUE = Queue(name="q", id="q", account="", region="", created=0, attributes=DEFAULTS)
HIDDEN = 30_000
BEGIN = 1_000_000

steps = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from([0, 0, 0, 20])),
        st.tuples(st.just("take"), st.integers(1, 4)),
        st.tuples(st.just("take for sure"), st.integers(1, 4)),
        st.tuples(st.just("take at once"), st.integers(1, 4)),
        st.tuples(st.just("delete"), st.integers(0, 9)),
        st.tuples(st.just("hide"), st.integers(0, 9)),
        st.tuples(st.just("show"), st.integers(0, 9)),
        st.tuples(st.just("wait"), st.integers(1, 40)),
        st.tuples(st.sampled_from(["save", "crash", "purge"]), st.just(0)),
    ),
    max_size=40,
)


class Model:
    """Messages by sequence number: when each is visible, how often it was received, and what of that is stored."""

    def __init__(self) -> None:
        self.now = BEGIN * 1000
        self.held: dict[int, tuple[int, int]] = {}
        self.stored: dict[int, tuple[int, int]] = {}

    def keep(self, number: int, at: int, received: int, *, stored: bool = True) -> None:
        self.held[number] = at, received
        if stored:
            self.stored[number] = at, received

    def ready(self) -> list[int]:
        return sorted((n for n, (at, _) in self.held.items() if at <= self.now), key=lambda n: (self.held[n][0], n))

    def counts(self) -> tuple[int, int, int]:
        away = [received for at, received in self.held.values() if at > self.now]
        return len(self.held) - len(away), sum(map(bool, away)), away.count(0)


async def send(tx: Transaction, lines: Lines, delay: int) -> int:
    message = Message(queue="q", sequence=0, id="i", body="b" * 100, sent=int(tx.now * 1000), sender="s")
    return (await put(tx, lines, QUEUE, message, delay * 1000)).sequence


async def change(tx: Transaction, lines: Lines, kind: str, number: int) -> int:
    """Delete a message, or hide it, or show it; how often it was received."""
    taken = await find(tx, lines, QUEUE, number)
    assert taken is not None
    if kind == "delete":
        await drop(tx, lines, QUEUE, *taken)
    else:
        at = int(tx.now * 1000) + (100_000 if kind == "hide" else 0)
        await hide(tx, lines, QUEUE, taken.message, taken.visibility, at)
    return taken.visibility.received


async def stored(tx: Transaction) -> tuple[set[int], set[int]]:
    found = await messages.list(tx, "q"), await visibilities.list(tx, "q")
    return {one.sequence for one in found[0]}, {one.sequence for one in found[1]}


async def received(state: SqliteState, lines: Lines, kind: str, limit: int, now: int) -> list[Any]:
    line = lines.known.get("q")
    if kind == "take at once" and line is not None:
        found = take_at_hand(line, now, limit, HIDDEN, oldest(QUEUE, now))
        if found is not None:
            return found
    sure = kind == "take for sure"
    return (await lines.run(QUEUE, take, lines, QUEUE, limit, HIDDEN, durable=sure))[0]


@settings(max_examples=100, deadline=None)
@given(steps, st.sampled_from([0, 2500, 1 << 20]), st.integers(1, 4))
def test_random_runs_are_what_the_model_says(run: list[tuple[str, int]], room: int, page: int) -> None:
    async def scenario() -> None:
        real = [float(BEGIN)]
        state, model = await SqliteState.open(None, clock=Clock(lambda: real[0])), Model()
        lines = Lines(state, room=room, page=page)
        await state.run(queues.put, QUEUE)
        try:
            for kind, value in run:
                known = list(model.held)
                if kind == "send":
                    number = await lines.run(QUEUE, send, lines, value)
                    assert number not in model.stored
                    model.keep(number, model.now + value * 1000, 0)
                elif kind == "wait":
                    real[0] += value
                    model.now += value * 1000
                elif kind == "save":
                    await lines.save()
                    model.stored = dict(model.held)
                elif kind == "crash":
                    lines = Lines(state, room=room, page=page)
                    model.held = dict(model.stored)
                elif kind == "purge":
                    await lines.run(QUEUE, empty, lines, QUEUE)
                    model.held, model.stored = {}, {}
                elif kind.startswith("take"):
                    found = await received(state, lines, kind, value, model.now)
                    assert [one.message.sequence for one in found] == model.ready()[:value]
                    for _, visibility in found:
                        number = visibility.sequence
                        times = model.held[number][1] + 1
                        assert (visibility.at, visibility.received) == (model.now + HIDDEN, times)
                        model.keep(number, model.now + HIDDEN, times, stored=kind == "take for sure")
                elif known:
                    number = known[value % len(known)]
                    assert await lines.run(QUEUE, change, lines, kind, number) == model.held[number][1]
                    if kind == "delete":
                        del model.held[number], model.stored[number]
                    else:
                        model.keep(number, model.now + (100_000 if kind == "hide" else 0), model.held[number][1])
                assert await lines.run(QUEUE, counts, lines, QUEUE) == model.counts()
            rows, touched = await state.run(stored)
            assert rows == model.held.keys()
            assert touched <= rows
        finally:
            await state.close()

    asyncio.run(scenario())


def test_what_an_earlier_version_stored_is_taken_over() -> None:
    async def scenario() -> None:
        state = await SqliteState.open(None, clock=Clock(lambda: float(BEGIN)))
        now = BEGIN * 1000
        rows = {1: (now - 5, 1, b"f"), 2: (now - 9, 0, b""), 3: (now + 50, 0, DELAYED), 4: (now + 70, 2, b"f")}

        async def earlier(tx: Transaction) -> None:
            for number, (at, times, value) in rows.items():
                first = at if not times else now - 1000
                await messages.put(
                    tx, Message(queue="q", sequence=number, id="i", body="b", sent=now, sender="s", shown=first)
                )
                await tx.put((VISIBLE, "q", at, number), value)
                if times:
                    await visibilities.put(tx, Visibility(queue="q", sequence=number, at=at, received=times))
            await tx.add(("sqs.sequence", "q"), 4)

        await state.run(earlier)
        lines = Lines(state)
        try:
            assert await lines.run(QUEUE, counts, lines, QUEUE) == (2, 1, 1)
            found, _ = await lines.run(QUEUE, take, lines, QUEUE, 10, HIDDEN)
            assert [(one.message.sequence, one.visibility.received) for one in found] == [(2, 1), (1, 2)]
            assert await lines.run(QUEUE, send, lines, 0) == 5
            lines = Lines(state)
            assert await lines.run(QUEUE, counts, lines, QUEUE) == (3, 1, 1)
        finally:
            await state.close()

    asyncio.run(scenario())


def test_a_transaction_that_fails_leaves_nothing_in_the_line() -> None:
    async def scenario() -> None:
        state = await SqliteState.open(None, clock=Clock(lambda: float(BEGIN)))
        lines = Lines(state)

        async def breaks(tx: Transaction, number: int) -> None:
            await send(tx, lines, 0)
            await change(tx, lines, "delete", number)
            raise OSError("the disk is gone")

        try:
            number = await lines.run(QUEUE, send, lines, 0)
            with pytest.raises(OSError, match="disk"):
                await lines.run(QUEUE, breaks, number)
            found, _ = await lines.run(QUEUE, take, lines, QUEUE, 10, HIDDEN)
            assert [one.message.sequence for one in found] == [number]
        finally:
            await state.close()

    asyncio.run(scenario())


def test_receptions_of_a_queue_that_was_reset_are_not_written() -> None:
    async def scenario() -> None:
        state = await SqliteState.open(None, clock=Clock(lambda: float(BEGIN)))
        lines = Lines(state)
        try:
            await state.run(queues.put, QUEUE)
            await lines.run(QUEUE, send, lines, 0)
            await lines.run(QUEUE, take, lines, QUEUE, 1, HIDDEN)
            await state.reset()
            await lines.save()
            assert await state.run(stored) == (set(), set())
            assert not lines.known
        finally:
            await state.close()

    asyncio.run(scenario())


def in_flight(number: int, at: int) -> Line:
    each = [Visibility(queue="q", sequence=one, at=at, received=1) for one in range(1, number + 1)]
    return Line(QUEUE, Room(1), each, number)


def test_a_line_is_full_while_as_many_messages_as_may_be_are_in_flight() -> None:
    now = BEGIN * 1000
    line = in_flight(MOST_IN_FLIGHT, now + 20_000)
    assert line.full(now)
    line.gone(7)
    assert not line.full(now + 1)
    line.hold(Visibility(queue="q", sequence=MOST_IN_FLIGHT + 1, at=now + 60_000))  # delayed
    assert not line.full(now + RECOUNTED)
    line.hold(Visibility(queue="q", sequence=MOST_IN_FLIGHT + 2, at=now + 60_000, received=1))
    assert line.full(now + RECOUNTED + 1)
    assert not line.full(now + 20_000)  # nearly all are visible again


def test_where_too_many_are_in_flight_short_polls_are_refused_and_long_ones_wait() -> None:
    async def scenario() -> None:
        real = [float(BEGIN)]
        clock = Clock(lambda: real[0])
        state = await SqliteState.open(None, clock=clock)
        lines = Lines(state)
        doorway = SimpleNamespace(clock=clock, state=state)
        call: Any = SimpleNamespace(part=lambda _: lines, now=real[0], doorway=doorway)
        await state.run(queues.put, QUEUE)
        await lines.run(QUEUE, send, lines, 0)
        assert len(await receive(call, QUEUE, 1, 0, 0)) == 1
        lines.known["q"] = in_flight(MOST_IN_FLIGHT, BEGIN * 1000 + 20_000)
        with pytest.raises(AwsError) as refused:
            await receive(call, QUEUE, 1, 30, 0)
        assert refused.value.code == "OverLimit"
        clock.hold()
        polling = asyncio.create_task(receive(call, QUEUE, 1, 30, 5))
        await asyncio.sleep(0)
        assert not polling.done()
        clock.advance(6)
        assert await polling == []
        await state.close()

    asyncio.run(scenario())
