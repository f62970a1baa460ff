"""What runs for CloudWatch Logs while the platform does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.delivery import Outbox
from kumoi.doorway import Doorway, Parts
from kumoi.services.logs import retention
from kumoi.services.logs.exports import TOPIC, Exporter
from kumoi.services.logs.followers import Followers
from kumoi.services.logs.function_streams import FunctionStreams
from kumoi.services.logs.live_tails import LiveTails
from kumoi.services.logs.query_runner import QueryRunner
from kumoi.services.logs.subscriber import Subscribers
from kumoi.state.timers import TimerRunner


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts; what a crash left to deliver is delivered once the platform is up."""
    retention.start(parts)
    doorway, timers = parts[Doorway], parts[TimerRunner]
    state, clock = doorway.state, doorway.clock
    streams = parts.add(FunctionStreams, FunctionStreams(state, clock))
    runner = parts.add(QueryRunner, QueryRunner(state, doorway.lake, clock, timers, doorway.charges))
    tails = parts.add(LiveTails, LiveTails(clock))
    subscribers = parts.add(Subscribers, Subscribers(doorway))
    outbox = Outbox(
        "logs.delivery",
        state=state,
        clock=clock,
        timers=timers,
        attempt=subscribers.attempt,
        give_up=subscribers.give_up,
    )
    timers.on(TOPIC, parts.add(Exporter, Exporter(doorway)).run)
    parts.add(Followers, Followers(doorway, outbox, tails))
    await outbox.resume()
    try:
        yield
    finally:
        tails.close()
        await runner.stop()
        await outbox.stop()
        await streams.close()


async def forget(parts: Parts, account: str | None) -> None:
    """Drop queries, deliveries and streams of an account, or all."""
    await parts[QueryRunner].stop(account)
    await parts[Followers].forget(account)
    parts[FunctionStreams].forget(account)
