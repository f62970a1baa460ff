"""aws-amplify (Node.js) and gql (Python) subscribe to AppSync's APIs, publish, and connect again, unmodified."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SDL = """
type Query { hello: String }
type Mutation { add(room: ID, text: String): Message }
type Message { id: ID! room: ID text: String }
type Subscription { onAdd(room: ID): Message @aws_subscribe(mutations: ["add"]) }
"""
KEY = {"authType": "API_KEY"}


class Program:
    """A Node.js program that prints a text, or a JSON object, a line, and takes one a line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: queue.Queue[Any] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def expect(self, wanted: Any, seconds: float = 60) -> None:
        """Read on until it says that."""
        seen = []
        while True:
            try:
                said = self._lines.get(timeout=seconds)
            except queue.Empty:
                pytest.fail(f"{wanted} did not come; what came: {seen}")
            if said == wanted:
                return
            assert said is not None, f"it ended before it said {wanted}: {seen}"
            seen.append(said)

    def say(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(json.loads(line) if line.startswith("{") else line.rstrip())
        self._lines.put(None)


@pytest.fixture
def node(amplify: Path, kumoi: Any) -> Iterator[Callable[..., Program]]:
    """Run a program beside Amplify, which trusts the platform's certificates as `kumoi trust` says."""
    with urllib.request.urlopen(f"{kumoi.url}/_kumoi/authority") as answer:
        authority = json.load(answer)["certificate"]
    with ExitStack() as stack:

        def run(name: str, *arguments: str) -> Program:
            process = stack.enter_context(
                subprocess.Popen(
                    ["node", name, *arguments],
                    cwd=amplify,
                    env={**os.environ, "NODE_EXTRA_CA_CERTS": authority},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            return Program(process)

        yield run


@pytest.fixture
def api(kumoi: Any) -> tuple[str, str]:
    """A GraphQL API and a key of it."""
    client = kumoi.client("appsync")
    made = str(client.create_graphql_api(name="chat", authenticationType="API_KEY")["graphqlApi"]["apiId"])
    client.start_schema_creation(apiId=made, definition=SDL.encode())
    client.create_data_source(apiId=made, name="none", type="NONE")
    client.create_resolver(
        apiId=made,
        typeName="Mutation",
        fieldName="add",
        dataSourceName="none",
        requestMappingTemplate='{"version":"2018-05-29","payload":$util.toJson($ctx.args)}',
        responseMappingTemplate='$util.qr($ctx.result.put("id", "1"))$util.toJson($ctx.result)',
    )
    return made, str(client.create_api_key(apiId=made)["apiKey"]["id"])


def port(kumoi: Any) -> str:
    return str(kumoi.url.rpartition(":")[2])


def test_amplify_subscribes_and_connects_again(node: Callable[..., Program], kumoi: Any, api: tuple[str, str]) -> None:
    program = node("subscribe.mjs", f"http://localhost:{port(kumoi)}/graphql/{api[0]}", api[1])
    got = {"data": {"onAdd": {"id": "1", "room": "a", "text": "from Amplify"}}}
    program.expect({"state": "Connected"})
    program.say("mutate")
    program.expect(got)
    program.say("break")
    program.expect({"state": "ConnectionDisrupted"})
    program.expect({"state": "Connected"})
    program.say("mutate")
    program.expect(got)


def test_amplify_publishes_and_subscribes_to_events(node: Callable[..., Program], kumoi: Any) -> None:
    client = kumoi.client("appsync")
    config = {
        "authProviders": [KEY],
        "connectionAuthModes": [KEY],
        "defaultPublishAuthModes": [KEY],
        "defaultSubscribeAuthModes": [KEY],
    }
    api = client.create_api(name="live", eventConfig=config)["api"]["apiId"]
    client.create_channel_namespace(apiId=api, name="chat")
    key = client.create_api_key(apiId=api)["apiKey"]["id"]
    program = node("events.mjs", f"http://localhost:{port(kumoi)}/event/{api}", key)
    program.expect({"event": {"text": "over HTTP"}})
    program.expect({"event": {"text": "over the WebSocket"}})


def test_gql_subscribes(kumoi: Any, api: tuple[str, str]) -> None:
    from gql import Client, gql
    from gql.transport.appsync_auth import AppSyncApiKeyAuthentication
    from gql.transport.appsync_websockets import AppSyncWebsocketsTransport

    async def run() -> Any:
        auth = AppSyncApiKeyAuthentication(host="localhost", api_key=api[1])
        url = f"ws://localhost:{port(kumoi)}/graphql/{api[0]}/realtime"
        async with Client(transport=AppSyncWebsocketsTransport(url=url, auth=auth)) as session:
            async with asyncio.timeout(60):
                subscription = session.subscribe(gql("subscription { onAdd { text } }"))
                first = asyncio.ensure_future(anext(subscription))
                while not first.done():
                    await asyncio.to_thread(add, kumoi, api)
                    await asyncio.sleep(0)
                got = await first
                await subscription.aclose()
                return got

    assert asyncio.run(run()) == {"onAdd": {"text": "hi"}}


def test_gql_signs(kumoi: Any) -> None:
    from botocore.credentials import Credentials
    from gql import Client, gql
    from gql.transport.appsync_auth import AppSyncIAMAuthentication
    from gql.transport.appsync_websockets import AppSyncWebsocketsTransport
    from gql.transport.exceptions import TransportQueryError

    client = kumoi.client("appsync")
    api = client.create_graphql_api(name="x", authenticationType="AWS_IAM")["graphqlApi"]["apiId"]
    client.start_schema_creation(apiId=api, definition=SDL.encode())
    response = '$util.error("subscribed as $ctx.identity.accountId")'
    client.create_data_source(apiId=api, name="none", type="NONE")
    client.create_resolver(
        apiId=api,
        typeName="Subscription",
        fieldName="onAdd",
        dataSourceName="none",
        requestMappingTemplate='{"version":"2018-05-29","payload":null}',
        responseMappingTemplate=response,
    )

    async def run() -> None:
        keys = Credentials(kumoi.account, "test")
        auth = AppSyncIAMAuthentication(host="localhost", region_name="us-east-1", credentials=keys)
        url = f"ws://localhost:{port(kumoi)}/graphql/{api}/realtime"
        async with Client(transport=AppSyncWebsocketsTransport(url=url, auth=auth)) as session:
            async with asyncio.timeout(60):
                await anext(session.subscribe(gql("subscription { onAdd { text } }")))

    with pytest.raises(TransportQueryError, match=f"subscribed as {kumoi.account}"):
        asyncio.run(run())


def add(kumoi: Any, api: tuple[str, str]) -> None:
    body = json.dumps({"query": 'mutation { add(room: "a", text: "hi") { id text } }'}).encode()
    headers = {"content-type": "application/json", "x-api-key": api[1]}
    request = urllib.request.Request(f"{kumoi.url}/graphql/{api[0]}", data=body, headers=headers)
    with urllib.request.urlopen(request) as answer:
        assert "errors" not in json.load(answer)
