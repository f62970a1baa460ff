"""Subscriptions of an API made of a schema: everybody gets what they may see."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.sync.client import connect

pytest.importorskip("kumoi.services.appsync.realtime")

NOTES = """
type Note @model @auth(rules: [{allow: owner}, {allow: groups, groups: ["Admins"]}]) { text: String! }
"""
CREATE = "mutation($t: String!) { createNote(input: {text: $t}) { id text owner } }"


class Subscription:
    """A subscription on a connection of its own."""

    def __init__(self, socket: Any, api: Any, query: str, token: str | None, variables: dict[str, Any]) -> None:
        self._socket = socket
        secret = {"Authorization": token} if token else {"x-api-key": "none"}
        authorization = {"host": api.kumoi.url.partition("//")[2], **secret}
        socket.send(json.dumps({"type": "connection_init"}))
        self.next("connection_ack")
        data = json.dumps({"query": query, "variables": variables})
        payload = {"data": data, "extensions": {"authorization": authorization}}
        socket.send(json.dumps({"id": "1", "type": "start", "payload": payload}))
        self.began = self.next()

    def next(self, kind: str | None = None) -> dict[str, Any]:
        """The next message, or the next of that kind."""
        while True:
            message: dict[str, Any] = json.loads(self._socket.recv(timeout=60))
            if message["type"] == kind or (kind is None and message["type"] != "ka"):
                return message

    def data(self) -> Any:
        """The value of the field in the next message."""
        return next(iter(self.next("data")["payload"]["data"].values()))


@pytest.fixture
def subscribe() -> Iterator[Callable[..., Subscription]]:
    with ExitStack() as sockets:

        def begin(api: Any, query: str, token: str, **variables: Any) -> Subscription:
            header = {"host": api.kumoi.url.partition("//")[2], "Authorization": token}
            encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
            socket = connect(
                f"{api.kumoi.url.replace('http', 'ws')}/graphql/{api.outputs['GraphQLAPIId']}/realtime",
                subprotocols=["graphql-ws", f"header-{encoded}"],  # type: ignore[list-item]
                open_timeout=60,
            )
            return Subscription(sockets.enter_context(socket), api, query, token, variables)

        yield begin


def test_everybody_gets_what_they_may_see(api: Callable[..., Any], subscribe: Callable[..., Subscription]) -> None:
    notes = api(NOTES)
    ann, bob, admin = notes.user("ann"), notes.user("bob"), notes.user("eve", "Admins")
    asked = "subscription { onCreateNote { id text owner } }"
    mine, all_of_them = subscribe(notes, asked, ann), subscribe(notes, asked, admin)
    some = subscribe(notes, 'subscription { onCreateNote(filter: {text: {beginsWith: "x"}}) { text } }', admin)
    assert [one.began["type"] for one in (mine, all_of_them, some)] == ["start_ack"] * 3
    notes.get(CREATE, bob, t="bob's")
    owner = notes.get(CREATE, ann, t="xann's")["owner"]
    assert mine.data()["text"] == "xann's"
    assert [all_of_them.data()["text"], all_of_them.data()["text"]] == ["bob's", "xann's"]
    assert some.data() == {"text": "xann's"}
    again = subscribe(notes, "subscription($o: String) { onCreateNote(owner: $o) { text } }", ann, o=owner)
    assert again.began["type"] == "start_ack"
    foreign = subscribe(notes, 'subscription { onCreateNote(owner: "somebody") { text } }', ann)
    assert foreign.began["payload"]["errors"][0]["errorType"] == "Unauthorized"
