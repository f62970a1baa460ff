"""What runs for API Gateway V2 while the platform does: routes compiled, WebSockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.http_api.connections import Connections
from kumoi.services.apigatewayv2.plane import RouteTables
from kumoi.services.apigatewayv2.websocket.session import ORPHANS, Sessions, forget_all, wake_orphans
from kumoi.services.apigatewayv2.websocket.validation import Schemas
from kumoi.state import State
from kumoi.state.timers import TimerRunner


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts; those that all kinds of APIs share are built by `execute-api`."""
    doorway = parts[Doorway]
    parts.add(RouteTables, RouteTables())
    parts.add(Schemas, Schemas())
    connections = parts.add(Connections, Connections())
    sessions = parts.add(Sessions, Sessions(doorway, doorway.clock, connections))
    parts[TimerRunner].on(ORPHANS, sessions.orphaned)
    await wake_orphans(doorway.state)
    try:
        yield
    finally:
        await sessions.stop()


async def forget(parts: Parts, state: State, account: str | None) -> None:
    """Close the WebSockets of an account, or all."""
    await forget_all(state, account)
    await parts[Sessions].close_all(parts[Connections].of_account(account))
