"""Who listens to what: sessions, their subscriptions by what feeds them, and the line in which publications wait.

A publication never delays the mutation behind it by more than its place in the line; publications are delivered one
after another, in turns of a few milliseconds, so that the loop serves others in between. What waits is bounded: when
the line is full, those who publish wait.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from kumoi.clock import Clock
from kumoi.services.appsync.realtime import messages
from kumoi.services.appsync.realtime.session import LONGEST_SECONDS, Session

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 60.0
MOST_IN_LINE = 1_000
MOST_BYTES_IN_LINE = 64 * 1024 * 1024
TURN = 0.002
"""Seconds after which the loop sees to others."""
GOING_AWAY = 1001
ItemT = TypeVar("ItemT")


@dataclass(slots=True, eq=False)
class Subscription:
    """A subscription of a session. `wants` says what is sent of which publication, to whoever feeds it."""

    session: Session
    id: str
    feed: str
    wants: Any


class Hub:
    """The sessions of one platform. `shared` is what many subscriptions have in common, as long as one has it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sessions: set[Session] = set()
        self._feeds: dict[tuple[str, str], dict[Any, dict[Subscription, None]]] = {}
        self._line: asyncio.Queue[tuple[Callable[[], Awaitable[None]], int]] = asyncio.Queue(MOST_IN_LINE)
        self._bytes = 0
        self._room = asyncio.Event()
        self._wakes = math.inf
        self._sooner = asyncio.Event()
        self.shared: WeakValueDictionary[Hashable, Any] = WeakValueDictionary()
        self._tasks: list[asyncio.Task[None]] = []

    def open(self, session: Session) -> None:
        """A session has begun."""
        self._sessions.add(session)
        self._wake_by(session.ends_at)
        self._run()

    def end_by(self, session: Session, moment: float) -> None:
        """Have a session end at a moment, if it would not before."""
        if moment < session.ends_at:
            session.ends_at = moment
            self._wake_by(moment)

    def close(self, session: Session) -> None:
        """A session has ended, and its subscriptions with it."""
        self._sessions.discard(session)
        for subscription in list(session.subscriptions.values()):
            self.remove(subscription)

    def add(self, subscription: Subscription) -> None:
        """Have publications for its feed come to a subscription."""
        session = subscription.session
        session.subscriptions[subscription.id] = subscription
        groups = self._feeds.setdefault((session.api, subscription.feed), {})
        groups.setdefault(subscription.wants, {})[subscription] = None

    def remove(self, subscription: Subscription) -> None:
        """Let nothing more come to a subscription."""
        session = subscription.session
        if session.subscriptions.get(subscription.id) is subscription:
            del session.subscriptions[subscription.id]
        groups = self._feeds.get((session.api, subscription.feed), {})
        alike = groups.get(subscription.wants)
        if alike is not None:
            alike.pop(subscription, None)
            if not alike:
                del groups[subscription.wants]
        if not groups:
            self._feeds.pop((session.api, subscription.feed), None)

    def listened(self, api: str, feed: str) -> bool:
        """Whether anybody subscribed to a feed."""
        return (api, feed) in self._feeds

    async def groups(self, api: str, feed: str) -> AsyncIterator[tuple[Any, list[Subscription]]]:
        """Those subscribed to a feed, by what they want, in turns."""
        async for wants in in_turns(list(self._feeds.get((api, feed), ()))):
            alike = self._feeds.get((api, feed), {}).get(wants)
            if alike:
                yield wants, list(alike)

    async def each(self, subscriptions: list[Subscription]) -> AsyncIterator[Subscription]:
        """Each of many that is still there, in turns."""
        async for subscription in in_turns(subscriptions):
            if subscription.session.subscriptions.get(subscription.id) is subscription:
                yield subscription

    async def publish(self, delivery: Callable[[], Awaitable[None]], size: int) -> None:
        """Put a delivery of so many bytes into the line."""
        while self._bytes and self._bytes + size > MOST_BYTES_IN_LINE:
            self._room.clear()
            await self._room.wait()
        self._bytes += size
        try:
            await self._line.put((delivery, size))
        except asyncio.CancelledError:
            self._leave(size)
            raise
        self._run()

    async def close_all(self, account: str | None = None, api: str | None = None) -> None:
        """Close the sessions of an account or of an API, or all."""
        for session in list(self._sessions):
            if account in (None, session.account) and api in (None, session.api):
                await session.close(GOING_AWAY)

    async def stop(self) -> None:
        """End what runs."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _run(self) -> None:
        if not self._tasks:
            running = (self._deliver(), self._keep_alive(), self._end_old())
            self._tasks = [asyncio.create_task(one) for one in running]

    async def _deliver(self) -> None:
        while True:
            delivery, size = await self._line.get()
            try:
                await delivery()
            except Exception:
                logger.exception("a publication could not be delivered")
            finally:
                self._leave(size)

    def _leave(self, size: int) -> None:
        self._bytes -= size
        self._room.set()

    async def _keep_alive(self) -> None:
        """Tell clients that the connection lives. They measure real time, wherever the platform's clock is."""
        while True:
            await asyncio.sleep(KEEP_ALIVE_SECONDS)
            async for session in in_turns(list(self._sessions)):
                session.post(messages.KEEP_ALIVE)

    async def _end_old(self) -> None:
        """Close connections whose time is over."""
        while True:
            now = self._clock.now()
            for session in [one for one in self._sessions if one.ends_at <= now]:
                lasted = session.ends_at >= session.opened_at + LONGEST_SECONDS
                reason = "the connection has lasted 24 hours" if lasted else "the token has expired"
                await session.close(GOING_AWAY, reason)
                self._sessions.discard(session)
            self._wakes = min((one.ends_at for one in self._sessions), default=now + LONGEST_SECONDS)
            self._sooner.clear()
            sleeping: list[asyncio.Task[Any]] = [asyncio.create_task(self._clock.sleep_until(self._wakes))]
            sleeping.append(asyncio.create_task(self._sooner.wait()))
            try:
                await asyncio.wait(sleeping, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in sleeping:
                    one.cancel()

    def _wake_by(self, moment: float) -> None:
        if moment < self._wakes:
            self._sooner.set()


async def in_turns(items: Iterable[ItemT]) -> AsyncIterator[ItemT]:
    """Items one after another, with the loop's other work in between."""
    ends = time.perf_counter() + TURN
    for one in items:
        yield one
        if time.perf_counter() > ends:
            await asyncio.sleep(0)
            ends = time.perf_counter() + TURN
