"""Numbers of a bucket's writes only grow: across transactions that are undone, commits that fail, and restarts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

import pytest

from kumoi.clock import Clock
from kumoi.services.s3.records import Bucket
from kumoi.services.s3.sequences import BLOCK, ROOM, Sequences
from kumoi.state import Transaction
from kumoi.state.group_commit import CommitFailed
from kumoi.state.sqlite import SqliteState

BUCKET = Bucket(name="b", id=1, account="1", region="r", created=0.0, secret=b"s" * 16)


class Undone(Exception):
    """What has a transaction undone."""


async def take(tx: Transaction, sequences: Sequences, *, fail: bool = False) -> int:
    number = await sequences.next(tx, BUCKET)
    if fail:
        raise Undone
    await tx.put(("written", number), b"")
    return number


async def stored(tx: Transaction) -> int:
    return await tx.add(("s3.sequence", BUCKET.id), 0)


def test_a_block_costs_one_write_of_the_counter() -> None:
    async def scenario() -> None:
        state = await SqliteState.open(None, clock=Clock())
        place, sequences = state.at("1", "r"), Sequences()
        numbers = [await place.run(take, sequences) for _ in range(BLOCK)]
        assert numbers == [ROOM * (at + 1) for at in range(BLOCK)]
        assert await place.run(stored) == ROOM * BLOCK
        assert await place.run(take, sequences) == ROOM * (BLOCK + 1)
        assert await place.run(stored) == 2 * ROOM * BLOCK
        await state.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("durability", ["normal", "full"])
def test_groups_take_from_one_block(tmp_path: Path, durability: Literal["normal", "full"]) -> None:
    """Of one commit, and of those that wait while a thread commits."""

    async def scenario() -> None:
        state = await SqliteState.open(tmp_path / "state.db", clock=Clock(), durability=durability)
        place, sequences = state.at("1", "r"), Sequences()

        async def some() -> list[int]:
            return [await place.run(take, sequences) for _ in range(4)]

        found = await asyncio.gather(*(some() for _ in range(8)))
        assert all(numbers == sorted(numbers) for numbers in found)
        assert sorted(number for numbers in found for number in numbers) == [ROOM * (at + 1) for at in range(32)]
        assert await place.run(stored) == ROOM * BLOCK
        await state.close()

    asyncio.run(scenario())


def test_what_was_undone_sets_nothing_aside() -> None:
    """The first of a group sets the block aside and fails: the others must not have numbers of it."""

    async def scenario() -> None:
        state = await SqliteState.open(None, clock=Clock())
        place, sequences = state.at("1", "r"), Sequences()
        first, *others = await asyncio.gather(
            place.run(take, sequences, fail=True),
            *(place.run(take, sequences) for _ in range(3)),
            return_exceptions=True,
        )
        assert isinstance(first, Undone)
        later = Sequences()  # of the next process
        numbers = [*others, await place.run(take, later)]
        assert numbers == sorted({number for number in numbers if isinstance(number, int)})
        assert max(numbers[:3]) <= ROOM * BLOCK < numbers[3]
        await state.close()

    asyncio.run(scenario())


def test_a_commit_that_failed_sets_nothing_aside() -> None:
    async def scenario() -> None:
        state = await SqliteState.open(None, clock=Clock())
        place, sequences = state.at("1", "r"), Sequences()

        async def broken(tx: Transaction) -> None:
            await sequences.next(tx, BUCKET)
            state.engine.connection.execute("ROLLBACK")  # as SQLite does where a disk is full

        with pytest.raises(CommitFailed):
            await place.run(broken)
        await place.run(take, sequences)
        numbers = [await place.run(take, one) for one in (sequences, Sequences())]
        assert numbers == [2 * ROOM, (BLOCK + 1) * ROOM]
        await state.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("before", [1, BLOCK, BLOCK + 1])
def test_a_restart_goes_on_above_all_that_was_given(tmp_path: Path, before: int) -> None:
    async def process() -> list[int]:
        state = await SqliteState.open(tmp_path / "state.db", clock=Clock())
        sequences = Sequences()
        numbers = [await state.at("1", "r").run(take, sequences) for _ in range(before)]
        await state.close()
        return numbers

    numbers = asyncio.run(process()) + asyncio.run(process())
    assert numbers == sorted(set(numbers))


def test_a_bucket_of_the_same_number_has_numbers_of_its_own() -> None:
    """After everything was forgotten, numbers of buckets come again; what lies in memory is not the new one's."""

    async def scenario() -> None:
        state = await SqliteState.open(None, clock=Clock())
        place, sequences = state.at("1", "r"), Sequences()
        await place.run(take, sequences)
        await state.reset()
        again = Bucket(name="b", id=1, account="1", region="r", created=0.0, secret=b"t" * 16)
        assert await place.run(sequences.next, again) == ROOM
        assert await place.run(stored) == ROOM * BLOCK
        await state.close()

    asyncio.run(scenario())
