"""One viewer's request while it is being answered: what is known of it, and what has been found out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from kumoi.doorway import Call
from kumoi.services.cloudfront.edge import viewer_headers
from kumoi.services.cloudfront.edge.compiled import Behaviour, Served
from kumoi.services.cloudfront.edge.invalidated import Rules
from kumoi.services.cloudfront.edge.messages import EdgeRequest
from kumoi.services.cloudfront.edge.origin import Origin
from kumoi.services.cloudfront.edge.pops import Pop
from kumoi.wire.http import Request


@dataclass(slots=True)
class Visit:
    """`viewer` is the request as it came; `scheme` how it counts as having come. `result` and `detail` are for logs.

    `chosen_origin` and `chosen_group` are what a viewer-request function has chosen instead of the behaviour's own.
    """

    call: Call
    served: Served
    pop: Pop
    viewer: EdgeRequest
    behaviour: Behaviour
    scheme: str
    host: str
    port: int
    version: str
    request_id: str
    via: str
    result: str = "Miss"
    detail: str = "Miss"
    cache: str = "Miss from cloudfront"
    rules: Rules | None = None
    chosen_origin: Origin | None = None
    chosen_group: tuple[tuple[Origin, ...], frozenset[int]] | None = None
    origin_seconds: float | None = None
    seconds: float = 0.0

    @property
    def epoch(self) -> int:
        """How many invalidations the distribution has had."""
        return 0 if self.rules is None else self.rules.epoch

    @property
    def now(self) -> float:
        """The platform's time."""
        return self.call.now


def visit_of(call: Call, request: Request, path: str, served: Served, pop: Pop, request_id: str) -> Visit:
    """What is known of a request before anything is done about it."""
    headers = request.headers.items
    version = "2.0" if request.http_version.startswith("2") else request.http_version
    return Visit(
        call=call,
        served=served,
        pop=pop,
        viewer=EdgeRequest(request.method, path, request.query, viewer_headers.cleaned(headers), request.client[0]),
        behaviour=served.behaviour(path),
        scheme=_scheme(request),
        host=request.host,
        port=request.client[1],
        version=version,
        request_id=request_id,
        via=f"{version} {_cache_name(served.domain, pop.code)}.cloudfront.net (CloudFront)",
    )


@lru_cache(1024)
def _cache_name(domain: str, pop: str) -> str:
    """What a POP calls itself in Via."""
    return hashlib.sha256(f"{domain}{pop}".encode()).hexdigest()[:32]


def _scheme(request: Request) -> str:
    """How a viewer counts as having come.

    Plain HTTP on this machine counts as HTTPS, so that redirects to HTTPS do not loop; a request that says
    `X-Forwarded-Proto: http` is taken at its word.
    """
    stated = (request.headers.get("x-forwarded-proto") or "").lower()
    return stated if stated in ("http", "https") else "https"
