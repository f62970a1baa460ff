"""Publishing to a channel and subscribing to one, whichever way it is asked for; and delivery to subscribers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import orjson

from kumoi.doorway import Call, CallDropped, Doorway, Principal
from kumoi.doorway.call import Trace
from kumoi.names import uuid
from kumoi.services.appsync import appsync
from kumoi.services.appsync.access import Refused
from kumoi.services.appsync.event_apis import handlers
from kumoi.services.appsync.event_apis.access import authorized
from kumoi.services.appsync.event_apis.channels import BadChannel, Channel, channel
from kumoi.services.appsync.event_apis.event_log import logged
from kumoi.services.appsync.event_apis.handlers import Event, Occasion
from kumoi.services.appsync.event_apis.records import ChannelNamespace, EventApi, event_apis, namespaces
from kumoi.services.appsync.realtime import messages
from kumoi.services.appsync.realtime.hub import Hub
from kumoi.services.appsync.records import Api, DataSource, data_sources
from kumoi.services.appsync.resolving.field import Asked, Caller, Selection
from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

MAX_EVENTS = 5
MAX_EVENT = 240 * 1024
MAX_PUBLICATION = 1300 * 1024
"""Bytes of a request or message that publishes: five events, and what is around them."""
UNIT = 5 * 1024
"""Bytes that one operation is billed for."""


class NotDone(Exception):
    """A publication or subscription is refused: an error's type and message, and the status of HTTP."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class Published(NamedTuple):
    """What is told of the events of a publication."""

    successful: list[dict[str, Any]]
    failed: list[dict[str, Any]]

    def shown(self) -> dict[str, Any]:
        """As clients get it."""
        return {"failed": self.failed, "successful": self.successful}


async def publish(call: Call, api: EventApi, given: Mapping[str, Any], headers: Mapping[str, str]) -> Published:
    """Publish `events` (texts of JSON) to `channel`; raises NotDone."""
    said: list[str] = []
    return await logged(
        call,
        api,
        "PUBLISH",
        given.get("channel"),
        said,
        lambda: _publish(call, api, given, headers, said),
        lambda published: {"successful": len(published.successful), "failed": len(published.failed)},
    )


async def _publish(
    call: Call, api: EventApi, given: Mapping[str, Any], headers: Mapping[str, str], said: list[str]
) -> Published:
    where = _channel(given.get("channel"))
    texts = given.get("events")
    if not isinstance(texts, list) or not 1 <= len(texts) <= MAX_EVENTS:
        raise NotDone(400, "BadRequestException", f"Between 1 and {MAX_EVENTS} events can be published together.")
    events, failed = _read(texts)
    numbers = {event.id: number for number, event in events}
    caller, namespace, source = await _authorized(call, api, where, "PUBLISH", given, headers)
    occasion = _occasion(call, api, caller, headers, where, "PUBLISH", said, [event for _, event in events])
    try:
        outgoing = await handlers.published(occasion, namespace, source) if events else []
    except FieldError as error:
        raise _handler_failed(error) from None
    delivered, operations = [], 0
    refused = {one.id: one.error for one in outgoing if one.error is not None}
    for event in outgoing:
        if event.error is None:
            content = orjson.dumps(event.payload)
            if len(content) > MAX_EVENT:
                refused[event.id] = "The event is larger than 240 KB."
            else:
                delivered.append(content.decode())
                operations += -(-len(content) // UNIT)
    for id, why in refused.items():
        failed.append({"identifier": id, "index": numbers[id], "code": 400, "message": why})
    successful = [{"identifier": id, "index": number} for id, number in numbers.items() if id not in refused]
    call.meter("appsync_event_operations", operations)
    if delivered and any(call.part(Hub).listened(api.id, path) for path in where.covering()):
        await call.part(Hub).publish(_later(call, api.id, where, delivered), sum(map(len, delivered)))
    return Published(successful, sorted(failed, key=lambda one: int(one["index"])))


async def subscribe(
    call: Call, api: EventApi, given: Mapping[str, Any], headers: Mapping[str, str]
) -> tuple[Channel, float]:
    """Whether `channel`, which may end with `/*`, may be subscribed to, and until when; raises NotDone."""
    said: list[str] = []
    channel = given.get("channel")
    run = partial(_subscribe, call, api, given, headers, said)
    return await logged(call, api, "SUBSCRIBE", channel, said, run, lambda _: {})


async def _subscribe(
    call: Call, api: EventApi, given: Mapping[str, Any], headers: Mapping[str, str], said: list[str]
) -> tuple[Channel, float]:
    where = _channel(given.get("channel"), wildcard=True)
    caller, namespace, source = await _authorized(call, api, where, "SUBSCRIBE", given, headers)
    try:
        await handlers.subscribed(_occasion(call, api, caller, headers, where, "SUBSCRIBE", said), namespace, source)
    except FieldError as error:
        raise _handler_failed(error) from None
    return where, caller.expires


@transactional
async def read_event_api(tx: Transaction, api_id: str) -> EventApi | None:
    """An Event API, if it is there."""
    return await event_apis.get(tx, api_id)


def _channel(text: object, *, wildcard: bool = False) -> Channel:
    try:
        return channel(text, wildcard=wildcard)
    except BadChannel as error:
        raise NotDone(400, "BadRequestException", str(error)) from None


def _read(texts: list[Any]) -> tuple[list[tuple[int, Event]], list[dict[str, Any]]]:
    """The events by their places, and those that are none."""
    events, failed = [], []
    for number, text in enumerate(texts):
        try:
            if not isinstance(text, str):
                raise ValueError("The event is not a string.")
            if len(text.encode()) > MAX_EVENT:
                raise ValueError("The event is larger than 240 KB.")
            payload = orjson.loads(text)
            if messages.nests_too_deep(payload):
                raise ValueError("The event nests too deep.")
            events.append((number, Event(uuid(), payload)))
        except orjson.JSONDecodeError:
            failed.append(_failed(number, "The event is not valid JSON."))
        except ValueError as error:
            failed.append(_failed(number, str(error)))
    return events, failed


def _failed(number: int, message: str) -> dict[str, Any]:
    return {"identifier": uuid(), "index": number, "code": 400, "message": message}


async def _authorized(
    call: Call, api: EventApi, where: Channel, operation: str, given: Mapping[str, Any], headers: Mapping[str, str]
) -> tuple[Caller, ChannelNamespace, DataSource | None]:
    handler = handlers.PUBLISH if operation == "PUBLISH" else handlers.SUBSCRIBE
    namespace, source = await _find(call.state, api.id, where.namespace, handler)
    if namespace is None:
        raise NotDone(404, "NotFoundException", f"Channel namespace {where.namespace} not found.")
    try:
        request = {"operationName": operation, "variables": {"channel": given.get("channel")}}
        return await authorized(call, api, namespace, operation, request, headers), namespace, source
    except Refused as refusal:
        raise NotDone(401, "UnauthorizedException", str(refusal)) from None


def _occasion(
    call: Call,
    api: EventApi,
    caller: Caller,
    headers: Mapping[str, str],
    where: Channel,
    operation: str,
    said: list[str],
    events: list[Event] | None = None,
) -> Occasion:
    graphql_like = Api(id=api.id, created=api.created, properties={})
    asked = Asked(call, graphql_like, caller, headers, {}, logs=said)
    return Occasion(asked, operation, where.namespace, {}, None, Selection([], ""), channel=where, events=events)


def _handler_failed(error: FieldError) -> NotDone:
    if error.kind == "Unauthorized":
        return NotDone(401, "Unauthorized", "You are not authorized to make this call.")
    return NotDone(400, error.kind or "HandlerExecutionException", error.message)


def _later(call: Call, api: str, where: Channel, texts: list[str]) -> Any:
    trace = Trace(call.trace.root, call.span, call.trace.sampled)
    return partial(_pass_on, call.doorway, call.account, call.region, trace, api, where, texts)


async def _pass_on(
    doorway: Doorway, account: str, region: str, trace: Trace, api: str, where: Channel, texts: list[str]
) -> None:
    """Pass a delivery through the doorway, as a call of AppSync's own: it is traced, and faults may strike it."""
    caller = Principal.of_service(account, "appsync.amazonaws.com", f"appsync:{api}")
    params = {"apiId": api, "Channel": where, "Events": texts}
    call = Call(doorway, "appsync", "DeliverEvents", params, caller, account, region, trace, f"appsync:{api}")
    try:
        await doorway.dispatch(call)
    except (AwsError, CallDropped) as error:
        logger.warning("events on %s of API %s are not delivered: %s", where.path, api, error)


@appsync.operation(name="DeliverEvents")
async def deliver_events(call: Call, apiId: str, Channel: Channel, Events: list[str]) -> dict[str, int]:
    """Send events to all whose subscription covers their channel."""
    hub, sent = call.part(Hub), 0
    quoted = [orjson.dumps(text).decode() for text in Events]
    for path in Channel.covering():
        async for _, subscriptions in hub.groups(apiId, path):
            async for subscription in hub.each(subscriptions):
                for text in quoted:
                    sent += subscription.session.post(messages.event(subscription.id, text))
    call.meter("appsync_event_operations", sent)
    return {"Count": sent}


@transactional
async def _find(
    tx: Transaction, api_id: str, name: str, handler: str
) -> tuple[ChannelNamespace | None, DataSource | None]:
    namespace = await namespaces.get(tx, api_id, name)
    if namespace is None:
        return None, None
    source = handlers.source_of(namespace, handler)
    return namespace, await data_sources.get(tx, api_id, source) if source is not None else None
