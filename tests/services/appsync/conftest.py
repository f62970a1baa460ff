from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

SDL = """
type Query {
  hello: String
  get(id: ID!): P
  list(limit: Int): [P!]!
  any: Thing
  secret: String @aws_iam
}
type Mutation { put(id: ID!, n: Int, j: AWSJSON, at: AWSDateTime): P  remove(id: ID!): P }
type P @aws_api_key @aws_iam { id: ID! n: Int! at: AWSDateTime j: AWSJSON note: String }
type Q { q: String }
union Thing = P | Q
schema { query: Query mutation: Mutation }
"""


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("appsync")


@pytest.fixture
def api(client: Any) -> str:
    """An API with a schema."""
    made = client.create_graphql_api(
        name="api",
        authenticationType="API_KEY",
        additionalAuthenticationProviders=[{"authenticationType": "AWS_IAM"}],
    )
    found = str(made["graphqlApi"]["apiId"])
    client.start_schema_creation(apiId=found, definition=SDL.encode())
    client.create_data_source(apiId=found, name="none", type="NONE")
    return found


@pytest.fixture
def resolve(client: Any, api: str) -> Callable[..., None]:
    """Give a field a resolver of templates or code."""

    def create(
        field: str, request: str = "", response: str = "", *, code: str = "", source: str = "none", of: str = "Query"
    ) -> None:
        program: dict[str, Any] = {"requestMappingTemplate": request, "responseMappingTemplate": response}
        if code:
            program = {"code": code, "runtime": {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}}
        elif not request:
            program = {}
        client.create_resolver(apiId=api, typeName=of, fieldName=field, dataSourceName=source, **program)

    return create


Answer = tuple[int, dict[str, Any]]


@pytest.fixture
def post(kumoi: Any) -> Callable[..., Answer]:
    """Send a body to an API."""

    def send(api: str, body: bytes, **headers: str) -> Answer:
        request = urllib.request.Request(
            f"{kumoi.url}/_kumoi/appsync-api/{api}/graphql",
            data=body,
            headers={"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}},
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    return send


@pytest.fixture
def ask(client: Any, api: str, post: Callable[..., Answer]) -> Callable[..., dict[str, Any]]:
    """Run a query with a key of the API."""
    key = client.create_api_key(apiId=api)["apiKey"]["id"]

    def query(text: str, **variables: Any) -> dict[str, Any]:
        status, answer = post(api, json.dumps({"query": text, "variables": variables}).encode(), x_api_key=key)
        assert status == 200, answer
        return answer

    return query
