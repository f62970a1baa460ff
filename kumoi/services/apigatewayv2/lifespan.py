"""What runs for API Gateway V2 while the platform does: routes compiled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Parts
from kumoi.services.apigatewayv2.plane import RouteTables


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts; those that all kinds of APIs share are built by `execute-api`."""
    parts.add(RouteTables, RouteTables())
    yield
