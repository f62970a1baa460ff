from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
import urllib3

ROLE = "arn:aws:iam::000000000000:role/test-role"
RUNTIME = f"python3.{sys.version_info.minor}"


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("apigateway")


@pytest.fixture
def http() -> Any:
    with urllib3.PoolManager(retries=False) as pool:
        yield pool


@pytest.fixture
def function(kumoi: Any, zipped: Callable[[dict[str, str]], bytes]) -> Callable[..., str]:
    """Create a function that runs `body`; answers its ARN. API Gateway may invoke it."""

    def make(body: str = "return {'body': json.dumps(event)}", name: str = "f") -> str:
        source = "import json, time\n\ndef handler(event, context):\n    " + body.replace("\n", "\n    ") + "\n"
        client = kumoi.client("lambda")
        arn = client.create_function(
            FunctionName=name,
            Runtime=RUNTIME,
            Role=ROLE,
            Handler="app.handler",
            Code={"ZipFile": zipped({"app.py": source})},
        )["FunctionArn"]
        client.add_permission(
            FunctionName=name,
            StatementId="api",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
        )
        return str(arn)

    return make


def invocation(function: str) -> str:
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"


class Api:
    """An API under construction."""

    def __init__(self, client: Any, **properties: Any) -> None:
        self.client = client
        made = client.create_rest_api(**{"name": "api", **properties})
        self.id = str(made["id"])
        self.resources = {"/": str(made["rootResourceId"])}

    def resource(self, path: str) -> str:
        if path not in self.resources:
            parent, _, part = path.rpartition("/")
            self.resources[path] = self.client.create_resource(
                restApiId=self.id, parentId=self.resource(parent or "/"), pathPart=part
            )["id"]
        return self.resources[path]

    def method(self, key: str, integration: dict[str, Any] | str, responses: Any = None, **method: Any) -> None:
        """`GET /path` to a function's ARN, or to what PutIntegration takes; `responses` are integration responses."""
        verb, path = key.split()
        place = {"restApiId": self.id, "resourceId": self.resource(path), "httpMethod": verb}
        self.client.put_method(**place, **{"authorizationType": "NONE", **method})
        if isinstance(integration, str):
            integration = {"type": "AWS_PROXY", "uri": invocation(integration), "integrationHttpMethod": "POST"}
        self.client.put_integration(**place, **integration)
        for response in responses or ():
            self.client.put_method_response(**place, statusCode=response["statusCode"])
            self.client.put_integration_response(**place, **response)

    def deploy(self, stage: str = "dev", **given: Any) -> str:
        return str(self.client.create_deployment(restApiId=self.id, stageName=stage, **given)["id"])


@pytest.fixture
def api(client: Any) -> Callable[..., Api]:
    def make(**properties: Any) -> Api:
        return Api(client, **properties)

    return make


@pytest.fixture
def ask(kumoi: Any, http: Any) -> Callable[..., Any]:
    """Request an API's stage by its host name."""

    def request(api_id: str, method: str = "GET", path: str = "/", stage: str = "dev", **given: Any) -> Any:
        headers = {"Host": f"{api_id}.execute-api.us-east-1.amazonaws.com", **given.pop("headers", {})}
        return http.request(method, f"{kumoi.url}/{stage}{path}", headers=headers, **given)

    return request


@pytest.fixture
def uri() -> Callable[[str], str]:
    return invocation


MOCK = {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}}


@pytest.fixture
def mock() -> dict[str, Any]:
    """A MOCK integration that answers 200."""
    return {**MOCK}


@pytest.fixture
def build() -> type[Api]:
    """Begin an API with a client: `build(client)`."""
    return Api
