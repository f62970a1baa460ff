"""What is stored of map runs: the run, and a row for each child."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from kumoi.services.stepfunctions.language.definition import State as StateOfMachine
from kumoi.state import State, Transaction, transactional
from kumoi.state.space import Space

CHUNK = 500
"""Children that are read or written at once."""


class MapRunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A map run. `total` are its children, `items` the items in them; `count` and `percentage` what may fail.

    Of one that has ended, `tally` says how its children stand, and `written` whether their results are in S3. Of one
    that is redriven, the children behind the place `redriving` are yet to be set back.
    """

    arn: str
    execution: str
    status: str
    started: float
    concurrency: int
    express: bool
    stopped: float | None = None
    count: float | None = None
    percentage: float | None = None
    total: int = 0
    items: int = 0
    redrives: int = 0
    redriven: float | None = None
    tally: dict[str, tuple[int, int]] = {}
    written: bool = False
    redriving: int | None = None


class MapChild(msgspec.Struct, frozen=True, kw_only=True):
    """A child: its execution's ARN and input, and what it came to; `again` where it failed and is to be redriven."""

    map_run: str
    index: int
    arn: str
    input: str
    items: int
    status: str = "PENDING"
    redrives: int = 0
    again: bool = False
    output: str | None = None
    error: str | None = None
    cause: str | None = None


map_runs: Space[MapRunRecord] = Space("stepfunctions.map_run", MapRunRecord, lambda one: (one.execution, one.arn))
map_children: Space[MapChild] = Space("stepfunctions.map_child", MapChild, lambda one: (one.map_run, one.index))
_owners: Space[MapRunRecord] = Space("stepfunctions.map_run_arn", MapRunRecord, lambda one: (one.arn,))


Tally = dict[str, tuple[int, int]]
"""Children, and the items in them, by status. Those that failed and wait to be redriven are PENDING_REDRIVE."""


def count(tally: Tally, child: MapChild, by: int, redriving: int | None = None) -> None:
    """Add a child to a tally, or take it away (-1); `redriving` is its run's."""
    waits = redriving is not None and child.index > redriving and _is_redriven(child)
    status = "PENDING_REDRIVE" if waits or (child.again and child.status == "PENDING") else child.status
    executions, items = tally.get(status, (0, 0))
    tally[status] = (executions + by, items + by * child.items)


_UNFIT = re.compile(r"[^a-zA-Z0-9_-]")


def label_of(state: StateOfMachine) -> str:
    """What a map run's ARN says of the state it is a run of."""
    return state.fields.get("Label") or _UNFIT.sub("", state.name)[:40] or "Map"


@transactional
async def put_run(tx: Transaction, record: MapRunRecord) -> None:
    """Store a run."""
    await map_runs.put(tx, record)
    await _owners.put(tx, record)


@transactional
async def change_run(tx: Transaction, arn: str, changes: dict[str, Any]) -> MapRunRecord:
    """Give a run that is there other values, and leave it all else that it has come to by now."""
    run = await _owners.get(tx, arn)
    assert run is not None, "a run is never forgotten before its execution"
    run = msgspec.structs.replace(run, **changes)
    await put_run(tx, run)
    return run


@transactional
async def load_run(tx: Transaction, arn: str) -> MapRunRecord | None:
    """A run by its ARN."""
    return await _owners.get(tx, arn)


@transactional
async def runs_of(tx: Transaction, execution: str) -> list[MapRunRecord]:
    """The runs of an execution."""
    return await map_runs.list(tx, execution)


def _is_redriven(child: MapChild) -> bool:
    """Whether a redrive sets a child back: it has been begun, and has not succeeded."""
    return child.status not in ("SUCCEEDED", "PENDING")


@transactional
async def redrive_run(tx: Transaction, execution: str, label: str) -> str | None:
    """Have a Map state's last run that failed go on with the children that did; its ARN, None without one.

    They are set back once the run goes on (`set_some_back`): there may be 40,000 of them.
    """
    failed = [
        one
        for one in await map_runs.list(tx, execution)
        if one.status in ("FAILED", "ABORTED") and one.total and one.arn.split(":")[6].partition("/")[2] == label
    ]
    if not failed:
        return None
    last = max(failed, key=lambda one: one.started)
    await put_run(
        tx,
        msgspec.structs.replace(
            last, status="RUNNING", stopped=None, redrives=last.redrives + 1, redriven=tx.now, tally={}, redriving=-1
        ),
    )
    return last.arn


@transactional
async def set_some_back(tx: Transaction, arn: str) -> MapRunRecord:
    """Set the next children of a run back that is being redriven; the run, which says whether there are more."""
    run = await _owners.get(tx, arn)
    assert run is not None, "a run is never forgotten before its execution"
    if run.redriving is None:
        return run
    chunk = await children_after(tx, arn, run.redriving)
    for child in chunk:
        if _is_redriven(child):
            waiting = msgspec.structs.replace(child, status="PENDING", again=True, redrives=child.redrives + 1)
            await map_children.put(tx, msgspec.structs.replace(waiting, error=None, cause=None))
    run = msgspec.structs.replace(run, redriving=chunk[-1].index if len(chunk) == CHUNK else None)
    await put_run(tx, run)
    return run


@transactional
async def put_children(tx: Transaction, children: list[MapChild]) -> None:
    """Store children."""
    for child in children:
        await map_children.put(tx, child)


@transactional
async def children_after(tx: Transaction, arn: str, index: int) -> list[MapChild]:
    """The next children of a run behind a place (-1: the first), in order; fewer than CHUNK where there are no more."""
    return await map_children.list(tx, arn, after=(arn, index) if index >= 0 else None, limit=CHUNK)


async def children_of(state: State, arn: str) -> AsyncIterator[list[MapChild]]:
    """The children of a run, in order, some at a time: there may be very many."""
    chunk = await children_after(state, arn, -1)
    while chunk:
        yield chunk
        await asyncio.sleep(0)
        chunk = await children_after(state, arn, chunk[-1].index) if len(chunk) == CHUNK else []


@transactional
async def drop_children(tx: Transaction, arn: str) -> None:
    """Forget the children of a run that could not be worked out to the end."""
    await map_children.delete_all(tx, arn)
