"""What a job of many things asks of the state grows as the things do, and no faster."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kumoi.clock import Clock
from kumoi.services.iot.job_rollouts import queue, roll_out
from kumoi.services.iot.job_rules import change
from kumoi.services.iot.job_tallies import counted, tally_of
from kumoi.services.iot.records import Job, Tally, Thing, job_tallies, jobs, things
from kumoi.state import Transaction, transactional
from kumoi.state.space import Space
from kumoi.state.sqlite import SqliteState

PER_MINUTE = 5


@transactional
async def make(tx: Transaction, names: list[str]) -> None:
    job = Job(
        id="j",
        created=tx.now,
        updated=tx.now,
        targets=(),
        document="{}",
        rollout={"maximumPerMinute": PER_MINUTE},
        aborts=[{"failureType": "ALL", "thresholdPercentage": 90.0, "minNumberOfExecutedThings": 1}],
    )
    await jobs.put(tx, job)
    for name in names:
        await things.put(tx, Thing(name=name, id=name))
    await queue(tx, job, names)


@transactional
async def job_and_tally(tx: Transaction) -> tuple[Job | None, Tally]:
    return await jobs.get(tx, "j"), await tally_of(tx, "j")


async def rolled_out(state: SqliteState, clock: Clock, count: int) -> list[str]:
    """Roll a job out to so many things that do it at once; the things in the order they were reached in."""
    names = [f"thing-{number:04}" for number in range(count)]
    await make(state, names)
    reached: list[str] = []
    while now := await roll_out(state, "j"):
        assert len(now) <= PER_MINUTE
        for name in now:
            await change(state, name, "j", "IN_PROGRESS")
            await change(state, name, "j", "SUCCEEDED")
        reached += now
        clock.advance(60)
    return reached


def records_read(count: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many records are read to have a job done by so many things."""
    read = 0
    get, listed = Space.get, Space.list

    async def counting_get(self: Space[Any], *args: Any) -> Any:
        nonlocal read
        read += 1
        return await get(self, *args)

    async def counting_list(self: Space[Any], *args: Any, **more: Any) -> Any:
        nonlocal read
        found = await listed(self, *args, **more)
        read += len(found)
        return found

    async def scenario() -> None:
        clock = Clock()
        clock.hold()
        state = await SqliteState.open(None, clock=clock)
        try:
            await rolled_out(state.at("a", "r"), clock, count)
        finally:
            await state.close()

    with monkeypatch.context() as patched:
        patched.setattr(Space, "get", counting_get)
        patched.setattr(Space, "list", counting_list)
        asyncio.run(scenario())
    return read


def test_to_roll_out_costs_each_thing_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = records_read(20, monkeypatch), records_read(80, monkeypatch)
    assert many <= 4 * few


def test_a_job_is_completed_with_its_last_thing_and_counted_where_no_tally_was_kept() -> None:
    async def scenario() -> None:
        clock = Clock()
        clock.hold()
        state = (await SqliteState.open(None, clock=clock)).at("a", "r")
        assert await rolled_out(state, clock, 12) == [f"thing-{number:04}" for number in range(12)]
        job, tally = await job_and_tally(state)
        assert job is not None
        assert (job.status, counted(tally)["numberOfSucceededThings"], tally.total) == ("COMPLETED", 12, 12)
        assert await _forget_tally(state)
        _, again = await job_and_tally(state)
        assert again.counts == {"SUCCEEDED": 12}
        await state.close()

    asyncio.run(scenario())


@transactional
async def _forget_tally(tx: Transaction) -> bool:
    return await job_tallies.delete(tx, "j")
