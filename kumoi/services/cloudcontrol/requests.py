"""Requests in the key space, for a week, and the progress events that tell of them."""

from __future__ import annotations

from typing import Any

from kumoi.services.cloudcontrol.records import Request, requests
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

KEPT = 7 * 86_400.0
"""For how many seconds a request can be asked for."""
_CLIENT_TOKENS = 36 * 3600.0
"""For how many seconds a client token means the same request."""


@transactional
async def keep(tx: Transaction, request: Request) -> None:
    """Store a request, and drop what is too old."""
    for old in await requests.list(tx):
        if old.time < tx.now - KEPT:
            await requests.delete(tx, old.token)
    await requests.put(tx, request)


@transactional
async def known(tx: Transaction, client: str) -> Request | None:
    """The request that came with a client token, or None."""
    since = tx.now - _CLIENT_TOKENS
    return next((one for one in await requests.list(tx) if one.client == client and one.time >= since), None)


@transactional
async def find(tx: Transaction, token: str) -> Request:
    """A request; RequestTokenNotFoundException."""
    found = await requests.get(tx, token)
    if found is None or found.time < tx.now - KEPT:
        raise aws_error("RequestTokenNotFoundException", f"Request with token {token} was not found")
    return found


@transactional
async def all_requests(tx: Transaction) -> list[Request]:
    """The requests of the last week."""
    return [one for one in await requests.list(tx) if one.time >= tx.now - KEPT]


def event(request: Request) -> dict[str, Any]:
    """The progress event of a request."""
    told = {
        "TypeName": request.kind,
        "Identifier": request.identifier,
        "RequestToken": request.token,
        "Operation": request.operation,
        "OperationStatus": "FAILED" if request.error else "SUCCESS",
        "EventTime": request.time,
        "ResourceModel": request.model,
        "StatusMessage": request.message,
        "ErrorCode": request.error,
    }
    return {name: value for name, value in told.items() if value != ""}
