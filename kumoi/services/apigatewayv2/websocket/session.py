"""A connection from its completed handshake to its end: messages in, answers out, time-outs, and `$disconnect`.

Messages are answered as they come, several at once. The end of a connection is an event that is not lost: it is
stored with the connection, and what a crash or a stop left behind ends when the platform starts again (code 1006).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import msgspec

from kumoi.clock import Clock
from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.doorway.call import Call, Trace
from kumoi.http_api.connections import Connection, Connections, new_token
from kumoi.state import Timer, Transaction, transactional
from kumoi.state.space import Space
from kumoi.wire.errors import AwsError
from kumoi.wire.websocket import WebSocketClosed, WebSocketPeer

logger = logging.getLogger(__name__)

IDLE_SECONDS = 600.0
LONGEST_SECONDS = 7200.0
ORPHANS = "apigatewayv2.orphan"
_AT_ONCE = 64
_STOP_SECONDS = 10.0
_GOING_AWAY, _UNSUPPORTED, _VANISHED = 1001, 1003, 1006


class OpenConnection(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of an open connection: enough to tell of its end."""

    id: str
    account: str
    region: str
    api: str
    stage: str
    host: str
    source: str
    user_agent: str
    connected_at: float
    identity: dict[str, Any] = {}
    authorizer: dict[str, Any] | None = None


open_connections: Space[OpenConnection] = Space(
    "apigatewayv2.connection", OpenConnection, lambda one: (one.id,), scope="global"
)


class Sessions:
    """Runs connections. `idle` is how long one may be silent, `longest` how long it may last, in seconds."""

    def __init__(self, doorway: Doorway, clock: Clock, connections: Connections) -> None:
        self._doorway = doorway
        self._clock = clock
        self._connections = connections
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, connection: Connection, peer: WebSocketPeer) -> None:
        """Serve a connection until it ends."""
        connection.peer = peer
        connection.last_active = self._clock.now()
        self._connections.add(connection)
        watcher = asyncio.create_task(self._watch(connection, peer))
        room = asyncio.Semaphore(_AT_ONCE)
        closed = WebSocketClosed(_VANISHED)
        try:
            while True:
                message = await peer.receive()
                connection.last_active = self._clock.now()
                if isinstance(message, bytes):
                    await peer.close(_UNSUPPORTED)
                    raise WebSocketClosed(_UNSUPPORTED)
                await room.acquire()
                self._begin(self._answer(connection, peer, message)).add_done_callback(lambda _: room.release())
        except WebSocketClosed as end:
            closed = end
        finally:
            watcher.cancel()
            self._connections.remove(connection)
            if not closed.stopping:
                self._begin(self.end(connection, closed.code, closed.reason))

    async def end(self, connection: Connection, code: int, reason: str) -> None:
        """Tell of a connection's end, then forget it."""
        try:
            await self._ask(connection, "EndWebSocketConnection", Code=code, Reason=reason)
        except (AwsError, CallDropped) as error:
            logger.warning("$disconnect of %s: %s", connection.api, error)
        await _forget(self._doorway.state, connection.id)

    async def close(self, connection: Connection, code: int, reason: str = "") -> None:
        """Close a connection from this side."""
        if connection.peer is not None:
            await connection.peer.close(code, reason)

    async def close_all(self, connections: list[Connection]) -> None:
        """Close connections whose stage, API or account goes."""
        for connection in connections:
            await self.close(connection, _GOING_AWAY)

    async def orphaned(self, timer: Timer) -> None:
        """Tell of the end of a connection that a crash broke."""
        stored = await _find(self._doorway.state, timer.payload.decode())
        if stored is not None:
            known = msgspec.structs.asdict(stored)
            self._begin(self.end(Connection(**known, last_active=stored.connected_at), _VANISHED, ""))

    async def stop(self) -> None:
        """Wait for what is under way, for a while."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _answer(self, connection: Connection, peer: WebSocketPeer, message: str) -> None:
        request_id = new_token()
        try:
            answer = await self._ask(connection, "ServeWebSocketMessage", request_id, Body=message)
        except CallDropped:
            return
        except AwsError:
            answer = (
                f'{{"message": "Internal server error", "connectionId":"{connection.id}", "requestId":"{request_id}"}}'
            )
        if answer is not None:
            try:
                await peer.send(answer)
            except WebSocketClosed:
                return
            connection.last_active = self._clock.now()

    async def _ask(self, connection: Connection, operation: str, request_id: str = "", **params: Any) -> Any:
        """Pass an event of a connection through the doorway, as a call of API Gateway's own."""
        caller = Principal.of_service(connection.account, "apigateway.amazonaws.com", "client")
        call = Call(
            self._doorway,
            "apigatewayv2",
            operation,
            {"ApiId": connection.api, "Connection": connection, **params},
            caller,
            connection.account,
            connection.region,
            Trace.new(self._clock.now()),
            caller.source,
            request_id=request_id or new_token(),
        )
        return await self._doorway.dispatch(call)

    async def _watch(self, connection: Connection, peer: WebSocketPeer) -> None:
        """Close a connection that is silent, or that lasts, for too long."""
        while True:
            due = min(connection.last_active + IDLE_SECONDS, connection.connected_at + LONGEST_SECONDS)
            if self._clock.now() >= due:
                await peer.close(_GOING_AWAY)
                return
            await self._clock.sleep_until(due)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a WebSocket connection's work failed", exc_info=error)


@transactional
async def remember(tx: Transaction, connection: Connection) -> None:
    """Store a connection whose end somebody wants to hear of."""
    await open_connections.put(
        tx,
        OpenConnection(
            id=connection.id,
            account=connection.account,
            region=connection.region,
            api=connection.api,
            stage=connection.stage,
            host=connection.host,
            source=connection.source,
            user_agent=connection.user_agent,
            connected_at=connection.connected_at,
            identity=dict(connection.identity),
            authorizer=None if connection.authorizer is None else dict(connection.authorizer),
        ),
    )


@transactional
async def wake_orphans(tx: Transaction) -> None:
    """Have the end told, once everything runs, of connections that were open when the platform ended."""
    for one in await open_connections.list(tx):
        tx.timer(tx.now, ORPHANS, one.id.encode(), key=one.id)


@transactional
async def forget_all(tx: Transaction, account: str | None) -> None:
    """Nobody wants to hear of the ends of an account's connections any more."""
    for one in await open_connections.list(tx):
        if account in (None, one.account):
            await open_connections.delete(tx, one.id)


@transactional
async def _forget(tx: Transaction, connection_id: str) -> None:
    await open_connections.delete(tx, connection_id)


@transactional
async def _find(tx: Transaction, connection_id: str) -> OpenConnection | None:
    return await open_connections.get(tx, connection_id)
