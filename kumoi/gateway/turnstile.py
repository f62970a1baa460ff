"""The turnstile between the listener and the front: it can be closed while what lies behind it is exchanged.

Requests that come while it is closed wait and are answered by whatever has been put behind it. Those that were let in
before have a moment to end; then they are cut off, as the end of a server would cut them off.
"""

from __future__ import annotations

import asyncio
from typing import Any

from kumoi.gateway.front import Front
from kumoi.gateway.websocket import WebSocket
from kumoi.wire import Request, Response


class Turnstile:
    """Hands requests to the front of the day. It begins closed."""

    def __init__(self) -> None:
        self._front: Front | None = None
        self._opened = asyncio.Event()
        self._inside: set[asyncio.Task[Any]] = set()
        self._left = asyncio.Event()

    def open(self, front: Front) -> None:
        """Let requests in, to this front."""
        self._front = front
        self._opened.set()

    async def close(self, grace: float) -> None:
        """Let nobody in, and return when nobody is inside but the caller; who stays longer than `grace` is cut off."""
        self._opened.clear()
        caller = asyncio.current_task()
        try:
            async with asyncio.timeout(grace):
                while self._inside - {caller}:
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError:
            others = self._inside - {caller}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        front = await self._enter()
        task = asyncio.current_task()
        assert task is not None, "requests are answered in tasks"
        self._inside.add(task)
        try:
            return await front(request)
        finally:
            self._inside.discard(task)
            self._left.set()

    async def websocket(self, request: Request, websocket: WebSocket) -> Response | None:
        """Serve a WebSocket; the service that holds it ends it when it stops."""
        front = await self._enter()
        return await front.websocket(request, websocket)

    async def _enter(self) -> Front:
        while not self._opened.is_set():
            await self._opened.wait()
        assert self._front is not None, "it was opened with a front"
        return self._front
