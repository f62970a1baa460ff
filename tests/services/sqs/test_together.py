"""What is written in one turn of the loop shares a transaction; each is answered its own, or all that it failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from kumoi.clock import Clock
from kumoi.services.sqs.attributes import DEFAULTS
from kumoi.services.sqs.records import Queue
from kumoi.services.sqs.together import Together
from kumoi.state import Transaction
from kumoi.state.sqlite import SqliteState


def queue(account: str) -> Queue:
    return Queue(name="q", id=account, account=account, region="r", created=0, attributes=DEFAULTS)


async def write(tx: Transaction, seen: list[Any], value: bytes) -> tuple[str, bytes]:
    if value == b"breaks":
        raise OSError("the disk is gone")
    await tx.put(("row", value), value)
    tx.on_commit(lambda: seen.append(value))
    return tx.account, value


async def rows(tx: Transaction) -> list[bytes]:
    return await tx.values(("row",))


def ask(together: Together, account: str, seen: list[Any], value: bytes) -> asyncio.Task[tuple[str, bytes]]:
    async def request() -> tuple[str, bytes]:
        return await together.run(queue(account), write, seen, value)

    return asyncio.create_task(request())


async def guard(transaction: Awaitable[Any]) -> Any:
    return await transaction


def test_each_is_answered_its_own_at_its_own_place() -> None:
    async def scenario() -> None:
        state = await SqliteState.open(None, clock=Clock())
        together, seen = Together(state, guard), list[Any]()
        try:
            asked = (("1", b"a"), ("2", b"b"), ("1", b"c"), ("1", b"d"))
            assert await asyncio.gather(*(ask(together, account, seen, value) for account, value in asked)) == list(
                asked
            )
            assert sorted(seen) == [b"a", b"b", b"c", b"d"]
            assert await state.at("1", "r").run(rows) == [b"a", b"c", b"d"]
            assert await state.at("2", "r").run(rows) == [b"b"]
            assert await ask(together, "1", seen, b"alone") == ("1", b"alone")
            assert await ask(together, "1", seen, b"alone again") == ("1", b"alone again")
        finally:
            await state.close()

    asyncio.run(scenario())


def test_one_that_fails_fails_all_and_stores_nothing() -> None:
    async def scenario() -> None:
        state = await SqliteState.open(None, clock=Clock())
        together, seen = Together(state, guard), list[Any]()
        try:
            first, *gathered = [ask(together, "1", seen, value) for value in (b"first", b"a", b"breaks", b"c")]
            assert await first == ("1", b"first")
            for part in gathered:
                with pytest.raises(OSError, match="disk"):
                    await part
            assert seen == await state.at("1", "r").run(rows) == [b"first"]
            await together.settle()
        finally:
            await state.close()

    asyncio.run(scenario())


def test_who_gives_up_waiting_does_not_keep_the_others_from_theirs() -> None:
    async def scenario() -> None:
        state = await SqliteState.open(None, clock=Clock())
        together, seen = Together(state, guard), list[Any]()
        try:
            waiting = [ask(together, "1", seen, value) for value in (b"a", b"b", b"c")]
            await asyncio.sleep(0)
            waiting[1].cancel()
            assert await waiting[0] == ("1", b"a")
            assert await waiting[2] == ("1", b"c")
            await together.settle()
            assert await state.at("1", "r").run(rows) == [b"a", b"b", b"c"]
        finally:
            await state.close()

    asyncio.run(scenario())


def test_as_long_as_each_turn_brings_more_it_is_gathered_but_not_for_long() -> None:
    async def scenario() -> None:
        state = await SqliteState.open(None, clock=Clock())
        written = list[int]()

        async def noted(transaction: Awaitable[Any]) -> Any:
            before = len(seen)
            found = await transaction
            written.append(len(seen) - before)
            return found

        together, seen = Together(state, noted), list[Any]()
        try:
            await asyncio.gather(*(ask(together, "1", seen, value) for value in (b"a", b"b", b"c")))
            assert written == [1, 2], "the first finds nobody, and is made at once"
            written.clear()
            halves = []
            for half in ((b"d", b"e"), (b"f", b"g")):
                halves += [ask(together, "1", seen, value) for value in half]
                await asyncio.sleep(0)  # the other half's requests come a turn later
            await asyncio.gather(*halves)
            assert written == [4], "the halves have met"
            written.clear()
            following = []
            for number in range(12):
                following.append(ask(together, "1", seen, b"%d" % number))
                await asyncio.sleep(0)
            await asyncio.gather(*following)
            assert sum(written) == 12 and len(written) > 2, "who came first does not wait for all that follow"
            assert max(written) <= 6
        finally:
            await state.close()

    asyncio.run(scenario())
