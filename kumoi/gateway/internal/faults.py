"""Declared faults: listed, added, cleared, what they struck; as other tools of chaos declare them; the latest sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from kumoi.cost.applications import applications
from kumoi.doorway import Fault
from kumoi.doorway.fault_errors import KINDS, named_error
from kumoi.gateway import struck, sweeps
from kumoi.gateway.chaos_rules import Effects, Rule, change_effects, change_rules
from kumoi.gateway.internal.requests import BadRequest, Query, Routes, account_of, number_of, read_body
from kumoi.names import DEFAULT_ACCOUNT, DEFAULT_REGION
from kumoi.wire import Wire
from kumoi.wire.errors import is_common
from kumoi.wire.http import Request

if TYPE_CHECKING:
    from kumoi.gateway.internal.interface import Internal


MOST_STRIKES = 1_000
"""Strikes that are told of at once: whoever asks keeps others waiting for as long as they take."""


async def _list_faults(internal: Internal, _request: Request, _query: Query) -> Any:
    return {
        "faults": [{**msgspec.to_builtins(fault), "struck": struck} for fault, struck in internal.doorway.faults.list()]
    }


async def _add_fault(internal: Internal, request: Request, _query: Query) -> Any:
    given = await read_body(request, dict[str, Any])
    try:
        if given.get("application"):
            given["nodes"] = await _nodes(internal, str(given["application"]), given)
        fault = msgspec.convert(given, Fault)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)) from None
    return {**msgspec.to_builtins(internal.doorway.faults.add(fault)), "note": _note(internal, fault)}


def _note(internal: Internal, fault: Fault) -> str:
    """What is odd about a fault: an error that its service does not have, of which SDKs know nothing."""
    service, code = fault.service, fault.error
    if fault.action != "fail" or fault.point != "call" or code in KINDS or service not in internal.doorway.registry:
        return ""
    if is_common(code) or code in {named_error(kind, service).code for kind in KINDS}:
        return ""
    if code in internal.doorway.parts[Wire].codec(service).model.errors:
        return ""
    status = fault.error_of(service).default_status
    return f"{service} has no error {code}: clients get a code that they do not know, with the status {status}"


async def _nodes(internal: Internal, application: str, given: dict[str, Any]) -> frozenset[str]:
    """What belongs to an application, as it is deployed now; BadRequest where there is none of that name."""
    account, region = (
        usual if any(sign in str(given.get(name, "*")) for sign in "*?[") else str(given[name])
        for name, usual in (("account", DEFAULT_ACCOUNT), ("region", DEFAULT_REGION))
    )
    found = (await applications(internal.doorway, [(account, region)])).nodes_of(application)
    if not found:
        raise BadRequest(f"there is no stack {application} with resources in the account {account}, {region}")
    return found


async def _clear_faults(internal: Internal, _request: Request, query: Query) -> Any:
    faults = internal.doorway.faults
    if "id" in query:
        if not faults.remove(query["id"]):
            raise BadRequest(f"there is no fault {query['id']}")
    else:
        faults.clear()
    return {"faults": len(faults.list())}


async def _fault_log(internal: Internal, _request: Request, query: Query) -> Any:
    log = internal.doorway.faults.log
    page = log.page(number_of(query, "after", 0), number_of(query, "limit", MOST_STRIKES, MOST_STRIKES))
    return {"strikes": [strike._asdict() for strike in page], "noted": len(log)}


async def _clear_fault_log(internal: Internal, _request: Request, _query: Query) -> Any:
    internal.doorway.faults.begin_anew()
    return {"strikes": [], "noted": 0}


async def _struck(internal: Internal, _request: Request, query: Query) -> Any:
    found = await struck.hits(list(internal.doorway.hops), account_of(query))
    return {"now": internal.doorway.clock.now(), **struck.told(found)}


async def _sweep(internal: Internal, _request: Request, query: Query) -> Any:
    return {"sweep": await sweeps.latest(internal.doorway.state.at(account_of(query), ""))}


async def _keep_sweep(internal: Internal, request: Request, query: Query) -> Any:
    found = await read_body(request, sweeps.Sweep, sweeps.LARGEST)
    now = internal.doorway.clock.now()
    await sweeps.keep(internal.doorway.state.at(account_of(query), ""), found, now)
    return {"kept": len(found.rows)}


async def _forget_sweep(internal: Internal, _request: Request, query: Query) -> Any:
    await sweeps.forget(internal.doorway.state.at(account_of(query), ""))
    return {"sweep": None}


async def _chaos_faults(internal: Internal, request: Request, _query: Query) -> Any:
    rules = [] if request.method == "GET" else await read_body(request, list[Rule])
    try:
        return change_rules(internal.doorway.faults, request.method, rules)
    except ValueError as error:
        raise BadRequest(str(error)) from None


async def _chaos_effects(internal: Internal, request: Request, _query: Query) -> Any:
    effects = None if request.method == "GET" else await read_body(request, Effects)
    try:
        return change_effects(internal.doorway.faults, effects)
    except ValueError as error:
        raise BadRequest(str(error)) from None


ROUTES: Routes = {
    ("GET", "/_kumoi/faults"): _list_faults,
    ("POST", "/_kumoi/faults"): _add_fault,
    ("DELETE", "/_kumoi/faults"): _clear_faults,
    ("GET", "/_kumoi/faults/log"): _fault_log,
    ("DELETE", "/_kumoi/faults/log"): _clear_fault_log,
    ("GET", "/_kumoi/faults/struck"): _struck,
    ("GET", "/_kumoi/sweep"): _sweep,
    ("POST", "/_kumoi/sweep"): _keep_sweep,
    ("DELETE", "/_kumoi/sweep"): _forget_sweep,
    **{(method, "/_kumoi/chaos/faults"): _chaos_faults for method in ("GET", "POST", "PUT", "PATCH", "DELETE")},
    **{(method, "/_kumoi/chaos/effects"): _chaos_effects for method in ("GET", "POST", "PUT")},
}
