"""Send to a connection, describe it, close it."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from kumoi.doorway import Call
from kumoi.http_api.connections import MAX_MESSAGE, Connection, Connections
from kumoi.services.apigatewaymanagementapi import apigatewaymanagementapi
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.websocket import WebSocketClosed, WebSocketPeer

METERED = 32 * 1024
"""Bytes that count as one message."""


@apigatewaymanagementapi.operation
async def post_to_connection(call: Call, ConnectionId: str, Data: bytes) -> None:
    """Send a message of at most 128 KB: a text, where the bytes are UTF-8."""
    if len(Data) > MAX_MESSAGE:
        raise aws_error("PayloadTooLargeException", "Message too long")
    connection, peer = _find(call, ConnectionId)
    try:
        await peer.send(_text(Data))
    except WebSocketClosed:
        raise _gone() from None
    call.meter("websocket_messages", -(-max(len(Data), 1) // METERED))
    connection.last_active = call.now


@apigatewaymanagementapi.operation
async def get_connection(call: Call, ConnectionId: str) -> dict[str, Any]:
    """When a connection was made, when it was last used, and by whom."""
    connection, _ = _find(call, ConnectionId)
    return {
        "ConnectedAt": connection.connected_at,
        "Identity": {"SourceIp": connection.source, "UserAgent": connection.user_agent},
        "LastActiveAt": connection.last_active,
    }


@apigatewaymanagementapi.operation
async def delete_connection(call: Call, ConnectionId: str) -> None:
    """Close a connection (code 1000)."""
    _, peer = _find(call, ConnectionId)
    await peer.close(1000, "Connection Closed Normally")


def _find(call: Call, connection_id: str) -> tuple[Connection, WebSocketPeer]:
    """The open connection of the API and stage that the address names; GoneException when there is none.

    An address that names none (the platform's own, as `endpoint_url`) finds any connection of the caller's account.
    """
    connection = call.part(Connections).find(connection_id)
    if connection is None or connection.peer is None:
        raise _gone()
    api, stage = call.attributes.get("id"), unquote(call.attributes.get("stage", "")).strip("/")
    if connection.account != call.account or (api is not None and (api, stage) != (connection.api, connection.stage)):
        raise aws_error("ForbiddenException", "Forbidden")
    call.node = f"apigatewayv2:{connection.api}"
    return connection, connection.peer


def _gone() -> AwsError:
    return aws_error("GoneException", "")


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
