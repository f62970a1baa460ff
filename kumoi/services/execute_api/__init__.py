"""The addresses of APIs: from a host name, a path form or a custom domain name to the service whose API it is.

One data plane for every kind of API, because their addresses look alike: only the id tells them apart. The
same call goes on in the service of the API: it is on the map as that service's.

Rules: "Invoking REST APIs", "Working with custom domain names" of the API Gateway developer guide.
"""

from __future__ import annotations

from kumoi.doorway import Service

execute_api = Service("execute-api", __name__, modules=("plane",), data_planes=("execute-api",), page="api-gateway")
