"""One WebSocket: what is open on it, and messages to it, which never wait for the client.

A client that does not take what is sent to it is given up once `MOST_WAITING` bytes wait: subscriptions are delivered
at most once, and clients connect again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from kumoi.wire.http import Request
from kumoi.wire.websocket import WebSocketClosed, WebSocketPeer

logger = logging.getLogger(__name__)

LONGEST_SECONDS = 24 * 3_600.0
MOST_WAITING = 2 * 1024 * 1024


@dataclass(slots=True, eq=False)
class Session:
    """A connection to an API. `subscriptions` are by the ids that the client gave them.

    It ends after 24 hours, or when a token expires that it or a subscription was opened with (`ends_at`).
    """

    api: str
    account: str
    region: str
    request: Request
    opened_at: float
    peer: WebSocketPeer | None = None
    subscriptions: dict[str, Any] = field(default_factory=dict)
    dropped: bool = False
    ends_at: float = 0.0

    def __post_init__(self) -> None:
        self.ends_at = self.opened_at + LONGEST_SECONDS

    def post(self, message: str) -> bool:
        """Send a message; answers whether it is on its way."""
        peer = self.peer
        if peer is None or self.dropped:
            return False
        try:
            waiting = peer.post(message)
        except WebSocketClosed:
            return False
        if waiting > MOST_WAITING:
            self.dropped = True
            logger.warning("a subscriber of API %s is dropped: it does not take what is sent to it", self.api)
            peer.abort()
        return not self.dropped

    async def close(self, code: int, reason: str = "") -> None:
        """End the connection."""
        if self.peer is not None:
            await self.peer.close(code, reason)
