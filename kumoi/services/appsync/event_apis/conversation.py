"""The messages of a connection to an Event API: subscribe, unsubscribe, publish."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.services.appsync import appsync
from kumoi.services.appsync.event_apis.publishing import NotDone, publish, read_event_api, subscribe
from kumoi.services.appsync.event_apis.records import EventApi
from kumoi.services.appsync.realtime import messages
from kumoi.services.appsync.realtime.conversation import Conversation
from kumoi.services.appsync.realtime.handshake import lowered
from kumoi.services.appsync.realtime.hub import Hub, Subscription
from kumoi.services.appsync.realtime.session import Session
from kumoi.services.appsync.realtime.signed import signable, signer

MAX_SUBSCRIPTIONS = 100
ACKNOWLEDGED = f'{{"type":"connection_ack","connectionTimeoutMs":{messages.TIMEOUT_MS}}}'


class EventConversation(Conversation):
    """What a client of an Event API says. What it publishes is taken in the order in which it came."""

    acknowledged = ACKNOWLEDGED

    def __init__(self, hub: Hub, call: Call, session: Session) -> None:
        super().__init__(hub, call, session)
        self._publishing = asyncio.Lock()

    def handle(self, kind: str, id: str, message: Mapping[str, Any]) -> None:
        """Do what a message says."""
        session = self.session
        if kind == "subscribe":
            if id in self.pending or id in session.subscriptions:
                self.refuse(kind, id, "DuplicatedOperationError", f"Duplicated operation id {id}")
            elif len(self.pending) + len(session.subscriptions) >= MAX_SUBSCRIPTIONS:
                text = f"Max number of {MAX_SUBSCRIPTIONS} subscriptions reached"
                self.refuse(kind, id, "MaxSubscriptionsReachedError", text)
            else:
                self.begin(id, "SubscribeToChannel", kind, message)
        elif kind == "publish":
            if id in self.pending:
                self.refuse(kind, id, "DuplicatedOperationError", f"Duplicated operation id {id}")
            elif len(self.pending) >= MAX_SUBSCRIPTIONS:
                self.refuse(kind, id, "LimitExceededError", "Too many operations are under way.")
            else:
                self.begin(id, "PublishEvents", kind, message)
        elif kind == "unsubscribe":
            self._unsubscribe(id)
        else:
            self.fail(id, "UnsupportedOperation", "Operation not supported through the realtime channel")

    async def ask(self, operation: str, params: Mapping[str, Any]) -> None:
        """Pass a message through the doorway; publications one after another."""
        if operation == "PublishEvents":
            async with self._publishing:
                await super().ask(operation, params)
        else:
            await super().ask(operation, params)

    def fail(self, id: str | None, kind: str, text: str) -> None:
        """An error that belongs to no operation."""
        about = {} if id is None else {"id": id}
        self.session.post(messages.dumped({"type": "error", **about, "errors": [messages.error_entry(kind, text)]}))

    def refuse(self, kind: str, id: str, error: str, text: str) -> None:
        """An operation's error."""
        refuse(self.session, kind, id, error, text)

    def _unsubscribe(self, id: str) -> None:
        task = self.pending.pop(id, None)
        if task is not None:
            task.cancel()
        subscription = self.session.subscriptions.get(id)
        if subscription is not None:
            self.hub.remove(subscription)
        elif task is None:
            self.refuse("unsubscribe", id, "UnknownOperationError", f"Unknown operation id {id}")
            return
        self.session.post(messages.about("unsubscribe_success", id))


def refuse(session: Session, kind: str, id: str, error: str, text: str) -> None:
    """Tell a client that an operation failed."""
    session.post(messages.dumped({"id": id, "type": f"{kind}_error", "errors": [messages.error_entry(error, text)]}))


@appsync.operation(name="SubscribeToChannel")
async def subscribe_to_channel(call: Call, apiId: str, Session: Session, Id: str, Message: Mapping[str, Any]) -> None:
    """Subscribe a session to a channel, or tell its client why not."""
    try:
        api, headers = await _opened(call, apiId, Message)
        channel, until = await subscribe(call, api, Message, headers)
    except NotDone as refusal:
        call.outcome = refusal.kind
        refuse(Session, "subscribe", Id, refusal.kind, str(refusal))
        return
    hub = call.part(Hub)
    hub.end_by(Session, until)
    hub.add(Subscription(Session, Id, channel.path, None))
    Session.post(messages.about("subscribe_success", Id))


@appsync.operation(name="PublishEvents")
async def publish_events(call: Call, apiId: str, Session: Session, Id: str, Message: Mapping[str, Any]) -> None:
    """Publish what a session's client sent, and tell it what became of it."""
    try:
        api, headers = await _opened(call, apiId, Message)
        published = await publish(call, api, Message, headers)
    except NotDone as refusal:
        call.outcome = refusal.kind
        refuse(Session, "publish", Id, refusal.kind, str(refusal))
        return
    Session.post(messages.dumped({"type": "publish_success", "id": Id, **published.shown()}))


async def _opened(call: Call, api_id: str, message: Mapping[str, Any]) -> tuple[EventApi, dict[str, str]]:
    """The API, and the headers that authorize a message; whoever signed it becomes the caller."""
    call.node = f"appsync:{api_id}"
    api = await read_event_api(call.state, api_id)
    if api is None:
        raise NotDone(404, "NotFoundException", "The API is not found.")
    given = message.get("authorization")
    headers = lowered(given) if isinstance(given, dict) else {}
    if messages.nests_too_deep(message):
        raise NotDone(400, "BadRequestException", "The message nests too deep.")
    signed = {name: message[name] for name in ("channel", "events") if name in message}
    call.caller = await signer(call, headers, signable("/event", api_id), orjson.dumps(signed).decode())
    return api, headers
