"""What runs for S3: removing blobs that nothing refers to, at a timer's call, notifications, and replication."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from kumoi.doorway import Doorway, Parts
from kumoi.services.s3.bodies import RELEASED, Readers, drop_account, remove_released
from kumoi.services.s3.notifier import Notifier
from kumoi.services.s3.queries import Queries
from kumoi.services.s3.replicator import Replicator
from kumoi.services.s3.sequences import Sequences
from kumoi.services.s3.topics import KEEPING, LIFECYCLE, RESTORED
from kumoi.state import State, Timer, Transaction, transactional
from kumoi.state.timers import TimerRunner

SETTLED = 60
"""Seconds from a platform's start to the first look for files that nothing refers to."""


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts and register the timers; what a crash left undelivered is delivered."""
    doorway, timers = parts[Doorway], parts[TimerRunner]
    readers = parts.add(Readers, Readers())
    timers.on(RELEASED, partial(remove_released, doorway, readers))
    sequences = parts.add(Sequences, Sequences())
    notifier = parts.add(Notifier, Notifier(doorway, timers, sequences))
    replicator = parts.add(Replicator, Replicator(doorway, timers, notifier))
    timers.on(LIFECYCLE, partial(_go_round, doorway, notifier))
    timers.on(RESTORED, partial(_go_on, doorway, notifier))
    timers.on(KEEPING, partial(_keep, doorway))
    await _schedule_keeping(doorway.state.at("", ""))
    await notifier.outbox.resume()
    await replicator.outbox.resume()
    queries = parts.add(Queries, Queries())
    try:
        yield
    finally:
        queries.stop()
        await replicator.outbox.stop()
        await notifier.outbox.stop()


async def _go_round(doorway: Doorway, notifier: Notifier, timer: Timer) -> None:
    from kumoi.services.s3.lifecycle import go_round

    await go_round(doorway, notifier, timer)


async def _go_on(doorway: Doorway, notifier: Notifier, timer: Timer) -> None:
    from kumoi.services.s3.restoring import go_on

    await go_on(doorway, notifier, timer)


async def _keep(doorway: Doorway, timer: Timer) -> None:
    from kumoi.services.s3.keeper import keep

    await keep(doorway, timer)


@transactional
async def _schedule_keeping(tx: Transaction) -> None:
    tx.timer(tx.now + SETTLED, KEEPING, key="keeper")


async def forget(parts: Parts, state: State, account: str | None) -> None:
    """Forget the buckets' names, the blobs and what is on its way, of an account or of all."""
    await parts[Replicator].outbox.forget(account)
    await parts[Notifier].outbox.forget(account)
    await drop_account(parts[Doorway], state, account)
