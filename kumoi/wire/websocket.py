"""What data planes see of a WebSocket (RFC 6455): how a handshake is accepted, and the peer that messages go to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

MAX_MESSAGE = 1_048_576


class WebSocketClosed(ConnectionError):
    """The WebSocket is closed; `code` is its close code (1006 when there was none), `reason` what was said with it.

    `stopping` where the platform stops: nobody can be told of it any more.
    """

    def __init__(self, code: int, reason: str = "", *, stopping: bool = False) -> None:
        super().__init__(f"the WebSocket was closed with {code}")
        self.code = code
        self.reason = reason
        self.stopping = stopping


class WebSocketPeer(Protocol):
    """The other end of an open WebSocket. Several tasks may send at once; one may receive."""

    @property
    def subprotocols(self) -> list[str]:
        """Those the client offered."""

    async def receive(self) -> str | bytes:
        """The next message; WebSocketClosed when there will be none."""

    async def send(self, message: str | bytes) -> None:
        """Send a message, no faster than the client takes them; WebSocketClosed when nobody is there to get it."""

    def post(self, message: str) -> int:
        """Send a message without waiting; answers how many bytes the client has yet to take. WebSocketClosed as send.

        For who sends to many: a client that is too slow is to be given up, with `abort`, before too much waits.
        """

    def abort(self) -> None:
        """End the connection at once, without a word."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye; nothing when the connection is closed already."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A handshake's yes: `serve` runs while the WebSocket is open, and also when the client left before it was.

    A message or a frame of more bytes than `largest_message` and `largest_frame` ends the connection with 1009.
    `on_ping` is told of each ping.
    """

    serve: Callable[[WebSocketPeer], Awaitable[None]]
    subprotocol: str | None = None
    largest_message: int = MAX_MESSAGE
    largest_frame: int | None = None
    on_ping: Callable[[], None] | None = None
