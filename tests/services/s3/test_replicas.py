"""Replicas: their order among a key's versions, however they come, and the bytes that they get."""

from __future__ import annotations

import asyncio
from bisect import bisect
from itertools import accumulate
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from kumoi.clock import Clock
from kumoi.services.s3.operations import replicating
from kumoi.services.s3.records import Bucket, ObjectVersion, Replication, current, others
from kumoi.services.s3.replicas import lay, place_between
from kumoi.services.s3.sequences import ROOM, Sequences
from kumoi.state import Transaction
from kumoi.state.group_commit import CommitFailed
from kumoi.state.sqlite import SqliteState

BUCKET = Bucket(name="b", id=1, account="1", region="r", created=0.0, secret=b"s" * 16, versioning="Enabled")
MOST = 400


def replica(age: int) -> ObjectVersion:
    """The replica of what was written at a moment."""
    origin = Replication("REPLICA", float(age), age, f"id-{age}")
    return ObjectVersion(bucket=0, key="k", seq=0, modified=age, replication=origin)


@pytest.mark.parametrize(
    "ages",
    [
        range(MOST),
        range(MOST, 0, -1),
        [MOST, *range(MOST)],
        *(Random(seed).sample(range(MOST), MOST) for seed in range(3)),
    ],
    ids=["by age", "the other way round", "late, by age", "neither", "neither again", "nor then"],
)
def test_versions_stand_by_age_however_they_come(ages: range | list[int]) -> None:
    async def scenario() -> None:
        state = await SqliteState.open(None, clock=Clock())

        sequences = Sequences()

        async def lay_all(tx: Transaction) -> list[ObjectVersion]:
            for age in ages:
                await lay(tx, sequences, BUCKET, b"k", replica(age), None)
            newest = await current.get(tx, BUCKET.id, b"k")
            return [*([newest] if newest else ()), *await others.list(tx, BUCKET.id, b"k")]

        try:
            found = await state.at("1", "r").run(lay_all)
        finally:
            await state.close()
        assert [one.modified for one in found] == sorted(ages, reverse=True)
        assert [one.seq for one in found] == sorted({one.seq for one in found}, reverse=True)
        assert min(one.seq for one in found) > 0

    asyncio.run(scenario())


@pytest.mark.parametrize("seed", range(8))
def test_thousands_find_room_in_any_order(seed: int) -> None:
    """Written in bursts, minutes apart, and come in any order; each has a number between those of its neighbours."""
    random = Random(seed)
    pauses = (random.expovariate(1 / 600) if random.random() < 0.05 else random.expovariate(1000) for _ in range(2000))
    ages = list(accumulate(pauses))
    placed: list[tuple[float, int]] = []
    for age in random.sample(ages, len(ages)):
        at = bisect(placed, (age, 0))
        below, above = placed[at - 1 : at], placed[at : at + 1]
        share = (age - below[0][0]) / (above[0][0] - below[0][0]) if below and above else 0.5
        low, high = below[0][1] if below else 0, above[0][1] if above else ROOM
        number = place_between(low, high, share)
        assert low < number < high
        placed.insert(at, (age, number))


@pytest.mark.parametrize(("end", "kept"), [(asyncio.CancelledError, True), (CommitFailed, False)])
def test_bytes_stay_where_a_replica_may_yet_be_laid(
    monkeypatch: pytest.MonkeyPatch, end: type[BaseException], kept: bool
) -> None:
    """Who is cancelled while the commit is under way does not know how that ends."""
    blobs = {"copied"}

    class Blobs:
        async def delete(self, blob: str) -> None:
            blobs.remove(blob)

    async def copied(*_: Any) -> str:
        return "copied"

    async def replicate(*_: Any) -> bool:
        raise end

    monkeypatch.setattr(replicating, "blobs_of", lambda _: Blobs())
    monkeypatch.setattr(replicating, "_copied", copied)
    monkeypatch.setattr(replicating, "_replicate", replicate)
    call: Any = SimpleNamespace(state=None, doorway=None)
    with pytest.raises(end):
        asyncio.run(replicating.replicate_object(call, "to", "k", "from", 1, False, False, False, True))
    assert bool(blobs) is kept
