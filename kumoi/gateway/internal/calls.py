"""What was called: hops, traces, the map, what is under way, a recording; what permissions were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kumoi.doorway import Hop
from kumoi.gateway.internal.requests import BadRequest, Query, Routes, number_of
from kumoi.gateway.permissions import permissions, roles_of
from kumoi.gateway.traces import TRACE_ID, whole_trace
from kumoi.wire.http import Request

if TYPE_CHECKING:
    from kumoi.gateway.internal.interface import Internal


MOST_HOPS = 1_000
"""Hops behind a number that are told of at once: whoever asks keeps others waiting for as long as they take."""


async def _hops(internal: Internal, _request: Request, query: Query) -> Any:
    hops, account = internal.doorway.hops, query.get("account")
    if "after" not in query:
        limit = number_of(query, "limit", 100)
        return {"hops": [hop.shown() for hop in hops.latest(limit, account)], "recorded": hops.recorded}
    behind = hops.after(number_of(query, "after", 0), number_of(query, "limit", MOST_HOPS, MOST_HOPS))
    shown = [hop.shown() for hop in behind.hops if account in (None, hop.account)]
    return {"hops": shown, "recorded": hops.recorded, "missed": behind.missed, "through": behind.through}


async def _trace(internal: Internal, _request: Request, query: Query) -> Any:
    trace_id = query.get("id", "")
    if not TRACE_ID.fullmatch(trace_id):
        raise BadRequest("id is a trace id: 1-, 8 hexadecimal digits, -, 24 hexadecimal digits")
    return await whole_trace(internal.doorway, trace_id)


async def _calls(internal: Internal, _request: Request, query: Query) -> Any:
    account = query.get("account")
    return {
        "calls": [
            {"source": call.source, "target": call.node, "operation": call.operation, "trace": call.trace.root}
            for call in internal.doorway.under_way
            if account in (None, call.account)
        ]
    }


async def _start_recording(internal: Internal, _request: Request, _query: Query) -> Any:
    internal.recording.start()
    return {"recording": True}


async def _stop_recording(internal: Internal, _request: Request, _query: Query) -> Any:
    return {"recording": False, "requests": internal.recording.stop()}


async def _map(internal: Internal, _request: Request, query: Query) -> Any:
    return {"edges": edges(internal.doorway.hops.latest(1_000_000, query.get("account")))}


def edges(hops: list[Hop]) -> list[dict[str, Any]]:
    """Who calls what: calls, errors and mean duration (µs) of each edge, in the order first seen."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for hop in hops:
        edge = found.setdefault(
            (hop.source, hop.target, hop.operation),
            {
                "source": hop.source,
                "target": hop.target,
                "operation": hop.operation,
                "calls": 0,
                "errors": 0,
                "mean_us": 0.0,
            },
        )
        edge["calls"] += hop.calls
        edge["errors"] += hop.outcome != "ok"
        edge["mean_us"] += (hop.duration_us - edge["mean_us"]) * hop.calls / edge["calls"]
    return list(found.values())


async def _permissions(internal: Internal, _request: Request, query: Query) -> Any:
    return {"permissions": await permissions(internal.doorway, query.get("account"))}


async def _roles(internal: Internal, _request: Request, query: Query) -> Any:
    if not {"account", "region", "stack"} <= query.keys():
        raise BadRequest("account, region and stack say whose roles are meant")
    try:
        return {"roles": await roles_of(internal.doorway, query["account"], query["region"], query["stack"])}
    except LookupError as error:
        raise BadRequest(str(error)) from None


ROUTES: Routes = {
    ("GET", "/_kumoi/hops"): _hops,
    ("GET", "/_kumoi/calls"): _calls,
    ("POST", "/_kumoi/recording"): _start_recording,
    ("DELETE", "/_kumoi/recording"): _stop_recording,
    ("GET", "/_kumoi/map"): _map,
    ("GET", "/_kumoi/trace"): _trace,
    ("GET", "/_kumoi/permissions"): _permissions,
    ("GET", "/_kumoi/roles"): _roles,
}
