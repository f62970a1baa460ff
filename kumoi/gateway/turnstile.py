"""The turnstile between the listener and the front: it can be closed while what lies behind it is exchanged.

Requests that come while it is closed wait and are answered by whatever has been put behind it. Those that were let in
before have a moment to end; then they are cut off, as the end of a server would cut them off. WebSockets are told that
the server goes away once requests have ended: they may come back, and then wait like any request. When nothing is put
behind it any more, whoever waits or comes is told so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from kumoi.gateway.front import Front
from kumoi.gateway.repeats import Repeats
from kumoi.wire import Request, Response

if TYPE_CHECKING:
    from kumoi.gateway.websocket import WebSocket


class Turnstile:
    """Hands requests to the front of the day. It begins closed."""

    def __init__(self) -> None:
        self.repeats = Repeats(taking=False)
        self._front: Front | None = None
        self._way: Front | None = None  # the front while the turnstile is open
        self._lost = ""
        self._opened = asyncio.Event()
        self._inside: set[asyncio.Task[Any]] = set()
        self._websockets: dict[asyncio.Task[Any], WebSocket] = {}
        self._left = asyncio.Event()

    def open(self, front: Front) -> None:
        """Let requests in, to this front."""
        self._front = self._way = front
        self._loop = asyncio.get_running_loop()
        self.repeats.open()
        self._opened.set()

    def give_up(self, reason: str) -> None:
        """There will be no front any more: answer whoever waits, or comes, with why."""
        self._lost, self._way = reason, None
        self._opened.set()

    async def close(self, grace: float) -> None:
        """Let nobody in, and return when nobody is inside but the caller; who stays longer than `grace` is cut off."""
        self._opened.clear()
        self._way = None
        self.repeats.shut()
        caller = asyncio.current_task()
        await self._empty(lambda: self._inside - {caller}, grace)
        for websocket in list(self._websockets.values()):
            websocket.go_away()
        await self._empty(lambda: self._websockets.keys() - {caller}, grace)

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        front = self._way or await self._enter()
        if front is None:
            return self._gone()
        task = asyncio.current_task(self._loop)  # to have the loop looked up costs a system call
        assert task is not None, "requests are answered in tasks"
        self._inside.add(task)
        try:
            return await front(request)
        finally:
            self._inside.discard(task)
            if self._way is None:  # somebody may wait for whoever is inside
                self._left.set()

    async def websocket(self, request: Request, websocket: WebSocket) -> Response | None:
        """Serve a WebSocket, from its handshake on."""
        front = await self._enter()
        if front is None:
            return self._gone()
        task = asyncio.current_task(self._loop)
        assert task is not None, "requests are answered in tasks"
        self._websockets[task] = websocket
        try:
            return await front.websocket(request, websocket)
        finally:
            del self._websockets[task]
            self._left.set()

    async def _enter(self) -> Front | None:
        while not self._opened.is_set():
            await self._opened.wait()
        return None if self._lost else self._front

    async def _empty(self, inside: Callable[[], Collection[asyncio.Task[Any]]], grace: float) -> None:
        try:
            async with asyncio.timeout(grace):
                while inside():
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError:
            others = list(inside())
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    def _gone(self) -> Response:
        return Response(503, [("Content-Type", "text/plain; charset=utf-8")], f"{self._lost}\n".encode())
