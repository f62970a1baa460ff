"""A namespace's handlers: what they make of published events, and whom they let subscribe.

Code has `onPublish` and `onSubscribe`: functions of the context, or, with a data source, `request` and `response`. A
function (Lambda) may be called directly in their place. Source: "Process real-time events with event handlers", "Data
source integrations" and "Direct Lambda integrations".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from kumoi.services.appsync.event_apis.channels import Channel
from kumoi.services.appsync.event_apis.records import ChannelNamespace
from kumoi.services.appsync.records import DataSource
from kumoi.services.appsync.resolving import javascript, sources
from kumoi.services.appsync.resolving.field import Field
from kumoi.services.appsync.resolving.outcomes import FieldError, Returned

PUBLISH, SUBSCRIBE = "onPublish", "onSubscribe"


class Event(NamedTuple):
    """An event on its way; `error` is why it is not delivered."""

    id: str
    payload: Any
    error: str | None = None


@dataclass(slots=True)
class Occasion(Field):
    """A publication or subscription that handlers see; `type_name` is PUBLISH or SUBSCRIBE, `name` the namespace."""

    channel: Channel | None = None
    events: Sequence[Event] | None = None

    def info(self) -> dict[str, Any]:
        """`ctx.info`."""
        channel = self.channel
        assert channel is not None, "an occasion has a channel"
        return {
            "channel": {"path": channel.path, "segments": list(channel.segments)},
            "channelNamespace": {"name": self.name},
            "operation": self.type_name,
        }

    def context(self) -> dict[str, Any]:
        """`ctx`."""
        events = None if self.events is None else [{"id": one.id, "payload": one.payload} for one in self.events]
        appended = [{"message": error.message, "type": error.kind} for _, error in self.asked.appended]
        # By its base's name: a class with slots is made twice, which `super()` does not see through.
        return {**Field.context(self), "events": events, "outErrors": appended}


async def published(occasion: Occasion, namespace: ChannelNamespace, source: DataSource | None) -> list[Event]:
    """The events to be delivered; those with an error are not. Raises FieldError where all fail."""
    events = list(occasion.events or ())
    if not _handled(namespace, PUBLISH):
        return events
    return _outgoing(events, await _answer(occasion, namespace, PUBLISH, source))


async def subscribed(occasion: Occasion, namespace: ChannelNamespace, source: DataSource | None) -> None:
    """Let the handler refuse a subscription: raises FieldError."""
    if _handled(namespace, SUBSCRIBE):
        await _answer(occasion, namespace, SUBSCRIBE, source)


def source_of(namespace: ChannelNamespace, handler: str) -> str | None:
    """The name of the data source that a handler asks, if it does."""
    config = (namespace.properties.get("handlerConfigs") or {}).get(handler)
    return None if config is None else str(config["integration"]["dataSourceName"])


def _handled(namespace: ChannelNamespace, handler: str) -> bool:
    return _direct(namespace, handler) or handler in namespace.exported


def _direct(namespace: ChannelNamespace, handler: str) -> bool:
    config = (namespace.properties.get("handlerConfigs") or {}).get(handler)
    return config is not None and config["behavior"] == "DIRECT"


async def _answer(occasion: Occasion, namespace: ChannelNamespace, handler: str, source: DataSource | None) -> Any:
    if source is None and source_of(namespace, handler) is not None:
        raise FieldError(f"No data source found named {source_of(namespace, handler)}", "NotFoundException")
    if _direct(namespace, handler):
        assert source is not None, "a direct handler has a data source"
        return await _invoked(occasion, namespace, handler, source)
    code = str(namespace.properties.get("codeHandlers"))
    try:
        if namespace.exported[handler] == "function":
            return await javascript.run(occasion, namespace.version, code, handler)
        if source is None:
            raise FieldError(f"{handler} has request and response, but no data source.", "BadRequestException")
        request = await javascript.run(occasion, namespace.version, code, f"{handler}.request")
        if not isinstance(request, dict):
            raise FieldError("Unable to transform: the request is no object.", "MappingTemplate")
        try:
            occasion.result = await sources.ask(occasion, source, request)
        except FieldError as error:
            occasion.error, occasion.result = error, error.data
        return await javascript.run(occasion, namespace.version, code, f"{handler}.response")
    except Returned as early:
        return early.value


async def _invoked(occasion: Occasion, namespace: ChannelNamespace, handler: str, source: DataSource) -> Any:
    integration = namespace.properties["handlerConfigs"][handler]["integration"]
    waits = (integration.get("lambdaConfig") or {}).get("invokeType", "REQUEST_RESPONSE") != "EVENT"
    answer = await sources.invoke(occasion, source, occasion.context(), "RequestResponse" if waits else "Event")
    if not waits:
        return (
            None if handler == SUBSCRIBE else [{"id": one.id, "payload": one.payload} for one in occasion.events or ()]
        )
    if answer is None:
        return None
    if not isinstance(answer, dict):
        raise FieldError("The function's answer is no object.", "BadRequestException")
    if answer.get("error") is not None:
        raise FieldError(str(answer["error"]), "LambdaError")
    return answer.get("events")


def _outgoing(given: list[Event], answer: Any) -> list[Event]:
    """The events that a handler lets pass. One that it leaves out is done with: nobody gets it, and nobody is told."""
    if answer is None:
        return []
    if not isinstance(answer, list):
        raise FieldError("The handler has to return a list of events.", "BadRequestException")
    known = {one.id for one in given}
    made = []
    for one in answer:
        if not isinstance(one, dict) or one.get("id") not in known:
            raise FieldError("The handler returned an event with an unknown id.", "BadRequestException")
        error = one.get("error")
        made.append(Event(one["id"], one.get("payload"), None if error is None else str(error)))
    return made
