"""Open connections to WebSocket APIs by their ids: what routes their messages keeps them, `@connections` finds them."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kumoi.wire.websocket import WebSocketPeer

MAX_MESSAGE = 131_072
MAX_FRAME = 32_768


def new_token() -> str:
    """An id as WebSocket APIs give them to connections, messages and requests: 16 characters, the last one `=`."""
    return base64.urlsafe_b64encode(os.urandom(11)).decode()


@dataclass(slots=True, eq=False)
class Connection:
    """One connection. Times are epoch seconds of the platform; `peer` is None until the handshake is complete.

    `host` is the name (with what else an address needs) that leads to the API; `identity` and `authorizer` are what
    the handshake told of its caller, for the events of every message.
    """

    id: str
    api: str
    stage: str
    account: str
    region: str
    host: str
    source: str
    user_agent: str
    connected_at: float
    last_active: float
    identity: Mapping[str, Any] = field(default_factory=dict)
    authorizer: Mapping[str, Any] | None = None
    peer: WebSocketPeer | None = None


class Connections:
    """The connections that are open in this process."""

    def __init__(self) -> None:
        self._open: dict[str, Connection] = {}

    def add(self, connection: Connection) -> None:
        """Messages can be sent to a connection from now on."""
        self._open[connection.id] = connection

    def remove(self, connection: Connection) -> None:
        """A connection is closed."""
        self._open.pop(connection.id, None)

    def find(self, connection_id: str) -> Connection | None:
        """The open connection with an id."""
        return self._open.get(connection_id)

    def of_api(self, api: str, stage: str | None = None) -> list[Connection]:
        """The open connections of an API, or of a stage of it."""
        return [one for one in self._open.values() if one.api == api and stage in (None, one.stage)]

    def of_account(self, account: str | None) -> list[Connection]:
        """The open connections of an account, or all."""
        return [one for one in self._open.values() if account in (None, one.account)]
