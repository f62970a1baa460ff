"""What the connections of one listener share, and what it asks of each, whichever HTTP they speak."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from kumoi.gateway.known_heads import KnownHeads
from kumoi.gateway.limits import Limits
from kumoi.gateway.outgoing import Outgoing
from kumoi.gateway.repeats import Repeats
from kumoi.gateway.response_writer import DateHeader
from kumoi.wire.http import Request, Response

if TYPE_CHECKING:
    from kumoi.gateway.websocket import WebSocket

logger = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]
WebSocketHandler = Callable[[Request, "WebSocket"], Awaitable[Response | None]]
"""Serves a WebSocket, or answers what its handshake is refused with."""


class Connection(Protocol):
    """An open connection, as its listener sees it."""

    socket: socket.socket

    @property
    def busy(self) -> bool:
        """Whether a request is being answered or waits for its turn."""

    def drain(self) -> None:
        """Close once what has been asked is answered; at once when nothing has."""

    def abort(self) -> None:
        """Close now."""

    def expire(self, now: float) -> None:
        """Close when the client has been silent, or slow with what it began to send, for too long."""


@dataclass(frozen=True, slots=True)
class Server:
    """What the connections of one listener share. `opened` and `closed` tell it of each.

    `others` are protocols beside HTTP, by the first byte of a connection: behind TLS it is known only here.
    """

    handler: Handler
    websocket: WebSocketHandler | None
    limits: Limits
    date: DateHeader
    opened: Callable[[Connection], None]
    closed: Callable[[Connection], None]
    heads: KnownHeads
    others: Mapping[int, Callable[[], asyncio.Protocol]] = field(default_factory=dict)
    repeats: Repeats = field(default_factory=Repeats)
    outgoing: Outgoing = field(default_factory=Outgoing)


def tell_sent(response: Response) -> None:
    """Run what a response has for when its last byte is on its way, or nobody is there to take it."""
    if response.on_sent is not None:
        try:
            response.on_sent()
        except Exception:
            logger.exception("what was to run after an answer failed")
