from __future__ import annotations

import base64
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

KEY = {"authType": "API_KEY"}
IAM = {"authType": "AWS_IAM"}


class Peer:
    """A client's end of the protocol of Events."""

    def __init__(self, connection: ClientConnection, headers: dict[str, str]) -> None:
        self.socket = connection
        self.headers = headers

    def send(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def receive(self) -> dict[str, Any]:
        """The next message that is no keep-alive."""
        while True:
            message: dict[str, Any] = json.loads(self.socket.recv(timeout=60))
            if message["type"] != "ka":
                return message

    def ask(self, type: str, id: str, channel: str = "", **more: Any) -> dict[str, Any]:
        self.send(type=type, id=id, channel=channel, **{"authorization": self.headers, **more})
        return self.receive()

    def silent(self) -> bool:
        return self.ask("unsubscribe", "nothing")["type"] == "unsubscribe_error"


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("appsync")


@pytest.fixture
def api(client: Any) -> str:
    """An Event API with the namespace `chat`."""
    config = {
        "authProviders": [KEY, IAM],
        "connectionAuthModes": [KEY, IAM],
        "defaultPublishAuthModes": [KEY],
        "defaultSubscribeAuthModes": [KEY],
    }
    found = str(client.create_api(name="live", eventConfig=config)["api"]["apiId"])
    client.create_channel_namespace(apiId=found, name="chat")
    return found


@pytest.fixture
def key(client: Any, api: str) -> str:
    return str(client.create_api_key(apiId=api)["apiKey"]["id"])


@pytest.fixture
def dial(kumoi: Any, api: str, key: str) -> Iterator[Callable[..., Peer]]:
    """Connect as aws-amplify does."""
    with ExitStack() as stack:

        def open_one(
            headers: dict[str, str] | None = None, *, receive_buffer: int | None = None, **options: Any
        ) -> Peer:
            given = {"host": "localhost", "x-api-key": key} if headers is None else headers
            encoded = base64.urlsafe_b64encode(json.dumps(given).encode()).decode().rstrip("=")
            offered = [Subprotocol("aws-appsync-event-ws"), Subprotocol(f"header-{encoded}")]
            url = f"{kumoi.url.replace('http://', 'ws://')}/event/{api}/realtime"
            if receive_buffer is not None:
                raw = socket.socket()
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
                raw.connect(("127.0.0.1", int(kumoi.url.rpartition(":")[2])))
                options["sock"] = raw
            return Peer(stack.enter_context(connect(url, subprotocols=offered, open_timeout=60, **options)), given)

        yield open_one


@pytest.fixture
def post(kumoi: Any, api: str, key: str) -> Callable[..., tuple[int, Any]]:
    """Publish over HTTP."""

    def send(channel: Any, *events: Any, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        body = json.dumps({"channel": channel, "events": list(events)}).encode()
        given = {"content-type": "application/json", **({"x-api-key": key} if headers is None else headers)}
        request = urllib.request.Request(f"{kumoi.url}/event/{api}", data=body, headers=given)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    return send
