"""Deliveries take turns with the loop's other work, and a client can have only so much under way."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

from kumoi.clock import Clock
from kumoi.doorway import Call
from kumoi.services.appsync.event_apis.conversation import EventConversation
from kumoi.services.appsync.realtime.conversation import MOST_UNDER_WAY
from kumoi.services.appsync.realtime.hub import MOST_BYTES_IN_LINE, Hub, Subscription
from kumoi.services.appsync.realtime.session import Session
from kumoi.wire.http import Request
from kumoi.wire.websocket import WebSocketClosed


def session() -> Session:
    return Session("api", "000000000000", "us-east-1", Request("GET", "/"), time.time())


def test_subscribers_who_all_want_something_else_do_not_hold_the_loop() -> None:
    hub, one = Hub(Clock()), session()
    for number in range(100):
        hub.add(Subscription(one, str(number), "feed", f"want {number}"))

    async def deliver() -> list[str]:
        served = []
        async for wants, subscriptions in hub.groups("api", "feed"):
            async for subscription in hub.each(subscriptions):
                time.sleep(0.001)
                assert wants == f"want {subscription.id}"
                served.append(subscription.id)
        return served

    async def run() -> tuple[list[str], int]:
        turns, delivering = 0, asyncio.create_task(deliver())
        while not delivering.done():
            await asyncio.sleep(0)
            turns += 1
        return await delivering, turns

    served, turns = asyncio.run(run())
    assert served == [str(number) for number in range(100)]
    assert turns > 10


def test_who_left_meanwhile_gets_nothing() -> None:
    hub, one = Hub(Clock()), session()
    subscriptions = [Subscription(one, str(number), "feed", number % 2) for number in range(4)]
    for subscription in subscriptions:
        hub.add(subscription)

    async def run() -> list[str]:
        served = []
        async for _, alike in hub.groups("api", "feed"):
            async for subscription in hub.each(alike):
                served.append(subscription.id)
                hub.remove(subscriptions[1])
                hub.remove(subscriptions[2])
        return served

    assert asyncio.run(run()) == ["0", "3"]


class Slow(EventConversation):
    """Operations that take until they are let go."""

    def __init__(self, call: Call) -> None:
        super().__init__(Hub(Clock()), call, session())
        self.go = asyncio.Event()

    async def ask(self, operation: str, params: Mapping[str, Any]) -> None:
        await self.go.wait()


class Client:
    """Sends messages, and keeps what it is told."""

    def __init__(self, messages: list[str]) -> None:
        self.waiting = messages
        self.told: list[dict[str, Any]] = []

    async def receive(self) -> str:
        await asyncio.sleep(0)
        if not self.waiting:
            raise WebSocketClosed(1000)
        return self.waiting.pop(0)

    def post(self, message: str) -> int:
        self.told.append(json.loads(message))
        return 0


def test_a_client_can_have_so_many_bytes_under_way() -> None:
    large = "x" * 1_000_000
    fits = MOST_UNDER_WAY // 1_000_000

    def publish(id: str, text: str) -> str:
        return json.dumps({"type": "publish", "id": id, "channel": "/chat/a", "events": [text]})

    async def run() -> tuple[list[str], int]:
        charges = SimpleNamespace(add=lambda *_, **__: None)
        call = cast(Call, SimpleNamespace(doorway=SimpleNamespace(clock=Clock(), charges=charges)))
        conversation = Slow(call)
        client = Client([*(publish(str(number), large) for number in range(fits + 2)), publish("small", "x")])
        await conversation.run(cast(Any, client))
        assert conversation.pending == {}
        refused = [one for one in client.told if one["type"] == "publish_error"]
        assert {one["errors"][0]["errorType"] for one in refused} == {"LimitExceededError"}
        return [one["id"] for one in refused], conversation._under_way

    assert asyncio.run(run()) == ([str(fits), str(fits + 1)], 0)


def test_nobody_listens_once_a_session_is_over() -> None:
    hub, one = Hub(Clock()), session()
    hub.add(Subscription(one, "1", "feed", "all"))
    hub.add(Subscription(one, "2", "feed", "all"))
    assert hub.listened("api", "feed")
    hub.close(one)
    assert not hub.listened("api", "feed") and one.subscriptions == {}


def test_what_waits_in_line_is_bounded_by_its_bytes() -> None:
    async def run() -> tuple[int, int]:
        hub, go, delivered = Hub(Clock()), asyncio.Event(), []

        async def deliver() -> None:
            await go.wait()
            delivered.append(1)

        half = MOST_BYTES_IN_LINE // 2
        publishing = [asyncio.create_task(hub.publish(deliver, half)) for _ in range(5)]
        for _ in range(10):
            await asyncio.sleep(0)
        waiting = sum(not one.done() for one in publishing)
        go.set()
        await asyncio.gather(*publishing)
        while len(delivered) < 5:
            await asyncio.sleep(0)
        await hub.stop()
        return waiting, hub._bytes

    assert asyncio.run(run()) == (3, 0)


def test_a_delivery_larger_than_the_line_is_taken_alone() -> None:
    async def run() -> None:
        hub, done = Hub(Clock()), asyncio.Event()

        async def deliver() -> None:
            done.set()

        await hub.publish(deliver, MOST_BYTES_IN_LINE * 2)
        await done.wait()
        await hub.stop()

    asyncio.run(run())
