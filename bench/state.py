"""The key space against bare SQLite, CPU time per operation in one run.

scripts/bench state
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import uvloop

from kumoi.clock import Clock
from kumoi.state import Entry, Transaction, transactional
from kumoi.state.sqlite import SqliteState

VALUE = b"x" * 200
COUNT = 20_000


@transactional
async def put(tx: Transaction, number: int) -> None:
    await tx.put(("bench", number % 5000), VALUE)


@transactional
async def get(tx: Transaction, number: int) -> bytes | None:
    return await tx.get(("bench", number % 5000))


@transactional
async def hundred(tx: Transaction) -> list[Entry]:
    return await tx.range(("bench",), limit=100)


def bare(path: Path, group: int) -> float:
    """CPU microseconds of an upsert in a transaction of `group`."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE rows (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID")
    began = time.process_time()
    for start in range(0, COUNT, group):
        connection.execute("BEGIN IMMEDIATE")
        for number in range(start, start + group):
            key = b"bench%d" % (number % 5000)
            connection.execute(
                "INSERT INTO rows VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v", (key, VALUE)
            )
        connection.execute("COMMIT")
    spent = time.process_time() - began
    connection.close()
    return spent / COUNT * 1e6


async def measured(count: int, step: Callable[[int], Awaitable[object]]) -> float:
    """CPU microseconds of one step."""
    began = time.process_time()
    for number in range(count):
        await step(number)
    return (time.process_time() - began) / count * 1e6


async def together(group: int, start: Callable[[int], Awaitable[object]]) -> float:
    """CPU microseconds of one of `group` tasks that run at the same time."""
    return (
        await measured(COUNT // group, lambda at: asyncio.gather(*map(start, range(at * group, (at + 1) * group))))
        / group
    )


async def turn(_number: int) -> None:
    """What any task that waits for a commit costs the event loop: to be made, to wait, to be woken."""
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, None)
    await future


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        state = (await SqliteState.open(Path(folder) / "kumoi.db", clock=Clock())).at("123456789012", "us-east-1")
        for group in (1, 4, 32):
            floor = bare(Path(folder) / f"bare-{group}.db", group)
            ours, loop = await together(group, partial(put, state)), await together(group, turn)
            print(
                f"put, groups of {group:2}   {ours:6.1f} µs, the loop's part {loop:4.1f}; bare SQLite {floor:4.1f} µs"
            )
            print(f"    ratio {ours / floor:.2f}, without the loop {(ours - loop) / floor:.2f}")
        print(f"get                 {await measured(COUNT, lambda number: get(state, number)):6.1f} µs")
        print(f"range of 100        {await measured(2000, lambda _: hundred(state)):6.1f} µs")
        await state.close()


if __name__ == "__main__":
    uvloop.run(main())
