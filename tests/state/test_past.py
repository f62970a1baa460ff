"""What rows were a moment ago: every engine, by example and against copies of a dictionary."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import apsw
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from kumoi.clock import Clock
from kumoi.state import Transaction, group_commit, recalled, transactional
from kumoi.state.past import Past
from kumoi.state.space import Space
from kumoi.state.sqlite import SqliteState

Run = Callable[[Callable[[SqliteState, Clock], Awaitable[Any]]], Any]
ITEMS = frozenset({"item"})


@transactional
async def change(tx: Transaction, key: tuple[Any, ...], value: bytes | None, fails: bool = False) -> None:
    if value is None:
        await tx.delete(key)
    else:
        await tx.put(key, value)
    if fails:
        raise ArithmeticError


@transactional
async def get(tx: Transaction, *key: Any) -> bytes | None:
    return await tx.get(key)


@transactional
async def rows(tx: Transaction, **options: Any) -> list[tuple[int, bytes]]:
    return [(int(row.key[1]), row.value) for row in await tx.range(("item",), **options)]


@transactional
async def drop(tx: Transaction) -> None:
    await tx.delete_range(("item",))


class Fact(Struct, frozen=True):
    name: str
    version: int


facts: Space[Fact] = Space("item", Fact, lambda fact: (fact.name,), remembered=True)


@transactional
async def put_fact(tx: Transaction, version: int) -> None:
    await facts.put(tx, Fact("f", version))


@recalled
async def version(tx: Transaction, name: str) -> int:
    found = await facts.get(tx, name)
    return 0 if found is None else found.version


def test_what_is_recalled_is_of_its_moment(run: Run) -> None:
    async def scenario(state: SqliteState, clock: Clock) -> None:
        state.keep_past(ITEMS, 60)
        await put_fact(state, 1)
        clock.advance(10)
        await put_fact(state, 2)
        then = state.as_of(clock.now() - 5)
        assert [await version(one, "f") for one in (state, state, state, then, then, state)] == [2, 2, 2, 1, 1, 2]

    run(scenario)


def test_it_is_read_as_it_was_and_cannot_be_written(run: Run) -> None:
    async def scenario(state: SqliteState, clock: Clock) -> None:
        await change(state, ("item", 1), b"first")
        state.keep_past(ITEMS, 60)
        clock.advance(10)
        await change(state, ("item", 1), b"second")
        await change(state, ("other", 1), b"second")
        with pytest.raises(ArithmeticError):
            await change(state, ("item", 1), b"undone", fails=True)
        clock.advance(10)
        await drop(state)
        now = clock.now()
        assert [await get(state.as_of(now - age), "item", 1) for age in (0, 1, 10, 11)] == [
            None,
            b"second",
            b"second",
            b"first",
        ]
        assert await rows(state.as_of(now - 11)) == [(1, b"first")]
        assert await get(state.as_of(now - 11), "other", 1) == b"second", "of other kinds there is only what is"
        elsewhere = state.as_of(now - 11).at("222222222222", "us-east-1")
        assert await get(elsewhere, "item", 1) is None
        with pytest.raises(RuntimeError, match="cannot write"):
            await change(state.as_of(now), ("item", 1), b"x")
        clock.advance(100)
        await change(state, ("item", 2), b"new")
        assert await get(state.as_of(0), "item", 1) is None, "what is older is forgotten"
        state.keep_past(frozenset(), 0)
        assert await get(state.as_of(0), "item", 2) == b"new"

    run(scenario)


def test_it_is_forgotten_with_a_reset_and_with_a_group_that_was_lost(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(connection: apsw.Connection) -> apsw.Error:
        connection.execute("ROLLBACK")
        return apsw.FullError("database or disk is full")

    async def scenario(state: SqliteState, clock: Clock) -> None:
        async def later(value: bytes) -> None:
            clock.advance(10)
            await change(state, ("item", 1), value)

        state.keep_past(ITEMS, 60)
        await change(state, ("item", 1), b"first")
        with monkeypatch.context() as patch:
            patch.setattr(group_commit, "_attempt", fail)
            await asyncio.gather(*(later(value) for value in (b"lost", b"lost, too")), return_exceptions=True)
        assert [await get(state.as_of(clock.now() - age), "item", 1) for age in (0, 5)] == [b"first"] * 2
        await later(b"second")
        await state.reset("111111111111")
        assert await get(state.as_of(clock.now() - 5), "item", 1) is None

    run(scenario)


CHANGES = st.lists(st.tuples(st.integers(0, 5), st.none() | st.binary(max_size=2), st.integers(0, 2)), max_size=12)
KEY = st.none() | st.integers(0, 5)


@given(CHANGES, st.integers(0, 12), KEY, KEY, st.none() | st.integers(1, 4), st.booleans())
@example([(1, b"", 2), (0, b"", 2)], 1, None, None, 1, False)
@settings(max_examples=60, deadline=None)
def test_a_range_is_that_of_the_moment(
    changes: list[tuple[int, bytes | None, int]],
    age: int,
    after: int | None,
    before: int | None,
    limit: int | None,
    reverse: bool,
) -> None:
    async def scenario() -> None:
        clock = Clock()
        clock.hold()
        state = await SqliteState.open(None, clock=clock)
        state.keep_past(ITEMS, 60)
        model: dict[int, bytes] = {}
        copies = [(clock.now(), dict(model))]
        for number, value, pause in changes:
            clock.advance(pause)
            await change(state, ("item", number), value)
            model.pop(number, None)
            if value is not None:
                model[number] = value
            copies.append((clock.now(), dict(model)))
        moment = clock.now() - age
        then = [copy for time, copy in copies if time <= moment]
        expected = [
            (number, value)
            for number, value in sorted((then or [{}])[-1].items(), reverse=reverse)
            if (after is None or number > after) and (before is None or number < before)
        ]
        bounds = {
            "after": None if after is None else ("item", after),
            "before": None if before is None else ("item", before),
        }
        assert await rows(state.as_of(moment), **bounds, limit=limit, reverse=reverse) == expected[:limit]
        await state.close()

    asyncio.run(scenario())


def test_what_is_kept_is_bounded_and_a_clock_that_is_set_back_begins_anew() -> None:
    past = Past(most=2_000)
    past.keep(ITEMS, 60)
    for number in range(100):
        past.note(b"%03d" % number, b"x" * 100, float(number) / 100)
    kept = past.between(b"", b"~", -1.0)
    assert 4 <= len(kept) <= 7 and b"099" in kept
    past.note(b"a", b"y" * 3_000, 1.0)
    assert past.between(b"", b"~", -1.0) == {}, "what alone is too large is not kept"
    past.note(b"a", b"1", 2.0)
    past.note(b"b", b"2", 1.0)
    assert past.between(b"", b"~", 0.0) == {b"b": b"2"}
