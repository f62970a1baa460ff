from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3

ROLE = "arn:aws:iam::000000000000:role/test-role"
RUNTIME = f"python3.{sys.version_info.minor}"


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("apigatewayv2")


@pytest.fixture
def http() -> Any:
    with urllib3.PoolManager(retries=False) as pool:
        yield pool


@pytest.fixture
def function(kumoi: Any, zipped: Callable[[dict[str, str]], bytes]) -> Callable[..., str]:
    """Create a function that runs `body`; answers its ARN. API Gateway may invoke it."""

    def make(body: str = "return event", name: str = "f", **options: Any) -> str:
        source = "import json, time\n\ndef handler(event, context):\n    " + body.replace("\n", "\n    ") + "\n"
        parameters = {"Runtime": RUNTIME, "Role": ROLE, "Handler": "app.handler", **options}
        parameters["Code"] = {"ZipFile": zipped({"app.py": source})}
        client = kumoi.client("lambda")
        arn = client.create_function(FunctionName=name, **parameters)["FunctionArn"]
        client.add_permission(
            FunctionName=name,
            StatementId="api",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
        )
        return str(arn)

    return make


@pytest.fixture
def ask(kumoi: Any, http: Any) -> Callable[..., Any]:
    """Request an API by its host name."""

    def request(api_id: str, method: str = "GET", path: str = "/", **given: Any) -> Any:
        headers = {"Host": f"{api_id}.execute-api.us-east-1.amazonaws.com", **given.pop("headers", {})}
        return http.request(method, f"{kumoi.url}{path}", headers=headers, **given)

    return request


@pytest.fixture
def serve(client: Any) -> Callable[..., str]:
    """An API with routes to integrations of ARNs or URLs, and a `$default` stage; answers its id."""

    def make(routes: dict[str, Any], *, version: str = "2.0", stage: dict[str, Any] | None = None, **api: Any) -> str:
        api_id = client.create_api(Name="a", ProtocolType="HTTP", **api)["ApiId"]
        for key, target in routes.items():
            options = dict(target) if isinstance(target, dict) else {"uri": target}
            uri = options.pop("uri")
            given = options.pop("integration", {})
            kind = (
                {"IntegrationType": "AWS_PROXY", "PayloadFormatVersion": version}
                if uri.startswith("arn:")
                else {"IntegrationType": "HTTP_PROXY", "IntegrationMethod": "ANY"}
            )
            made = client.create_integration(ApiId=api_id, IntegrationUri=uri, **{**kind, **given})
            client.create_route(ApiId=api_id, RouteKey=key, Target=f"integrations/{made['IntegrationId']}", **options)
        given_stage = {"StageName": "$default", "AutoDeploy": True, **(stage or {})}
        client.create_stage(ApiId=api_id, **given_stage)
        return str(api_id)

    return make


@pytest.fixture
def port(kumoi: Any) -> int:
    return int(urlsplit(kumoi.url).port or 0)
