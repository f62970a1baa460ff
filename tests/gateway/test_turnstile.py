"""Whoever is inside when the turnstile closes has a moment to end; WebSockets are told; nobody waits for ever."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from kumoi.gateway.front import Front
from kumoi.gateway.turnstile import Turnstile
from kumoi.gateway.websocket import WebSocket
from kumoi.wire import Request, Response


class Peer:
    """A WebSocket that is open until it is told, and longer where it does not listen."""

    def __init__(self, *, listens: bool = True) -> None:
        self.told = 0
        self.gone = asyncio.Event()
        self._listens = listens

    def go_away(self) -> None:
        self.told += 1
        if self._listens:
            self.gone.set()


class Plane:
    """Stands for the front."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ended: list[str] = []

    async def __call__(self, _: Request) -> Response:
        return Response(200, body=self.name.encode())

    async def websocket(self, _: Request, peer: Any) -> Response | None:
        try:
            await peer.gone.wait()
        except asyncio.CancelledError:
            self.ended.append("cut off")
            raise
        self.ended.append("ended")
        return None


REQUEST = cast(Request, None)


def test_websockets_end_before_what_they_stand_on() -> None:
    async def scenario() -> None:
        turnstile, first, second = Turnstile(), Plane("first"), Plane("second")
        turnstile.open(cast(Front, first))
        peers = [Peer(), Peer(listens=False)]
        held = [asyncio.create_task(turnstile.websocket(REQUEST, cast(WebSocket, peer))) for peer in peers]
        await asyncio.sleep(0)
        await turnstile.close(0.05)
        assert sorted(first.ended) == ["cut off", "ended"]
        assert [peer.told for peer in peers] == [1, 1]
        late = Peer()
        late.gone.set()
        waiting = [
            asyncio.create_task(turnstile(REQUEST)),
            asyncio.create_task(turnstile.websocket(REQUEST, cast(WebSocket, late))),
        ]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        turnstile.open(cast(Front, second))
        answer, nothing = await asyncio.gather(*waiting)
        assert answer is not None and (answer.body, nothing, second.ended) == (b"second", None, ["ended"])
        await asyncio.gather(*held, return_exceptions=True)

    asyncio.run(scenario())


def test_who_is_inside_has_a_moment_to_end_and_is_cut_off_then() -> None:
    async def scenario() -> None:
        turnstile, done = Turnstile(), asyncio.Event()

        async def slow(_: Request) -> Response:
            await done.wait()
            return Response(200)

        turnstile.open(cast(Front, slow))
        inside = asyncio.create_task(turnstile(REQUEST))
        await asyncio.sleep(0)
        closing = asyncio.create_task(turnstile.close(30))
        await asyncio.sleep(0)
        assert not closing.done()
        done.set()
        await closing
        assert (await inside).status == 200

        done.clear()
        turnstile.open(cast(Front, slow))
        inside = asyncio.create_task(turnstile(REQUEST))
        await asyncio.sleep(0)
        await turnstile.close(0.01)
        assert inside.cancelled()

    asyncio.run(scenario())


def test_nobody_waits_for_a_platform_that_is_lost() -> None:
    async def scenario() -> None:
        turnstile = Turnstile()
        peer = cast(WebSocket, Peer())
        waiting = [asyncio.create_task(turnstile(REQUEST)), asyncio.create_task(turnstile.websocket(REQUEST, peer))]
        await asyncio.sleep(0)
        turnstile.give_up("it is gone")
        for answer in (*await asyncio.gather(*waiting), await turnstile(REQUEST)):
            assert answer is not None and (answer.status, answer.body) == (503, b"it is gone\n")

    asyncio.run(scenario())
