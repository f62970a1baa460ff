"""The dispatcher of `/_kumoi/`: who may ask, and which handler answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from kumoi.clock import Clock
from kumoi.doorway import Doorway
from kumoi.gateway.explorer import Explorer
from kumoi.gateway.internal import calls, costs, faults, mail, platform
from kumoi.gateway.internal.requests import BadRequest, Routes
from kumoi.gateway.recording import Recording
from kumoi.gateway.snapshot_requests import SnapshotRequests
from kumoi.local_names import private_name
from kumoi.snapshots import BadSnapshot
from kumoi.state.timers import TimerRunner
from kumoi.wire.http import Request, Response

_STUDIO = "/_kumoi/studio"
_ROUTES: Routes = {**platform.ROUTES, **faults.ROUTES, **calls.ROUTES, **costs.ROUTES, **mail.ROUTES}

Reset = Callable[[str | None], Awaitable[None]]


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
        route = _route(request.path)
        handler = _ROUTES.get((request.method, route))
        if handler is None:
            methods = sorted({method for method, path in _ROUTES if path == route})
            if methods:
                return _json({"error": f"use {' or '.join(methods)}"}, 405, [("Allow", ", ".join(methods))])
            known = sorted({path for _, path in _ROUTES})
            return _json({"error": f"nothing at {request.path}", "paths": known}, 404)
        identity = self.doorway.identity
        if identity.enforces and not identity.rules(request.headers.get("authorization")):
            if not request.local and handler is not platform.health:
                return _json({"error": "with --auth enforce, other machines are told of the health only"}, 403)
            if handler not in platform.HARMLESS:
                told = "with --auth enforce, this takes the token in platform.json of the data directory"
                return _json({"error": told}, 401, [("WWW-Authenticate", "Bearer")])
        if _foreign(request):
            return _json({"error": "requests from other origins and for foreign host names are refused"}, 403)
        query = {name: values[-1] for name, values in parse_qs(request.query, keep_blank_values=True).items()}
        try:
            found = await handler(self, request, query)
        except (BadRequest, BadSnapshot) as error:
            return _json({"error": str(error)}, 400)
        return found if isinstance(found, Response) else _json(found)


def _route(path: str) -> str:
    """The path of the handler that takes a path: its own, or one that ends with `*` and takes all below."""
    own = path.rstrip("/")
    first, _, below = own.removeprefix("/_kumoi/").partition("/")
    wide = f"/_kumoi/{first}/*"
    return wide if below and any(known == wide for _, known in _ROUTES) else own


def _foreign(request: Request) -> bool:
    """Whether a browser may send this for a page that is not the platform's own: one at another port here.

    A page's own address tells where it came from, but a name that somebody else owns can be made to lead here after
    the page was loaded (DNS rebinding), and then it is its own origin: such names are not answered either.
    """
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return True  # an image or a form of such a page: it has no Origin
    if not private_name(urlsplit(f"//{request.host}").hostname):
        return True
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] != request.host


def _json(content: Any, status: int = 200, headers: list[tuple[str, str]] | None = None) -> Response:
    return Response(
        status,
        [("Content-Type", "application/json"), *(headers or [])],
        orjson.dumps(content, option=orjson.OPT_INDENT_2),
    )
