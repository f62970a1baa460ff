"""What every engine of the key space must do. A new engine is a line in conftest's ENGINES."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kumoi.clock import Clock
from kumoi.state import Claimed, Transaction, transactional
from kumoi.state.sqlite import SqliteState

Scenario = Callable[[SqliteState, Clock], Awaitable[Any]]
Run = Callable[[Scenario], Any]


@transactional
async def put(tx: Transaction, *pairs: tuple[tuple[Any, ...], bytes]) -> None:
    for key, value in pairs:
        await tx.put(key, value)


@transactional
async def get(tx: Transaction, key: tuple[Any, ...]) -> bytes | None:
    return await tx.get(key)


def test_an_exception_undoes_everything_and_nothing_of_its_neighbours(run: Run) -> None:
    done: list[str] = []

    @transactional
    async def good(tx: Transaction) -> None:
        await tx.put(("good",), b"1")
        tx.on_commit(lambda: done.append("good"))

    @transactional
    async def bad(tx: Transaction) -> None:
        await tx.put(("bad",), b"1")
        await tx.add(("count",))
        await tx.append(("stream",), b"x")
        await tx.enqueue(("queue",), b"x")
        tx.timer(tx.now, "topic")
        tx.on_commit(lambda: done.append("bad"))
        raise LookupError("no")

    @transactional
    async def left(tx: Transaction) -> tuple[Any, ...]:
        return (
            await tx.get(("bad",)),
            await tx.add(("count",), 0),
            await tx.read_stream(("stream",)),
            await tx.count(("queue",)),
        )

    async def scenario(state: SqliteState, _clock: Clock) -> None:
        results = await asyncio.gather(good(state), bad(state), good(state), return_exceptions=True)
        assert [type(result) for result in results] == [type(None), LookupError, type(None)]
        assert await get(state, ("good",)) == b"1"
        assert await left(state) == (None, 0, [], (0, 0))
        assert await state.next_timer() is None
        assert done == ["good", "good"]

    run(scenario)


def test_a_transaction_joins_the_one_it_is_called_in(run: Run) -> None:
    @transactional
    async def outer(tx: Transaction) -> None:
        await put(tx, (("inner",), b"1"))
        assert await get(tx, ("inner",)) == b"1"
        raise LookupError

    async def scenario(state: SqliteState, _clock: Clock) -> None:
        with pytest.raises(LookupError):
            await outer(state)
        assert await get(state, ("inner",)) is None

    run(scenario)


def test_awaiting_anything_else_is_a_mistake_that_says_so(run: Run) -> None:
    @transactional
    async def sleeper(tx: Transaction) -> None:
        await tx.put(("a",), b"1")
        await asyncio.sleep(0)

    async def scenario(state: SqliteState, _clock: Clock) -> None:
        with pytest.raises(RuntimeError, match="awaited something other than its transaction"):
            await sleeper(state)
        assert await get(state, ("a",)) is None

    run(scenario)


def test_a_transaction_begun_inside_another_is_a_mistake_that_says_so(run: Run) -> None:
    done: list[str] = []

    async def scenario(state: SqliteState, _clock: Clock) -> None:
        @transactional
        async def inner(tx: Transaction) -> None:
            await tx.put(("inner",), b"1")
            tx.on_commit(lambda: done.append("inner"))

        @transactional
        async def outer(tx: Transaction) -> None:
            await tx.put(("outer",), b"1")
            await inner(state)

        with pytest.raises(RuntimeError, match="inside another"):
            await outer(state)
        assert await get(state, ("outer",)) is None
        assert await get(state, ("inner",)) is None
        assert done == []

    run(scenario)


def test_an_action_that_fails_after_the_commit_stops_nobody(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    @transactional
    async def write(tx: Transaction, key: str) -> None:
        await tx.put((key,), b"1")
        tx.on_commit(lambda: done.append(done[5] if key == "bad" else key))

    async def scenario(state: SqliteState, _clock: Clock) -> None:
        await asyncio.gather(write(state, "bad"), write(state, "good"))
        await write(state, "after")
        assert await get(state, ("bad",)) == b"1"

    run(scenario)
    assert done == ["good", "after"]
    assert "failed after its transaction was committed" in caplog.text


def test_a_cancelled_caller_does_not_undo_its_group(run: Run) -> None:
    async def scenario(state: SqliteState, _clock: Clock) -> None:
        first, second = (
            asyncio.ensure_future(put(state, (("a",), b"1"))),
            asyncio.ensure_future(put(state, (("b",), b"1"))),
        )
        await asyncio.sleep(0)
        first.cancel()
        await second
        assert await get(state, ("b",)) == b"1"

    run(scenario)


def test_places_are_apart_and_reachable_in_one_transaction(run: Run) -> None:
    @transactional
    async def copy(tx: Transaction) -> None:
        value = await tx.at("222222222222", "eu-west-1").get(("a",))
        await tx.put(("copied",), value or b"")

    async def scenario(state: SqliteState, _clock: Clock) -> None:
        other = state.at("222222222222", "eu-west-1")
        await put(other, (("a",), b"theirs"))
        assert await get(state, ("a",)) is None
        await copy(state)
        assert await get(state, ("copied",)) == b"theirs"

    run(scenario)


def test_counters_count_and_streams_have_no_gaps(run: Run) -> None:
    @transactional
    async def count(tx: Transaction, delta: int) -> int:
        return await tx.add(("c",), delta)

    @transactional
    async def append(tx: Transaction, value: bytes) -> int:
        return await tx.append(("s",), value)

    @transactional
    async def read(tx: Transaction, after: int) -> list[tuple[int, float, bytes]]:
        return await tx.read_stream(("s",), after=after)

    @transactional
    async def trim(tx: Transaction, before: float) -> int:
        return await tx.trim_stream(("s",), before=before)

    @transactional
    async def bounds(tx: Transaction) -> tuple[int, int]:
        return await tx.stream_bounds(("s",))

    async def scenario(state: SqliteState, clock: Clock) -> None:
        assert [await count(state, delta) for delta in (1, 5, -2, 0)] == [1, 6, 4, 4]
        assert await bounds(state) == (1, 0)
        assert sorted(await asyncio.gather(*(append(state, b"%d" % n) for n in range(5)))) == [1, 2, 3, 4, 5]
        assert await bounds(state) == (1, 5)
        assert [(seq, value) for seq, _, value in await read(state, 3)] == [(4, b"3"), (5, b"4")]
        clock.advance(10)
        assert await append(state, b"late") == 6
        assert await trim(state, clock.now()) == 5
        assert await bounds(state) == (6, 6)
        assert [seq for seq, _, _ in await read(state, 0)] == [6]
        assert await append(state, b"after trimming") == 7

    run(scenario)


def test_queues_claim_hide_release_and_finish(run: Run) -> None:
    @transactional
    async def enqueue(tx: Transaction, body: bytes, visible_at: float = 0.0) -> int:
        return await tx.enqueue(("q",), body, visible_at=visible_at)

    @transactional
    async def claim(tx: Transaction, n: int, seconds: float) -> list[Claimed]:
        return await tx.claim(("q",), n, tx.now + seconds)

    @transactional
    async def finish(tx: Transaction, item: Claimed) -> bool:
        return await tx.finish(("q",), item)

    @transactional
    async def release(tx: Transaction, item: Claimed) -> bool:
        return await tx.release(("q",), item, tx.now)

    @transactional
    async def count(tx: Transaction) -> tuple[int, int]:
        return await tx.count(("q",))

    async def scenario(state: SqliteState, clock: Clock) -> None:
        for body in (b"1", b"2"):
            await enqueue(state, body)
        await enqueue(state, b"later", clock.now() + 60)
        assert await count(state) == (2, 1)
        first = (await claim(state, 1, 30))[0]
        assert (first.body, first.attempts) == (b"1", 1)
        assert [item.body for item in await claim(state, 10, 30)] == [b"2"]
        assert await claim(state, 10, 30) == []
        clock.advance(31)
        again = (await claim(state, 1, 30))[0]
        assert (again.body, again.attempts) == (b"1", 2)
        assert not await finish(state, first)
        assert await release(state, again)
        assert not await finish(state, again)
        third = (await claim(state, 1, 30))[0]  # the one hidden until earliest: b"2"
        assert await finish(state, third)
        clock.advance(60)
        assert sorted(item.body for item in await claim(state, 10, 30)) == [b"1", b"later"]

    run(scenario)


def test_watchers_wake_on_commit_and_not_without(run: Run) -> None:
    @transactional
    async def notify(tx: Transaction, fail: bool) -> None:
        await tx.put(("a",), b"1")
        tx.notify("topic")
        if fail:
            raise LookupError

    async def scenario(state: SqliteState, _clock: Clock) -> None:
        async with state.watch("topic") as watch, state.at("other", "").watch("topic") as elsewhere:
            with pytest.raises(LookupError):
                await notify(state, True)
            assert not await watch.wait(0.01)
            await notify(state, False)
            await notify(state, False)
            assert await watch.wait(60)
            assert not await watch.wait(0.01)
            assert not await elsewhere.wait(0.01)

    run(scenario)


def test_a_watch_is_followed_notification_by_notification(run: Run) -> None:
    @transactional
    async def notify(tx: Transaction) -> None:
        tx.notify("topic")

    async def scenario(state: SqliteState, _clock: Clock) -> None:
        woken = 0
        async with state.watch("topic") as watch:
            await notify(state)
            async for _ in watch:
                woken += 1
                if woken == 3:
                    break
                await notify(state)

    run(scenario)


def test_leases_have_one_owner_and_a_growing_token(run: Run) -> None:
    async def scenario(state: SqliteState, clock: Clock) -> None:
        assert await state.lease("shard", "a", 30) == 1
        assert await state.lease("shard", "b", 30) is None
        assert await state.lease("shard", "a", 30) == 1
        clock.advance(31)
        assert await state.lease("shard", "b", 30) == 2
        await state.release_lease("shard", "a")
        assert await state.lease("shard", "a", 30) is None
        await state.release_lease("shard", "b")
        assert await state.lease("shard", "a", 30) == 3

    run(scenario)


def test_reset_forgets_one_account_or_everything(run: Run) -> None:
    @transactional
    async def fill(tx: Transaction) -> None:
        await tx.put(("a",), b"1")
        await tx.add(("c",))
        await tx.append(("s",), b"1")
        await tx.enqueue(("q",), b"1")
        tx.timer(tx.now + 60, "topic", key="k")

    async def scenario(state: SqliteState, clock: Clock) -> None:
        other = state.at("222222222222", "us-east-1")
        await fill(state)
        await fill(other)
        await state.reset("111111111111")
        assert await get(state, ("a",)) is None
        assert await get(other, ("a",)) == b"1"
        clock.advance(61)
        assert [timer.account for timer in await state.due_timers(10)] == ["222222222222"]
        await state.reset()
        assert await get(other, ("a",)) is None
        assert await state.due_timers(10) == []

    run(scenario)
