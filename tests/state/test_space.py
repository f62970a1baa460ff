from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from kumoi.clock import Clock
from kumoi.state import Transaction, recalled, transactional
from kumoi.state.derived import Derived
from kumoi.state.space import Space
from kumoi.state.sqlite import SqliteState

Run = Callable[[Callable[[SqliteState, Clock], Awaitable[Any]]], Any]


class Message(msgspec.Struct, frozen=True):
    queue: str
    number: int
    body: bytes = b""


class Role(msgspec.Struct, frozen=True):
    name: str


class Bucket(msgspec.Struct, frozen=True):
    name: str
    owner: str


messages: Space[Message] = Space("messages", Message, lambda message: (message.queue, message.number))
roles: Space[Role] = Space("roles", Role, lambda role: (role.name,), scope="account")
buckets: Space[Bucket] = Space("buckets", Bucket, lambda bucket: (bucket.name,), scope="global")


@transactional
async def store(tx: Transaction, *records: Any) -> None:
    for record in records:
        space: Space[Any] = {Message: messages, Role: roles, Bucket: buckets}[type(record)]
        await space.put(tx, record)


@transactional
async def find(tx: Transaction, space: Space[Any], *key: Any) -> Any:
    return await space.get(tx, *key)


@transactional
async def numbers(tx: Transaction, *prefix: Any, **options: Any) -> list[int]:
    return [message.number for message in await messages.list(tx, *prefix, **options)]


def test_a_record_is_stored_under_its_own_key(run: Run) -> None:
    @transactional
    async def delete(tx: Transaction, *key: Any) -> bool:
        return await messages.delete(tx, *key)

    async def scenario(state: SqliteState, _clock: Clock) -> None:
        await store(state, Message("q", 1, b"old"))
        await store(state, Message("q", 1, b"new"))
        assert await find(state, messages, "q", 1) == Message("q", 1, b"new")
        assert await find(state, messages, "q", 2) is None
        assert await delete(state, "q", 1)
        assert not await delete(state, "q", 1)
        assert await find(state, messages, "q", 1) is None

    run(scenario)


def test_lists_page_through_in_either_direction(run: Run) -> None:
    async def scenario(state: SqliteState, _clock: Clock) -> None:
        await store(state, *(Message("q", number) for number in range(5)), Message("qq", 9), Message("p", 8))
        assert await numbers(state, "q") == [0, 1, 2, 3, 4]
        assert await numbers(state, "q", after=("q", 1), limit=2) == [2, 3]
        assert await numbers(state, "q", reverse=True, limit=2) == [4, 3]
        assert await numbers(state, "q", after=("q", 3), reverse=True, limit=2) == [2, 1]
        assert await numbers(state) == [8, 0, 1, 2, 3, 4, 9]

    run(scenario)


def test_deleting_all_stays_within_the_prefix_and_the_space(run: Run) -> None:
    @transactional
    async def delete_all(tx: Transaction, *prefix: Any) -> int:
        return await messages.delete_all(tx, *prefix)

    async def scenario(state: SqliteState, _clock: Clock) -> None:
        await store(state, Message("q", 1), Message("q", 2), Message("p", 3), Role("q"))
        assert await delete_all(state, "q") == 2
        assert await numbers(state) == [3]
        assert await delete_all(state) == 1
        assert await find(state, roles, "q") == Role("q")

    run(scenario)


@pytest.mark.parametrize(
    ("record", "space", "key", "seen_from"),
    [
        (Message("q", 1), messages, ("q", 1), {"here"}),
        (Role("admin"), roles, ("admin",), {"here", "another region"}),
        (Bucket("b", "me"), buckets, ("b",), {"here", "another region", "another account"}),
    ],
)
def test_a_scope_says_from_where_records_are_seen(
    run: Run, record: Any, space: Space[Any], key: tuple[Any, ...], seen_from: set[str]
) -> None:
    async def scenario(state: SqliteState, _clock: Clock) -> None:
        await store(state, record)
        places = {
            "here": state,
            "another region": state.at(state.account, "eu-west-1"),
            "another account": state.at("222222222222", state.region),
        }
        assert {name for name, place in places.items() if await find(place, space, *key) == record} == seen_from

    run(scenario)


def test_a_record_written_before_it_had_all_its_fields_still_reads(run: Run) -> None:
    class Before(msgspec.Struct, frozen=True):
        queue: str
        number: int

    earlier: Space[Before] = Space("messages", Before, lambda message: (message.queue, message.number))

    @transactional
    async def store_earlier(tx: Transaction) -> None:
        await earlier.put(tx, Before("q", 1))

    async def scenario(state: SqliteState, _clock: Clock) -> None:
        await store_earlier(state)
        assert await find(state, messages, "q", 1) == Message("q", 1, b"")

    run(scenario)


def test_a_glance_sees_nothing_that_may_yet_be_undone(run: Run) -> None:
    @transactional
    async def put(tx: Transaction, name: str) -> None:
        await hot.put(tx, Bucket(name, "o"))
        await hot.get(tx, name)

    async def scenario(state: SqliteState, _clock: Clock) -> None:
        def unknown() -> bool:
            try:
                hot.glance(state, "b")
            except LookupError:
                return True
            return False

        assert unknown()
        assert await find(state, hot, "b") is None
        assert hot.glance(state, "b") is None
        writing = asyncio.ensure_future(put(state, "a"))
        await asyncio.sleep(0)
        assert hot.glance(state, "b") is None
        await writing
        writing, reading = asyncio.ensure_future(put(state, "b")), asyncio.ensure_future(find(state, hot, "b"))
        await asyncio.sleep(0)
        assert unknown()
        await writing
        found = await reading
        assert found is not None and hot.glance(state, "b") is found
        await put(state, "b")
        assert unknown()
        assert await hot.look(state, "b") == found

    run(scenario)


def test_what_was_derived_holds_until_what_is_remembered_was_written(run: Run) -> None:
    @transactional
    async def put(tx: Transaction, space: Space[Bucket], *, fail: bool = False) -> None:
        await space.put(tx, Bucket("b", "o"))
        if fail:
            raise LookupError

    @transactional
    async def clear(tx: Transaction) -> None:
        await hot.delete_all(tx)

    async def scenario(state: SqliteState, _clock: Clock) -> None:
        derived: Derived[str] = Derived(2)

        async def derive(*keys: str) -> None:
            await find(state, hot, "b")
            for key in keys:
                derived.keep(state, state.epoch, key, f"of {key}")
                assert derived.get(state, key) == f"of {key}"

        await derive("b")
        await put(state, buckets)
        assert derived.get(state, "b") == "of b", "what is not remembered is of no concern"
        await put(state, hot)
        assert derived.get(state, "b") is None
        await derive("b")
        with pytest.raises(LookupError):
            await put(state, hot, fail=True)
        assert derived.get(state, "b") is None
        await derive("b")
        await clear(state)
        assert derived.get(state, "b") is None
        await derive("b")
        await state.reset()
        assert derived.get(state, "b") is None
        await find(state, hot, "b")
        epoch = state.epoch
        await put(state, hot)
        derived.keep(state, epoch, "b", "made of what was written meanwhile")
        assert derived.get(state, "b") is None
        await derive("b", "c", "d")
        assert [derived.get(state, key) for key in "bcd"] == [None, None, "of d"], "no more than so many"
        await state.close()
        assert derived.get(state, "d") is None

    run(scenario)


def test_what_is_recalled_is_what_a_transaction_would_find(run: Run) -> None:
    ran: list[str] = []

    @recalled
    async def owner(tx: Transaction, name: str) -> str:
        ran.append(name)
        bucket = await hot.get(tx.at("somebody", "somewhere"), name)
        if bucket is None:
            raise LookupError(name)
        return bucket.owner

    @recalled
    async def here(tx: Transaction, name: str) -> str | None:
        bucket = await hot.get(tx, name)
        return None if bucket is None else bucket.owner

    @recalled
    async def strays(tx: Transaction) -> float:
        ran.append("strays")
        assert await buckets.get(tx, "b") is None
        return tx.now

    @transactional
    async def put(tx: Transaction, owner: str) -> None:
        await hot.put(tx, Bucket("b", owner))

    async def scenario(state: SqliteState, clock: Clock) -> None:
        place = state.at("somebody", "somewhere")
        with pytest.raises(LookupError):
            await owner(state, "b")
        for one in ("one", "two"):
            await put(place, one)
            ran.clear()
            assert [await owner(state, "b") for _ in range(4)] == [one] * 4
            assert len(ran) <= 3, "a glance that fails, a transaction, a glance; then it is known"
        assert [await here(one, "b") for one in (place, state, place, state, place, state)] == ["two", None] * 3
        writing = asyncio.ensure_future(put(place, "three"))
        reading = asyncio.ensure_future(owner(state, "b"))
        assert await reading == "three"
        await writing
        with pytest.raises(LookupError):
            await owner(state, "c")
        ran.clear()
        assert await strays(state) <= await strays(state) <= clock.now()
        assert ran == ["strays"] * 4, "a glance tells nothing but what is remembered"

    run(scenario)


hot: Space[Bucket] = Space("hot", Bucket, lambda bucket: (bucket.name,), remembered=True)


def test_what_is_remembered_is_what_is_stored(run: Run) -> None:
    """Reads after each kind of write, one that was undone, and one whose group was lost."""

    @transactional
    async def change(tx: Transaction, bucket: Bucket | None, *, fail: bool = False) -> Bucket | None:
        if bucket is None:
            await hot.delete(tx, "b")
        else:
            await hot.put(tx, bucket)
        seen = await hot.get(tx, "b")
        if fail:
            raise LookupError
        return seen

    @transactional
    async def clear(tx: Transaction) -> None:
        await hot.delete_all(tx)

    async def scenario(state: SqliteState, _clock: Clock) -> None:
        async def read() -> Bucket | None:
            first = await find(state, hot, "b")
            assert await find(state, hot, "b") is first
            assert hot.glance(state, "b") is first
            return first  # type: ignore[no-any-return]

        assert await read() is None
        one, two = Bucket("b", "one"), Bucket("b", "two")
        assert await change(state, one) == one
        assert await read() == one
        with pytest.raises(LookupError):
            await change(state, two, fail=True)
        assert await read() == one
        await change(state, two)
        assert await read() == two
        await change(state, None)
        assert await read() is None
        await change(state, one)
        assert await read() == one
        await clear(state)
        assert await read() is None
        await change(state, one)
        assert await read() == one
        assert await find(state.at("other", "place"), hot, "b") is None
        await state.reset()
        assert await read() is None

    run(scenario)
