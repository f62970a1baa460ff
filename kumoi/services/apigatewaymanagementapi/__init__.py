"""Amazon API Gateway Management API: `@connections`, what backends do with the connections of WebSocket APIs.

A connection is found among those that are open in this process (`kumoi/http_api/connections.py`); the address says of
which API and stage it is. Rules: "Use @connections commands in your backend service" of the developer guide.
"""

from __future__ import annotations

from kumoi.doorway import Service

apigatewaymanagementapi = Service(
    "apigatewaymanagementapi", __name__, modules=("operations",), page="websocket-apis", authorization="authorization"
)
