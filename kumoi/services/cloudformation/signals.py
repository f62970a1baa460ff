"""What a deployment waits for from outside: answers of custom resources, signals for wait conditions.

An answer is stored before it is acknowledged, under a topic: one for each custom resource, wait handle or resource with
a creation policy. A waiting deployment is woken by the state; its deadline is on the platform's clock.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from secrets import token_urlsafe
from typing import TypeVar

from kumoi.clock import Clock
from kumoi.services.cloudformation.records import Callback, Signal, callbacks, signals
from kumoi.state import State, Transaction, transactional

PLANE = "cloudformation-response"
Found = TypeVar("Found")


async def open_callback(state: State, endpoint: str, topic: str, *, single: bool) -> str:
    """A URL to answer on; `single`: an answer replaces the one before."""
    callback = Callback(token_urlsafe(24), state.account, state.region, topic, single)
    await _open(state, callback)
    return f"{endpoint}/_kumoi/{PLANE}/{callback.id}"


def callback_of(url: str) -> str:
    """The secret part of a URL made here; empty for any other."""
    return url.partition(f"/_kumoi/{PLANE}/")[2].partition("?")[0].partition("/")[0]


@transactional
async def _open(tx: Transaction, callback: Callback) -> None:
    await callbacks.put(tx, callback)


@transactional
async def close_callback(tx: Transaction, url: str) -> None:
    """No more answers on a URL."""
    await callbacks.delete(tx, callback_of(url))


@transactional
async def find_callback(tx: Transaction, callback_id: str) -> Callback | None:
    """Whose the secret part of a URL is."""
    return await callbacks.get(tx, callback_id)


@transactional
async def arrive(tx: Transaction, topic: str, unique: str, body: bytes) -> None:
    """Keep a signal; whoever waits for it goes on."""
    await signals.put(tx, Signal(topic, unique, body))
    tx.notify(_notice(topic))


@transactional
async def arrived(tx: Transaction, topic: str) -> list[Signal]:
    """The signals of a topic."""
    return await signals.list(tx, topic)


@transactional
async def forget(tx: Transaction, topic: str) -> None:
    """Drop the signals of a topic."""
    await signals.delete_all(tx, topic)


async def wait_for(
    state: State, clock: Clock, topic: str, until: float, enough: Callable[[list[Signal]], Found | None]
) -> Found | None:
    """What `enough` makes of the signals as soon as it makes something of them; None once it is `until`."""
    async with state.watch(_notice(topic)) as watch:
        sleeping = asyncio.ensure_future(clock.sleep_until(until))
        try:
            while True:
                found = enough(await arrived(state, topic))
                if found is not None or sleeping.done():
                    return found
                waking = asyncio.ensure_future(watch.wait())
                try:
                    await asyncio.wait((waking, sleeping), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    waking.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await waking
        finally:
            sleeping.cancel()
            await asyncio.gather(sleeping, return_exceptions=True)


def _notice(topic: str) -> str:
    return f"cloudformation.signal {topic}"
