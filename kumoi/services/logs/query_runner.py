"""The Insights queries that run now. A query is a record before it runs: one that a crash interrupted begins anew.

Two run at once, others wait; each ends after a quarter of an hour at the latest, and is forgotten after seven days.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import msgspec

from kumoi.clock import Clock
from kumoi.doorway import ChargeKey, Charges
from kumoi.lake import Lake, QueryFailed
from kumoi.services.logs.query_records import Query, QueryPage, pages, queries
from kumoi.state import State, Timer, Transaction, transactional
from kumoi.state.timers import TimerRunner

logger = logging.getLogger(__name__)

TOPIC = "logs.query"
KEPT_SECONDS = 7 * 86_400.0
AT_ONCE = 2
MOST_UNDER_WAY = 100
SECONDS = 900.0


class QueryRunner:
    """Runs queries in the background."""

    def __init__(self, state: State, lake: Lake, clock: Clock, timers: TimerRunner, charges: Charges) -> None:
        self._state = state
        self._lake = lake
        self._clock = clock
        self._charges = charges
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._running: dict[tuple[str, str, str], asyncio.Task[None]] = {}
        timers.on(TOPIC, self._forget)

    def under_way(self, account: str, region: str) -> int:
        """How many queries of an account run in a region."""
        return sum(key[:2] == (account, region) for key in self._running)

    def start(self, account: str, region: str, query: Query) -> None:
        """Run a query that is stored, unless it runs already."""
        key = account, region, query.id
        if key not in self._running:
            task = asyncio.create_task(self._run(account, region, query))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))

    async def cancel(self, account: str, region: str, query_id: str) -> None:
        """Stop a query; returns once it has stopped."""
        task = self._running.get((account, region, query_id))
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def stop(self, account: str | None = None) -> None:
        """Stop the queries of an account, or all; they stay stored."""
        tasks = [task for key, task in self._running.items() if account in (None, key[0])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, account: str, region: str, query: Query) -> None:
        ended: Query
        rows: Sequence[bytes] = ()
        try:
            async with self._slots, asyncio.timeout(SECONDS):
                ended, rows = await self._answer(account, region, query)
        except TimeoutError:
            ended = msgspec.structs.replace(query, status="Timeout", reason=f"It took longer than {SECONDS:g} s.")
        except QueryFailed as error:
            logger.warning("query %s failed: %s", query.id, error)
            ended = msgspec.structs.replace(query, status="Failed", reason=str(error)[:1000])
        except Exception as error:
            logger.exception("query %s failed", query.id)
            ended = msgspec.structs.replace(query, status="Failed", reason=f"{type(error).__name__}: {error}"[:1000])
        ended = msgspec.structs.replace(ended, finished=int(self._clock.now() * 1000))
        await _end(self._state.at(account, region), ended, rows)

    async def _answer(self, account: str, region: str, query: Query) -> tuple[Query, Sequence[bytes]]:
        from kumoi.insights.answering import Inquiry, plan
        from kumoi.services.logs.lookup_records import tables_of
        from kumoi.services.logs.query_run import Scope, Span, run

        tables = await tables_of(self._state.at(account, region), query.text)
        inquiry = Inquiry(query.text, query.created, query.limit, tables)
        readings = (await asyncio.to_thread(plan, inquiry)).views
        span = Span(query.start, query.end)
        scopes = {
            name: Scope(account, query.regions or [region], query.joined.get(name, query.groups), span)
            for name in readings
        }
        answer = await run(self._lake, inquiry, readings, scopes)
        key = ChargeKey(account, region, "", f"logs:{query.groups[0] if query.groups else ''}", "logs", "Query")
        self._charges.add(key, scanned_bytes=answer.statistics["bytesScanned"])
        ended = msgspec.structs.replace(query, status="Complete", statistics=answer.statistics, rows=answer.total)
        return ended, answer.pages

    async def _forget(self, timer: Timer) -> None:
        await _remove(self._state.at(timer.account, timer.region), timer)


@transactional
async def begin(tx: Transaction, query: Query) -> None:
    """Store a query that is about to run."""
    await queries.put(tx, query)
    tx.timer(tx.now + KEPT_SECONDS, TOPIC, query.id.encode(), key=query.id)


@transactional
async def _end(tx: Transaction, query: Query, rows: Sequence[bytes]) -> None:
    known = await queries.get(tx, query.id)
    if known is not None and known.status == "Running":
        await queries.put(tx, query)
        for number, content in enumerate(rows):
            await pages.put(tx, QueryPage(query.id, number, content))


@transactional
async def _remove(tx: Transaction, timer: Timer) -> None:
    name = timer.payload.decode()
    await queries.delete(tx, name)
    await pages.delete_all(tx, name)
    tx.complete_timer(timer)
