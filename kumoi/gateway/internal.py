"""Kumoi's own HTTP interface under `/_kumoi/`: what the command line, the console and tests ask of a platform.

JSON in and out. A request that names another origin is refused: a web page a developer happens to visit must not
reset their platform. Requests are not signed, so that where policies are enforced they have to come from this machine.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec
import orjson

from kumoi import __version__
from kumoi.clock import Clock
from kumoi.cost.budget import EVERYBODY, Budgets
from kumoi.doorway import Doorway, Fault, Hop
from kumoi.gateway.chaos_rules import Effects, Rule, change_effects, change_rules
from kumoi.gateway.explorer import Explorer
from kumoi.gateway.permissions import permissions, roles_of
from kumoi.gateway.recording import Recording
from kumoi.gateway.snapshot_requests import SnapshotRequests
from kumoi.gateway.tls import CertificateAuthority
from kumoi.gateway.traces import TRACE_ID, whole_trace
from kumoi.local_names import private_name
from kumoi.snapshots import BadSnapshot
from kumoi.state.timers import TimerRunner
from kumoi.wire.http import BodyTooLarge, Request, Response

_BODY_LIMIT = 1_048_576
_STUDIO = "/_kumoi/studio"
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

Handler = Callable[["Internal", Request, dict[str, str]], Awaitable[Any]]
BodyT = TypeVar("BodyT")
Reset = Callable[[str | None], Awaitable[None]]


class BadRequest(Exception):
    """The request cannot be answered as asked; the text says why."""


class Internal:
    """The handlers of `/_kumoi/`. `facts` are what `/_kumoi/info` shows beside the version.

    `studio` takes what lies below `/_kumoi/studio`, and decides itself who may ask.
    """

    def __init__(
        self,
        doorway: Doorway,
        clock: Clock,
        timers: TimerRunner,
        reset: Reset,
        facts: Callable[[], dict[str, Any]],
        studio: Callable[[Request], Awaitable[Response]] | None = None,
        snapshots: SnapshotRequests | None = None,
        recording: Recording | None = None,
    ) -> None:
        self.recording = recording or Recording()
        self.doorway = doorway
        self.clock = clock
        self.timers = timers
        self.reset = reset
        self.facts = facts
        self.snapshots = snapshots
        self._explorer = Explorer()
        self._studio = studio

    async def __call__(self, request: Request) -> Response:
        """Answer one request below `/_kumoi/`."""
        if self._studio is not None and f"{request.path}/".startswith(f"{_STUDIO}/"):
            return await self._studio(request)
        page = await self._explorer.answer(request)
        if page is not None:
            return page
        handler = _ROUTES.get((request.method, request.path.rstrip("/")))
        if handler is None:
            methods = sorted({method for method, path in _ROUTES if path == request.path.rstrip("/")})
            if methods:
                return _json({"error": f"use {' or '.join(methods)}"}, 405, [("Allow", ", ".join(methods))])
            known = sorted({path for _, path in _ROUTES})
            return _json({"error": f"nothing at {request.path}", "paths": known}, 404)
        if not request.local and handler is not _health and self.doorway.identity.enforces:
            return _json({"error": "with --auth enforce, other machines are told of the health only"}, 403)
        if _foreign(request):
            return _json({"error": "requests from other origins and for foreign host names are refused"}, 403)
        query = {name: values[-1] for name, values in parse_qs(request.query, keep_blank_values=True).items()}
        try:
            found = await handler(self, request, query)
        except (BadRequest, BadSnapshot) as error:
            return _json({"error": str(error)}, 400)
        return found if isinstance(found, Response) else _json(found)


async def _health(internal: Internal, _request: Request, _query: dict[str, str]) -> Any:
    return {"status": "ok", "services": sorted(service.name for service in internal.doorway.registry)}


async def _info(internal: Internal, _request: Request, _query: dict[str, str]) -> Any:
    return {"version": __version__, "pid": os.getpid(), **internal.facts()}


async def _authority(internal: Internal, _request: Request, _query: dict[str, str]) -> Any:
    """The certificate to trust; making one takes a moment."""
    authority = internal.doorway.parts[CertificateAuthority]
    path = await asyncio.to_thread(lambda: authority.ca_file)
    return {"certificate": str(path.resolve()), "pem": path.read_text("ascii")}


async def _reset(internal: Internal, _request: Request, query: dict[str, str]) -> Any:
    account = query.get("account")
    if account is not None and not (len(account) == 12 and account.isdigit()):
        raise BadRequest("account is a number of twelve digits")
    await internal.reset(account)
    return {"reset": account or "everything"}


def _snapshots(internal: Internal) -> SnapshotRequests:
    if internal.snapshots is None:
        raise BadRequest("this platform takes no snapshots")
    return internal.snapshots


async def _save_snapshot(internal: Internal, _request: Request, _query: dict[str, str]) -> Any:
    return await _snapshots(internal).save()


async def _load_snapshot(internal: Internal, request: Request, query: dict[str, str]) -> Any:
    if query.get("clock", "later") not in ("later", "saved"):
        raise BadRequest("clock is later or saved")
    manifest = await _snapshots(internal).load(request, at_saved_time=query.get("clock") == "saved")
    return msgspec.to_builtins(manifest)


async def _clock(internal: Internal, _request: Request, _query: dict[str, str]) -> Any:
    status = internal.clock.status()
    return {"now": status.now, "held": status.held, "scale": status.scale}


class ClockRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What may be done to the clock: `seconds` for advance, `factor` for scale."""

    action: str
    seconds: float = 0.0
    factor: float = 1.0


async def _set_clock(internal: Internal, request: Request, query: dict[str, str]) -> Any:
    wanted = await _body(request, ClockRequest)
    clock = internal.clock
    try:
        match wanted.action:
            case "hold":
                clock.hold()
            case "release":
                clock.release()
            case "advance":
                await internal.timers.advance(wanted.seconds)
            case "scale":
                clock.scale(wanted.factor)
            case _:
                raise BadRequest("action is one of hold, release, advance, scale")
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return await _clock(internal, request, query)


async def _list_faults(internal: Internal, _request: Request, _query: dict[str, str]) -> Any:
    return {
        "faults": [{**msgspec.to_builtins(fault), "struck": struck} for fault, struck in internal.doorway.faults.list()]
    }


async def _add_fault(internal: Internal, request: Request, _query: dict[str, str]) -> Any:
    return msgspec.to_builtins(internal.doorway.faults.add(await _body(request, Fault)))


async def _clear_faults(internal: Internal, _request: Request, query: dict[str, str]) -> Any:
    faults = internal.doorway.faults
    if "id" in query:
        if not faults.remove(query["id"]):
            raise BadRequest(f"there is no fault {query['id']}")
    else:
        faults.clear()
    return {"faults": len(faults.list())}


async def _fault_log(internal: Internal, _request: Request, _query: dict[str, str]) -> Any:
    return {"strikes": [strike._asdict() for strike in internal.doorway.faults.log()]}


async def _clear_fault_log(internal: Internal, _request: Request, _query: dict[str, str]) -> Any:
    internal.doorway.faults.begin_anew()
    return {"strikes": []}


async def _chaos_faults(internal: Internal, request: Request, _query: dict[str, str]) -> Any:
    rules = [] if request.method == "GET" else await _body(request, list[Rule])
    try:
        return change_rules(internal.doorway.faults, request.method, rules)
    except ValueError as error:
        raise BadRequest(str(error)) from None


async def _chaos_effects(internal: Internal, request: Request, _query: dict[str, str]) -> Any:
    effects = None if request.method == "GET" else await _body(request, Effects)
    try:
        return change_effects(internal.doorway.faults, effects)
    except ValueError as error:
        raise BadRequest(str(error)) from None


async def _hops(internal: Internal, _request: Request, query: dict[str, str]) -> Any:
    try:
        limit = int(query.get("limit", "100"))
    except ValueError:
        raise BadRequest("limit is a number") from None
    return {"hops": [hop.shown() for hop in internal.doorway.hops.latest(max(limit, 0), query.get("account"))]}


async def _trace(internal: Internal, _request: Request, query: dict[str, str]) -> Any:
    trace_id = query.get("id", "")
    if not TRACE_ID.fullmatch(trace_id):
        raise BadRequest("id is a trace id: 1-, 8 hexadecimal digits, -, 24 hexadecimal digits")
    return await whole_trace(internal.doorway, trace_id)


async def _calls(internal: Internal, _request: Request, query: dict[str, str]) -> Any:
    account = query.get("account")
    return {
        "calls": [
            {"source": call.source, "target": call.node, "operation": call.operation, "trace": call.trace.root}
            for call in internal.doorway.under_way
            if account in (None, call.account)
        ]
    }


async def _start_recording(internal: Internal, _request: Request, _query: dict[str, str]) -> Any:
    internal.recording.start()
    return {"recording": True}


async def _stop_recording(internal: Internal, _request: Request, _query: dict[str, str]) -> Any:
    return {"recording": False, "requests": internal.recording.stop()}


async def _map(internal: Internal, _request: Request, query: dict[str, str]) -> Any:
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
        edge["calls"] += 1
        edge["errors"] += hop.outcome != "ok"
        edge["mean_us"] += (hop.duration_us - edge["mean_us"]) / edge["calls"]
    return list(found.values())


async def _cost(internal: Internal, request: Request, query: dict[str, str]) -> Any:
    """The bill of what has passed; a GET says what is wished in its query, a POST in its body."""
    from kumoi.cost.report import Wish, report
    from kumoi.prices import PricesInvalid

    try:
        wish = msgspec.convert(query, Wish, strict=False) if request.method == "GET" else await _body(request, Wish)
        return await report(internal.doorway, wish)
    except (msgspec.ValidationError, PricesInvalid) as error:
        raise BadRequest(str(error)) from None


class BudgetRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What an hour may cost in USD, of one account or of all together."""

    usd_per_hour: float
    account: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.usd_per_hour <= 1e9:
            raise ValueError("usd_per_hour lies between 0 and a thousand million")


async def _budget(internal: Internal, _request: Request, _query: dict[str, str]) -> Any:
    return {"budgets": internal.doorway.parts[Budgets].told()}


async def _set_budget(internal: Internal, request: Request, query: dict[str, str]) -> Any:
    wanted = await _body(request, BudgetRequest)
    internal.doorway.parts[Budgets].set(wanted.usd_per_hour, wanted.account or EVERYBODY)
    return await _budget(internal, request, query)


async def _clear_budget(internal: Internal, request: Request, query: dict[str, str]) -> Any:
    internal.doorway.parts[Budgets].clear(query.get("account"))
    return await _budget(internal, request, query)


async def _permissions(internal: Internal, _request: Request, query: dict[str, str]) -> Any:
    return {"permissions": await permissions(internal.doorway, query.get("account"))}


async def _roles(internal: Internal, _request: Request, query: dict[str, str]) -> Any:
    if not {"account", "region", "stack"} <= query.keys():
        raise BadRequest("account, region and stack say whose roles are meant")
    try:
        return {"roles": await roles_of(internal.doorway, query["account"], query["region"], query["stack"])}
    except LookupError as error:
        raise BadRequest(str(error)) from None


_ROUTES: dict[tuple[str, str], Handler] = {
    ("GET", "/_kumoi/health"): _health,
    ("GET", "/_kumoi/info"): _info,
    ("GET", "/_kumoi/authority"): _authority,
    ("POST", "/_kumoi/reset"): _reset,
    ("GET", "/_kumoi/snapshot"): _save_snapshot,
    ("POST", "/_kumoi/snapshot"): _load_snapshot,
    ("GET", "/_kumoi/clock"): _clock,
    ("POST", "/_kumoi/clock"): _set_clock,
    ("GET", "/_kumoi/faults"): _list_faults,
    ("POST", "/_kumoi/faults"): _add_fault,
    ("DELETE", "/_kumoi/faults"): _clear_faults,
    ("GET", "/_kumoi/faults/log"): _fault_log,
    ("DELETE", "/_kumoi/faults/log"): _clear_fault_log,
    **{(method, "/_kumoi/chaos/faults"): _chaos_faults for method in ("GET", "POST", "PUT", "PATCH", "DELETE")},
    **{(method, "/_kumoi/chaos/effects"): _chaos_effects for method in ("GET", "POST", "PUT")},
    ("GET", "/_kumoi/hops"): _hops,
    ("GET", "/_kumoi/calls"): _calls,
    ("POST", "/_kumoi/recording"): _start_recording,
    ("DELETE", "/_kumoi/recording"): _stop_recording,
    ("GET", "/_kumoi/map"): _map,
    ("GET", "/_kumoi/trace"): _trace,
    ("GET", "/_kumoi/cost"): _cost,
    ("POST", "/_kumoi/cost"): _cost,
    ("GET", "/_kumoi/budget"): _budget,
    ("POST", "/_kumoi/budget"): _set_budget,
    ("DELETE", "/_kumoi/budget"): _clear_budget,
    ("GET", "/_kumoi/permissions"): _permissions,
    ("GET", "/_kumoi/roles"): _roles,
}


async def _body(request: Request, kind: type[BodyT]) -> BodyT:
    try:
        return msgspec.json.decode(await request.body.read(_BODY_LIMIT), type=kind)
    except (msgspec.MsgspecError, BodyTooLarge, ValueError) as error:
        raise BadRequest(str(error)) from None


def _foreign(request: Request) -> bool:
    """Whether a browser may send this for a page that is not the platform's own.

    A page's own address tells where it came from, but a name that somebody else owns can be made to lead here after
    the page was loaded (DNS rebinding), and then it is its own origin: such names are not answered either.
    """
    if not private_name(urlsplit(f"//{request.host}").hostname):
        return True
    origin = request.headers.get("origin")
    if origin is None:
        return False
    return origin == "null" or urlsplit(origin).hostname not in {*_LOCAL_HOSTS, urlsplit(f"//{request.host}").hostname}


def _json(content: Any, status: int = 200, headers: list[tuple[str, str]] | None = None) -> Response:
    return Response(
        status,
        [("Content-Type", "application/json"), *(headers or [])],
        orjson.dumps(content, option=orjson.OPT_INDENT_2),
    )
