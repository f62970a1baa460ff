"""Requests below `/_kumoi/studio/`: the console's files, and its JSON interface below `api/`.

Answers of the interface are `{"error": …}` with a status of 400 and more where something is refused; AWS's errors
come with their code.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote

import msgspec
import orjson

from kumoi import __version__
from kumoi.doorway import Doorway
from kumoi.names import DEFAULT_ACCOUNT, DEFAULT_REGION
from kumoi.studio import layouts, traces
from kumoi.studio.access import refusal
from kumoi.studio.board import Board
from kumoi.studio.bundle import Bundle
from kumoi.studio.calls import Wanted, call
from kumoi.studio.feed import Feed
from kumoi.studio.replay import again, shown
from kumoi.studio.traffic import Traffic
from kumoi.wire import AwsError, Wire
from kumoi.wire.http import BodyTooLarge, Request, Response

PREFIX = "/_kumoi/studio"
_BODY_LIMIT = 2_097_152
_ACCOUNT = re.compile(r"[0-9]{12}")

BodyT = TypeVar("BodyT")
Query = dict[str, str]
Handler = Callable[["Studio", Request, Query], Awaitable[Any]]


class Refused(Exception):
    """A request that cannot be answered as asked; the text says why."""


class CallRequest(msgspec.Struct, forbid_unknown_fields=True):
    """An operation to call: AWS's names, and its parameters."""

    service: str
    operation: str
    params: dict[str, Any] = {}
    region: str = DEFAULT_REGION


class ReplayRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A recorded call to make again, with other parameters where they are given."""

    span: str
    params: dict[str, Any] | None = None


class RecordingRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Whether payloads are to be recorded."""

    on: bool


class Studio:
    """Studio of one platform. Built inside the loop; `close` ends its feeds before the listener drains."""

    def __init__(self, doorway: Doorway, wire: Wire, bundle: Bundle | None = None) -> None:
        self.doorway = doorway
        self.wire = wire
        self.traffic = Traffic(doorway)
        self.board = Board(doorway, self.traffic)
        self.feed = Feed(self.board, self.traffic)
        self._bundle = bundle or Bundle()
        self._seeding: asyncio.Task[None] | None = None

    @property
    def token(self) -> str:
        """What opens Studio where signatures are verified."""
        return self.doorway.identity.platform_token

    def close(self) -> None:
        """End feeds and stop listening."""
        if self._seeding is not None:
            self._seeding.cancel()
        self.feed.close()
        self.traffic.close()

    async def __call__(self, request: Request) -> Response:
        """Answer one request below `/_kumoi/studio`."""
        path = unquote(request.path[len(PREFIX) :])
        if path == "":
            return Response(308, [("Location", f"{PREFIX}/")])
        path = path[1:]
        if not path.startswith("api/"):
            if request.method not in ("GET", "HEAD"):
                return _json({"error": "use GET"}, 405)
            return await self._bundle.answer(request, path)
        return await self._api(request, path[len("api/") :])

    async def _api(self, request: Request, name: str) -> Response:
        refused = refusal(self.doorway.identity, request)
        if refused is not None:
            return _json({"error": refused[1]}, refused[0])
        handler = _ROUTES.get((request.method, name))
        if handler is None:
            return _json({"error": f"there is no {request.method} {name}"}, 404)
        await self._seeded()
        query = {one: values[-1] for one, values in parse_qs(request.query, keep_blank_values=True).items()}
        try:
            answer = await handler(self, request, query)
        except Refused as error:
            return _json({"error": str(error)}, 400)
        except AwsError as error:
            return _json({"error": error.message, "code": error.code, "status": error.default_status}, 422)
        return answer if isinstance(answer, Response) else _json(answer)

    async def _seeded(self) -> None:
        """Wait until the map knows what happened before this start; whoever asks first has it read, once for all."""
        if self._seeding is None or (self._seeding.done() and self._seeding.exception() is not None):
            self._seeding = asyncio.create_task(self.board.seed())
        await asyncio.shield(self._seeding)


async def _info(studio: Studio, _request: Request, query: Query) -> Any:
    identity = studio.doorway.identity
    account = _account(query)
    return {
        "version": __version__,
        "url": studio.doorway.endpoint,
        "auth": identity.mode,
        "recording": studio.doorway.payloads.on,
        "now": studio.doorway.clock.now(),
        "accounts": sorted({DEFAULT_ACCOUNT, *studio.traffic.accounts}),
        "regions": await studio.board.regions(account),
        "services": sorted(service.name for service in studio.doorway.registry),
    }


async def _map(studio: Studio, _request: Request, query: Query) -> Any:
    account = _account(query)
    found = await studio.board.map(account)
    layout = await layouts.find(studio.doorway.state.at(account, ""), found["structure"])
    return {**found, "layout": None if layout is None else orjson.loads(layout)}


async def _keep_layout(studio: Studio, request: Request, query: Query) -> Any:
    content = await _read(request)
    structure = query.get("structure", "")
    if len(content) > layouts.LARGEST or not re.fullmatch(r"[0-9a-z-]{1,64}", structure):
        raise Refused("a layout has a structure and at most 512 KiB")
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Refused(str(error)) from None
    state = studio.doorway.state.at(_account(query), "")
    await layouts.keep(state, layouts.Layout(structure, content, studio.doorway.clock.now()))
    return {"kept": structure}


async def _feed(studio: Studio, _request: Request, query: Query) -> Any:
    headers = [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")]
    return Response(200, headers, studio.feed.events(_account(query)))


async def _traces(studio: Studio, _request: Request, query: Query) -> Any:
    try:
        limit = min(int(query.get("limit", "100")), 1000)
    except ValueError:
        raise Refused("limit is a number") from None
    chosen = {name: query.get(name) == "1" for name in ("failed", "everything")}
    found = await traces.latest(studio.doorway, _account(query), limit, query.get("node", ""), **chosen)
    return {"traces": found}


async def _trace(studio: Studio, _request: Request, query: Query) -> Any:
    hops = await traces.one(studio.doorway, _account(query), query.get("id", ""))
    return {"trace": query.get("id", ""), "hops": hops, "recording": studio.doorway.payloads.on}


async def _payload(studio: Studio, _request: Request, query: Query) -> Any:
    found = studio.doorway.payloads.find(query.get("span", ""))
    if found is None or found.account != _account(query):
        raise Refused("this call's payloads are not kept (any more)")
    return shown(found)


async def _replay(studio: Studio, request: Request, query: Query) -> Any:
    wanted = await _body(request, ReplayRequest)
    found = studio.doorway.payloads.find(wanted.span)
    if found is None or found.account != _account(query):
        raise Refused("this call's payloads are not kept (any more)")
    return await again(studio.doorway, studio.wire, found, wanted.params)


async def _recording(studio: Studio, request: Request, _query: Query) -> Any:
    studio.doorway.payloads.switch((await _body(request, RecordingRequest)).on)
    return {"recording": studio.doorway.payloads.on}


async def _call(studio: Studio, request: Request, query: Query) -> Any:
    wanted = await _body(request, CallRequest)
    place = Wanted(wanted.service, wanted.operation, _account(query), wanted.region, wanted.params)
    return {"answer": await call(studio.doorway, studio.wire, place)}


_ROUTES: dict[tuple[str, str], Handler] = {
    ("GET", "info"): _info,
    ("GET", "map"): _map,
    ("GET", "feed"): _feed,
    ("PUT", "layout"): _keep_layout,
    ("GET", "traces"): _traces,
    ("GET", "trace"): _trace,
    ("GET", "payload"): _payload,
    ("POST", "replay"): _replay,
    ("POST", "recording"): _recording,
    ("POST", "call"): _call,
}


def _account(query: Query) -> str:
    account = query.get("account") or DEFAULT_ACCOUNT
    if not _ACCOUNT.fullmatch(account):
        raise Refused("account is a number of twelve digits")
    return account


async def _read(request: Request) -> bytes:
    try:
        return await request.body.read(_BODY_LIMIT)
    except BodyTooLarge as error:
        raise Refused(str(error)) from None


async def _body(request: Request, kind: type[BodyT]) -> BodyT:
    try:
        return msgspec.json.decode(await _read(request), type=kind)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Refused(str(error)) from None


def _json(content: Any, status: int = 200) -> Response:
    headers = [
        ("Content-Type", "application/json"),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Response(status, headers, orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS))
