"""PutEvents, TestEventPattern, and ForwardEvent: how one bus hands an event to another."""

from __future__ import annotations

from math import ceil
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.event_pattern import compile_pattern
from kumoi.services.events import events
from kumoi.services.events.entries import EntryRefused, check_size, entry_size, event_of
from kumoi.services.events.event import Event
from kumoi.services.events.lookup import find_bus
from kumoi.services.events.naming import bus_place, invalid
from kumoi.services.events.operations.rules import check_pattern
from kumoi.services.events.router import Arrival, Router

UNIT_BYTES = 65_536


@events.operation
async def put_events(call: Call, Entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Put up to ten events on buses; each entry is taken, or refused with a code of its own.

    What is taken is stored, with its deliveries, before this answers.
    """
    check_size(Entries)
    by_service = not call.caller.arn.startswith("arn:")
    results: list[dict[str, str]] = []
    arrivals: list[Arrival] = []
    for entry in Entries:
        place = bus_place(entry.get("EventBusName"), call.account, call.region)
        try:
            event = event_of(entry, call.account, place.region, call.now, by_service=by_service)
        except EntryRefused as refused:
            results.append({"ErrorCode": refused.code, "ErrorMessage": refused.message})
            continue
        trace = entry.get("TraceHeader") or call.trace.header(call.span)
        arrivals.append(Arrival(place, event, trace))
        results.append({"EventId": event.id})
        if not by_service:
            call.meter("custom_events", ceil(entry_size(entry) / UNIT_BYTES))
    await call.part(Router).receive(arrivals)
    return {"FailedEntryCount": len(Entries) - len(arrivals), "Entries": results}


@events.operation
async def forward_event(call: Call, EventBusName: str, Event: bytes, TraceHeader: str, Hops: int) -> None:
    """Take an event from another bus as it is. For buses, not on the wire."""
    place = bus_place(EventBusName, call.account, call.region)
    await find_bus(call.doorway.state.at(place.account, place.region), place.name)
    await call.part(Router).receive([Arrival(place, _event(Event), TraceHeader, Hops)])


@events.operation(name="TestEventPattern")
async def try_event_pattern(call: Call, EventPattern: str, Event: str) -> dict[str, Any]:
    """Whether an event, given as JSON, matches a pattern."""
    check_pattern(EventPattern)
    try:
        event = orjson.loads(Event)
    except orjson.JSONDecodeError:
        event = None
    required = ("id", "account", "source", "time", "region", "detail-type")
    if not isinstance(event, dict) or any(member not in event for member in required):
        raise invalid("Event")
    return {"Result": compile_pattern(EventPattern).matches(event)}


def _event(document: bytes) -> Event:
    return Event.of(orjson.loads(document))
