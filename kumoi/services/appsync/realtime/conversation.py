"""What is said on one connection: messages that are answered side by side, each a call through the doorway."""

from __future__ import annotations

import asyncio
import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import orjson

from kumoi.doorway import Call, CallDropped, ChargeKey, Principal
from kumoi.doorway.call import Trace
from kumoi.services.appsync.realtime import messages
from kumoi.services.appsync.realtime.hub import Hub
from kumoi.services.appsync.realtime.session import Session
from kumoi.wire.errors import AwsError
from kumoi.wire.websocket import WebSocketClosed, WebSocketPeer

logger = logging.getLogger(__name__)

MAX_ID = 128
MOST_UNDER_WAY = 8 * 1024 * 1024
"""Bytes of messages that are answered at a time; shorter ones than `SHORT` are bounded by their number."""
SHORT = 4 * 1024


class Conversation(ABC):
    """The messages of a session. `pending` are those under way, by their ids; a client that sends too much is refused.

    `acknowledged` answers connection_init.
    """

    acknowledged: ClassVar[str]

    def __init__(self, hub: Hub, call: Call, session: Session) -> None:
        self.hub = hub
        self.session = session
        self.pending: dict[str, asyncio.Task[None]] = {}
        self._doorway = call.doorway
        self._taken = 0
        self._under_way = 0

    @abstractmethod
    def handle(self, kind: str, id: str, message: Mapping[str, Any]) -> None:
        """Do what a message of a kind says."""

    @abstractmethod
    def fail(self, id: str | None, kind: str, text: str) -> None:
        """Tell the client of an error that belongs to no operation."""

    @abstractmethod
    def refuse(self, kind: str, id: str, error: str, text: str) -> None:
        """Tell the client that a message of a kind failed."""

    async def run(self, peer: WebSocketPeer) -> None:
        """Take messages until the connection ends."""
        session = self.session
        session.peer = peer
        self.hub.open(session)
        session.post(messages.KEEP_ALIVE)
        try:
            while True:
                self._take(await peer.receive())
        except WebSocketClosed:
            pass
        finally:
            self.hub.close(session)
            seconds = self._doorway.clock.now() - session.opened_at
            key = ChargeKey(session.account, session.region, "", f"appsync:{session.api}", "appsync", "Connection")
            self._doorway.charges.add(key, appsync_connection_minutes=max(math.ceil(seconds / 60), 1))
            tasks = list(self.pending.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def begin(self, id: str, operation: str, kind: str, message: Mapping[str, Any]) -> None:
        """Answer a message beside others."""
        size, task = self._taken, asyncio.create_task(self._answer(id, operation, kind, message))
        self.pending[id] = task
        self._under_way += size
        task.add_done_callback(lambda _: self._done(size))

    async def ask(self, operation: str, params: Mapping[str, Any]) -> None:
        """Pass a message through the doorway: a call like any other."""
        session = self.session
        call = Call(
            self._doorway,
            "appsync",
            operation,
            {"apiId": session.api, "Session": session, **params},
            Principal.of_service(session.account, "appsync.amazonaws.com", "client"),
            session.account,
            session.region,
            Trace.new(self._doorway.clock.now()),
            http=session.request,
        )
        await self._doorway.dispatch(call)

    def _done(self, size: int) -> None:
        self._under_way -= size

    def _take(self, text: str | bytes) -> None:
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            message = None
        if not isinstance(message, dict):
            self.fail(None, "BadRequestException", "The message is not a JSON object.")
            return
        kind, id = message.get("type"), message.get("id")
        if kind == "connection_init":
            self.session.post(self.acknowledged)
        elif not isinstance(id, str) or not id or len(id) > MAX_ID:
            self.fail(None, "BadRequestException", f"A message needs an id of up to {MAX_ID} characters.")
        elif len(text) > SHORT and self._under_way + len(text) > MOST_UNDER_WAY:
            self.refuse(str(kind), id, "LimitExceededError", "Too much is under way.")
        else:
            self._taken = len(text)
            self.handle(str(kind), id, message)

    async def _answer(self, id: str, operation: str, kind: str, message: Mapping[str, Any]) -> None:
        try:
            await self.ask(operation, {"Id": id, "Message": message})
        except AwsError as error:
            self.refuse(kind, id, error.code, error.message)
        except CallDropped:
            self.refuse(kind, id, "InternalFailure", "The connection was lost.")
        except Exception:
            logger.exception("a message of type %s could not be answered", kind)
            self.refuse(kind, id, "InternalFailure", "Internal Failure")
        finally:
            if self.pending.get(id) is asyncio.current_task():
                del self.pending[id]
