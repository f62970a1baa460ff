"""From a mutation's answer to what subscribers get of it, and to the subscriptions that it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import orjson

from kumoi.doorway import Call, CallDropped, Doorway, Principal
from kumoi.doorway.call import Trace
from kumoi.services.appsync.execution.documents import Document, Operation
from kumoi.services.appsync.realtime import messages
from kumoi.services.appsync.realtime.hub import Hub
from kumoi.services.appsync.realtime.projection import unaliased
from kumoi.services.appsync.realtime.starting import Wants
from kumoi.services.appsync.resolving.field import Asked
from kumoi.services.appsync.schema.compiled import Compiled
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

MAX_PAYLOAD = 240 * 1024
LARGE = 64 * 1024
"""Bytes of an answer from which on it is walked on a thread."""
UNIT = 5 * 1024
"""Bytes that one real-time message is billed for."""


class Publication(NamedTuple):
    """What is delivered to those who listen to a field; `ends` where it ends subscriptions instead."""

    feed: str
    payload: Any
    ends: bool = False


async def publish(
    asked: Asked, found: Compiled, document: Document, operation: Operation, answer: Mapping[str, Any], size: int
) -> None:
    """Have a mutation's results, an answer of so many bytes, delivered to those who listen; and subscriptions ended."""
    call, hub, api = asked.call, asked.call.part(Hub), asked.api.id
    publications = [_ended(one) for one in asked.invalidations]
    if any(hub.listened(api, feed) for feeds in found.feeds.values() for feed in feeds):
        if size > LARGE:
            results = await asyncio.to_thread(_results, found, document, operation, answer)
        else:
            results = _results(found, document, operation, answer)
        publications = [*results, *publications]
    for publication in publications:
        if hub.listened(api, publication.feed):
            await hub.publish(_later(call, api, publication), size)


async def deliver(call: Call, api: str, publication: Publication) -> int:
    """Send a publication to those who want it; answers how many they are."""
    hub = call.part(Hub)
    return await (_end if publication.ends else _send)(call, hub, api, publication)


async def _send(call: Call, hub: Hub, api: str, publication: Publication) -> int:
    sent = 0
    async for wants, subscriptions in hub.groups(api, publication.feed):
        if not wants.filter.holds(publication.payload):
            continue
        text = _text(call, api, publication, wants)
        if text is None:
            continue
        before = sent
        async for subscription in hub.each(subscriptions):
            sent += subscription.session.post(messages.data(subscription.id, text))
        call.meter("appsync_realtime_messages", (sent - before) * -(-len(text) // UNIT))
    return sent


def _text(call: Call, api: str, publication: Publication, wants: Wants) -> str | None:
    """What subscribers who want the same get, or None for what is too large."""
    content = orjson.dumps(wants.projection.of(wants.field, publication.payload))
    if len(content) > MAX_PAYLOAD:
        call.warning = f"{publication.feed}: a message of {len(content)} bytes is not delivered; up to 240 KB are"
        logger.warning("API %s: %s", api, call.warning)
        return None
    return content.decode()


async def _end(call: Call, hub: Hub, api: str, publication: Publication) -> int:
    ended = 0
    async for wants, subscriptions in hub.groups(api, publication.feed):
        if wants.invalidation is None or not wants.invalidation.holds(publication.payload):
            continue
        async for subscription in hub.each(subscriptions):
            hub.remove(subscription)
            subscription.session.post(messages.about("complete", subscription.id))
            ended += 1
    return ended


def _results(found: Compiled, document: Document, operation: Operation, answer: Mapping[str, Any]) -> list[Publication]:
    """The results of fields that succeeded, for each subscription that they feed."""
    results = unaliased([operation.node.selection_set], document.fragments, answer.get("data")) or {}
    return [
        Publication(feed, value)
        for field, value in results.items()
        if value is not None
        for feed in found.feeds.get(field, ())
    ]


def _ended(given: Mapping[str, Any]) -> Publication:
    return Publication(str(given.get("subscriptionField")), given.get("payload"), ends=True)


def _later(call: Call, api: str, publication: Publication) -> Callable[[], Any]:
    trace = Trace(call.trace.root, call.span, call.trace.sampled)
    return partial(_pass_on, call.doorway, call.account, call.region, trace, api, publication)


async def _pass_on(
    doorway: Doorway, account: str, region: str, trace: Trace, api: str, publication: Publication
) -> None:
    """Pass a publication through the doorway, as a call of AppSync's own: it is traced, and faults may strike it."""
    caller = Principal.of_service(account, "appsync.amazonaws.com", f"appsync:{api}")
    params = {"apiId": api, "Publication": publication}
    call = Call(doorway, "appsync", "DeliverToSubscribers", params, caller, account, region, trace, f"appsync:{api}")
    try:
        await doorway.dispatch(call)
    except (AwsError, CallDropped) as error:
        logger.warning("%s of API %s is not delivered: %s", publication.feed, api, error)
