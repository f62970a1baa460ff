"""Which permissions `@connections` needs: `execute-api:ManageConnections` on a connection of an API's stage.

Source: "Control access to WebSocket APIs with IAM authorization".
"""

from __future__ import annotations

from kumoi.doorway import Authorization, Call
from kumoi.http_api.connections import Connections
from kumoi.http_api.places import execute_arn

_METHODS = {"DeleteConnection": "DELETE", "GetConnection": "GET", "PostToConnection": "POST"}


def _connection(call: Call) -> str:
    """The ARN that policies name a connection by; the address, or the connection itself, says of which API it is."""
    connection_id = str(call.params.get("ConnectionId"))
    api, stage = call.attributes.get("id"), call.attributes.get("stage", "").strip("/")
    if api is None:
        found = call.part(Connections).find(connection_id)
        api, stage = ("*", "*") if found is None else (found.api, found.stage)
    rest = f"{stage}/{_METHODS[call.operation]}/@connections/{connection_id}"
    return execute_arn(call.region, call.account, api, rest)


AUTHORIZATION = Authorization("execute-api", resource=_connection, actions=dict.fromkeys(_METHODS, "ManageConnections"))
