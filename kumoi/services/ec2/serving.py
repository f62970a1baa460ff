"""What all operations have in common: DryRun, and the default network that is there before anybody asks.

A handler is written without DryRun; registering it here adds the member.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from kumoi.doorway import Call
from kumoi.networks.records import items
from kumoi.services.ec2 import ec2
from kumoi.services.ec2.defaults import default_network
from kumoi.services.ec2.records import Begun, begun
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

Handler = Callable[..., Awaitable[Any]]


def operation(handler: Handler) -> Handler:
    """Register a handler: with DryRun its caller learns that the request would have succeeded, and nothing happens."""

    @wraps(handler)
    async def served(call: Call, DryRun: bool = False, **members: Any) -> Any:
        if DryRun:
            message = "Request would have succeeded, but DryRun flag is set."
            raise aws_error("DryRunOperation", message, status=412)
        if await begun.look(call.state) is None:
            await begin(call.state)
        return await handler(call, **members)

    told = inspect.signature(handler)
    dry_run = inspect.Parameter("DryRun", inspect.Parameter.KEYWORD_ONLY, default=False)
    served.__signature__ = told.replace(parameters=[*told.parameters.values(), dry_run])  # type: ignore[attr-defined]
    return ec2.operation(served)


@transactional
async def begin(tx: Transaction) -> None:
    """Make the default network of the account in the region, once."""
    if await begun.get(tx) is None:
        await begun.put(tx, Begun(tx.now))
        for item in default_network(tx.account, tx.region):
            await items.put(tx, item)
