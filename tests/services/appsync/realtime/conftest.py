from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

SDL = """
type Query { hello: String }
type Mutation {
  add(room: ID!, text: String, n: Int): Message
  drop(room: ID!): Message
  kick(room: ID!): Message
  shout(text: String): Shout
}
type Message @aws_api_key @aws_iam {
  id: ID! room: ID text: String n: Int tags: [String] from: Person
  secret: String @aws_iam
}
type Person @aws_api_key @aws_iam { name: String! }
type Loud { text: String }
type Quiet { text: String }
union Shout = Loud | Quiet
type Subscription {
  onAdd(room: ID, n: Int): Message @aws_subscribe(mutations: ["add", "drop"])
  filtered(least: Int): Message @aws_subscribe(mutations: ["add"])
  refused: Message @aws_subscribe(mutations: ["add"])
  onShout: Shout @aws_subscribe(mutations: ["shout"])
  signed: Message @aws_subscribe(mutations: ["add"]) @aws_iam
  both: Message @aws_subscribe(mutations: ["add"]) @aws_api_key @aws_iam
}
"""
ECHO = '{"version":"2018-05-29","payload":$util.toJson($ctx.args)}'
ADDED = (
    '#set($m = $ctx.result)$util.qr($m.put("id", $util.autoId()))$util.qr($m.put("tags", ["a", "b"]))'
    '$util.qr($m.put("from", {"name": "Ada"}))$util.qr($m.put("secret", "s"))$util.toJson($m)'
)


def encoded(headers: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(headers).encode()).decode().rstrip("=")


class Subscriber:
    """A client's end of the real-time protocol."""

    def __init__(self, socket: ClientConnection, headers: dict[str, str]) -> None:
        self.socket = socket
        self.headers = headers

    def send(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def receive(self, timeout: float = 20) -> dict[str, Any]:
        """The next message that is no keep-alive."""
        while True:
            message: dict[str, Any] = json.loads(self.socket.recv(timeout=timeout))
            if message["type"] != "ka":
                return message

    def start(self, id: str, query: str, headers: dict[str, str] | None = None, **variables: Any) -> dict[str, Any]:
        data = json.dumps({"query": query, "variables": variables})
        authorization = self.headers if headers is None else headers
        self.send(id=id, type="start", payload={"data": data, "extensions": {"authorization": authorization}})
        return self.receive()

    def silent(self) -> bool:
        """Whether nothing but the answer to a stop of an unknown subscription comes."""
        self.send(id="nothing", type="stop")
        return self.receive() == {"id": "nothing", "type": "complete"}


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("appsync")


@pytest.fixture
def api(client: Any) -> str:
    """An API whose mutations feed subscriptions."""
    made = client.create_graphql_api(
        name="api",
        authenticationType="API_KEY",
        additionalAuthenticationProviders=[{"authenticationType": "AWS_IAM"}],
    )
    found = str(made["graphqlApi"]["apiId"])
    client.start_schema_creation(apiId=found, definition=SDL.encode())
    assert client.get_schema_creation_status(apiId=found)["status"] == "SUCCESS"
    client.create_data_source(apiId=found, name="none", type="NONE")
    client.create_resolver(
        apiId=found,
        typeName="Mutation",
        fieldName="add",
        dataSourceName="none",
        requestMappingTemplate=ECHO,
        responseMappingTemplate=ADDED,
    )
    return found


@pytest.fixture
def resolve(client: Any, api: str) -> Callable[..., None]:
    """Give a field a resolver of templates or code."""

    def create(field: str, request: str = "", response: str = "", *, code: str = "", of: str = "Mutation") -> None:
        program: dict[str, Any] = {"requestMappingTemplate": request, "responseMappingTemplate": response}
        if code:
            program = {"code": code, "runtime": {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}}
        client.create_resolver(apiId=api, typeName=of, fieldName=field, dataSourceName="none", **program)

    return create


@pytest.fixture
def key(client: Any, api: str) -> str:
    return str(client.create_api_key(apiId=api)["apiKey"]["id"])


@pytest.fixture
def dial(kumoi: Any, api: str, key: str) -> Iterator[Callable[..., Subscriber]]:
    """Connect to an API's real-time endpoint, as aws-amplify does (the other ways have tests of their own)."""
    with ExitStack() as stack:

        def open_one(headers: dict[str, str] | None = None, path: str = "") -> Subscriber:
            given = {"host": "localhost", "x-api-key": key} if headers is None else headers
            url = kumoi.url.replace("http://", "ws://") + (path or f"/graphql/{api}/realtime")
            offered = [Subprotocol("graphql-ws"), Subprotocol(f"header-{encoded(given)}")]
            socket = stack.enter_context(connect(url, subprotocols=offered, open_timeout=60))
            return Subscriber(socket, given)

        yield open_one


@pytest.fixture
def subscriber(dial: Callable[..., Subscriber]) -> Callable[[], Subscriber]:
    """A connection that is acknowledged."""

    def ready() -> Subscriber:
        one = dial()
        one.send(type="connection_init")
        assert one.receive() == {"type": "connection_ack", "payload": {"connectionTimeoutMs": 300000}}
        return one

    return ready


@pytest.fixture
def mutate(kumoi: Any, api: str, key: str) -> Callable[[str], dict[str, Any]]:
    """Run a mutation with a key of the API."""

    def run(text: str) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{kumoi.url}/graphql/{api}",
            data=json.dumps({"query": text}).encode(),
            headers={"content-type": "application/json", "x-api-key": key},
        )
        with urllib.request.urlopen(request) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found

    return run
