"""Rows and ranges of every engine, by example and against a dictionary."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from kumoi.clock import Clock
from kumoi.state import Transaction, transactional
from kumoi.state.keys import encode
from kumoi.state.sqlite import SqliteState

Run = Callable[[Callable[[SqliteState, Clock], Awaitable[Any]]], Any]


@transactional
async def put(tx: Transaction, *pairs: tuple[tuple[Any, ...] | bytes, bytes]) -> None:
    for key, value in pairs:
        await tx.put(key, value)


@transactional
async def get(tx: Transaction, key: tuple[Any, ...]) -> bytes | None:
    return await tx.get(key)


@transactional
async def keys(tx: Transaction, prefix: tuple[Any, ...], **options: Any) -> list[tuple[Any, ...]]:
    return [row.key for row in await tx.range(prefix, **options)]


def test_rows_are_written_read_and_deleted(run: Run) -> None:
    @transactional
    async def delete(tx: Transaction, key: tuple[Any, ...]) -> bool:
        return await tx.delete(key)

    async def scenario(state: SqliteState, _clock: Clock) -> None:
        assert await get(state, ("a",)) is None
        await put(state, (("a",), b"1"))
        await put(state, (("a",), b"2"))
        assert await get(state, ("a",)) == b"2"
        assert await delete(state, ("a",))
        assert not await delete(state, ("a",))
        assert await get(state, ("a",)) is None

    run(scenario)


def test_a_row_is_read_without_a_transaction_too_and_by_its_encoded_key(run: Run) -> None:
    async def scenario(state: SqliteState, _clock: Clock) -> None:
        assert await state.read(("a", 1)) is None
        assert await asyncio.gather(put(state, (("a", 1), b"1")), state.read(("a", 1))) == [None, b"1"]
        assert await state.read(("a", 1)) == await state.read(encode(("a", 1))) == b"1"
        assert await state.at("222222222222", "us-east-1").read(("a", 1)) is None
        await put(state, (encode(("b",)), b"2"))
        assert await keys(state, ()) == [("a", 1), ("b",)]
        assert await get(state, ("b",)) == b"2"

    run(scenario)


def test_ranges_have_prefixes_bounds_limits_and_directions(run: Run) -> None:
    async def scenario(state: SqliteState, _clock: Clock) -> None:
        await put(state, *((("q", n), b"") for n in range(6)), (("p", 9), b""), (("qq", 1), b""))
        assert await keys(state, ("q",)) == [("q", n) for n in range(6)]
        assert await keys(state, ("q",), after=("q", 1), before=("q", 4)) == [("q", 2), ("q", 3)]
        assert await keys(state, ("q",), limit=2) == [("q", 0), ("q", 1)]
        assert await keys(state, ("q",), limit=2, reverse=True) == [("q", 5), ("q", 4)]
        assert await keys(state, ("q",), before=("q", 2), reverse=True) == [("q", 1), ("q", 0)]
        assert await keys(state, ("none",)) == []

    run(scenario)


def test_a_row_has_no_part_in_keys_that_only_look_like_it(run: Run) -> None:
    async def scenario(state: SqliteState, _clock: Clock) -> None:
        await put(state, (("a",), b""), (("a", ""), b""), (("a\x00",), b""), (("ab",), b""), ((b"a",), b""))
        assert await keys(state, ("a",)) == [("a",), ("a", "")]
        assert await keys(state, ()) == [(b"a",), ("a",), ("a", ""), ("a\x00",), ("ab",)]

    run(scenario)


def test_a_range_is_deleted_with_its_prefix_alone(run: Run) -> None:
    @transactional
    async def delete(tx: Transaction, prefix: tuple[Any, ...]) -> int:
        return await tx.delete_range(prefix)

    async def scenario(state: SqliteState, _clock: Clock) -> None:
        await put(state, *((("q", n), b"") for n in range(-2, 3)), (("qq",), b""))
        assert await delete(state, ("q",)) == 5
        assert await delete(state, ("q",)) == 0
        assert await keys(state, ()) == [("qq",)]

    run(scenario)


KEYS = st.tuples(st.sampled_from(["a", "b"]), st.integers(-2, 2)) | st.tuples(st.sampled_from(["a", "ab", b"a"]))
PREFIXES = st.sampled_from([(), ("a",), ("b",), ("a", 1)])
WRITES = st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=3)), min_size=1, max_size=4)


def order(key: tuple[Any, ...]) -> list[tuple[int, Any]]:
    return [([bytes, str, int].index(type(one)), one) for one in key]


class Rows(RuleBasedStateMachine):
    """Transactions, alone and in groups, some of which fail; the dictionary takes only what was acknowledged."""

    def __init__(self, engine: str) -> None:
        super().__init__()
        self.engine = engine
        self.model: dict[tuple[Any, ...], bytes] = {}
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()

    @initialize()
    def start(self) -> None:
        self.state = self.runner.run(
            SqliteState.open(
                None if self.engine == "memory" else self.folder / "kumoi.db",
                clock=Clock(),
                durability="full" if self.engine == "full" else "normal",
            )
        )

    def teardown(self) -> None:
        self.runner.run(self.state.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    @rule(group=st.lists(st.tuples(WRITES, st.booleans()), min_size=1, max_size=4))
    def write(self, group: list[tuple[list[tuple[tuple[Any, ...], bytes | None]], bool]]) -> None:
        async def apply(tx: Transaction, writes: list[tuple[tuple[Any, ...], bytes | None]], fails: bool) -> None:
            for key, value in writes:
                if value is None:
                    await tx.delete(key)
                else:
                    await tx.put(key, value)
                assert await tx.get(key) == value
            if fails:
                raise LookupError

        async def together() -> list[Any]:
            runs = (self.state.run(apply, writes, fails) for writes, fails in group)
            return await asyncio.gather(*runs, return_exceptions=True)

        for (writes, fails), result in zip(group, self.runner.run(together()), strict=True):
            assert isinstance(result, LookupError) if fails else result is None
            for key, value in () if fails else writes:
                self.model.pop(key, None)
                if value is not None:
                    self.model[key] = value

    @rule(prefix=PREFIXES)
    def delete_range(self, prefix: tuple[Any, ...]) -> None:
        async def delete(tx: Transaction) -> int:
            return await tx.delete_range(prefix)

        gone = [key for key in self.model if key[: len(prefix)] == prefix]
        assert self.runner.run(self.state.run(delete)) == len(gone)
        for key in gone:
            del self.model[key]

    @rule(
        prefix=PREFIXES,
        after=st.none() | KEYS,
        before=st.none() | KEYS,
        limit=st.none() | st.integers(0, 3),
        reverse=st.booleans(),
    )
    def read_range(
        self,
        prefix: tuple[Any, ...],
        after: tuple[Any, ...] | None,
        before: tuple[Any, ...] | None,
        limit: int | None,
        reverse: bool,
    ) -> None:
        async def read(tx: Transaction) -> Any:
            return await tx.range(prefix, after=after, before=before, limit=limit, reverse=reverse)

        expected = [
            (key, self.model[key])
            for key in sorted(self.model, key=order, reverse=reverse)
            if key[: len(prefix)] == prefix
            and (after is None or order(key) > order(after))
            and (before is None or order(key) < order(before))
        ]
        assert self.runner.run(self.state.run(read)) == expected[:limit]

    @rule()
    def reopen(self) -> None:
        if self.engine != "memory":
            self.runner.run(self.state.close())
            self.start()


def test_rows_agree_with_a_dictionary_whatever_happens(engine: str) -> None:
    run_state_machine_as_test(
        lambda: Rows(engine), settings=settings(max_examples=20, stateful_step_count=20, deadline=None, database=None)
    )
