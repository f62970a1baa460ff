"""What runs for SNS while the platform does: the dispatcher and its outbox, the end of confirmation tokens, replays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.http_client import HttpClient
from kumoi.services.sns.confirmations import EXPIRY, expire
from kumoi.services.sns.dispatcher import Dispatcher
from kumoi.services.sns.hand_over import HandOver
from kumoi.services.sns.replays import TOPIC as REPLAY
from kumoi.services.sns.replays import advance
from kumoi.services.sns.signing import Signer
from kumoi.state import Timer
from kumoi.state.timers import TimerRunner


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts; what a crash left behind is delivered once the platform is up."""
    doorway, timers = parts[Doorway], parts[TimerRunner]
    signer = parts.add(Signer, Signer(doorway.directory("sns")))
    dispatcher = parts.add(Dispatcher, Dispatcher(doorway, timers, HandOver(doorway, signer, parts[HttpClient])))

    async def expired(timer: Timer) -> None:
        await expire(doorway.state.at(timer.account, timer.region), timer.payload.decode())

    async def replayed(timer: Timer) -> None:
        await advance(doorway.state.at(timer.account, timer.region), dispatcher, timer)

    timers.on(EXPIRY, expired)
    timers.on(REPLAY, replayed)
    await dispatcher.outbox.resume()
    try:
        yield
    finally:
        await dispatcher.outbox.stop()
