"""What runs for EventBridge while the platform does: the router with its outbox, schedules, replays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.delivery import Outbox
from kumoi.doorway import Doorway, Parts
from kumoi.http_client import HttpClient
from kumoi.services.events import archive_log, archive_retention, replayer, rule_schedules
from kumoi.services.events.api_destinations import AUTHORIZE, ApiDestinations
from kumoi.services.events.hand_over import HandOver
from kumoi.services.events.router import Router
from kumoi.services.events.rule_index import RuleIndexes
from kumoi.state import Timer
from kumoi.state.timers import TimerRunner


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts; what a crash left behind is delivered once the platform is up."""
    doorway, timers = parts[Doorway], parts[TimerRunner]
    state, clock = doorway.state, doorway.clock
    doorway.lake.define(archive_log.TABLE)
    endpoints = parts.add(
        ApiDestinations, ApiDestinations(state, clock, parts[HttpClient], doorway.identity.sealer, doorway.charges)
    )
    hand_over = HandOver(doorway, endpoints)
    outbox = Outbox(
        "events.delivery",
        state=state,
        clock=clock,
        timers=timers,
        attempt=hand_over.attempt,
        give_up=hand_over.give_up,
    )
    indexes = parts.add(RuleIndexes, RuleIndexes())
    router = parts.add(Router, Router(state, doorway.lake, clock, indexes, outbox))

    async def fire(timer: Timer) -> None:
        await rule_schedules.fire(state, router, timer)

    async def authorize(timer: Timer) -> None:
        await endpoints.authorize(state.at(timer.account, timer.region), timer.payload.decode())

    async def replay(timer: Timer) -> None:
        await replayer.send_page(state, doorway.lake, router, timer)

    async def expire(timer: Timer) -> None:
        await archive_retention.expire(state, doorway.lake, timer)

    timers.on(rule_schedules.TOPIC, fire)
    timers.on(replayer.TOPIC, replay)
    timers.on(archive_retention.TOPIC, expire)
    timers.on(AUTHORIZE, authorize)
    await outbox.resume()
    try:
        yield
    finally:
        await outbox.stop()


async def forget(parts: Parts, account: str | None) -> None:
    """Drop deliveries and indexes of an account, or all."""
    await parts[Router].outbox.forget(account)
    parts[RuleIndexes].forget(account)
    parts[ApiDestinations].forget()
