"""Where services and X-Ray meet: who decides what is sampled, what a traced call tells, where traces belong.

A service that traces asks `sampled` as its call begins and, where it is, tells what only it knows (`call.traced`); the
segment is made of that and of the call's hop, by X-Ray. Nobody is asked for what is not traced.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from msgspec.structs import replace

from kumoi.doorway.call import Call, Trace

_TRACES = 10_000


@dataclass(slots=True)
class Traced:
    """What X-Ray is told of a call beside its hop: which `kind` of service it is, its caller there, and facts."""

    kind: str
    parent: str
    facts: dict[str, Any] = field(default_factory=dict)


class Sampled(NamedTuple):
    """A request of which it is decided whether it is sampled, as sampling rules see it."""

    service: str
    service_type: str
    resource: str = ""
    host: str = ""
    method: str = ""
    path: str = ""


Decide = Callable[[Call, Sampled], Awaitable[bool]]
Place = tuple[str, str]


class Tracing:
    """One platform's tracing. `port` is where the daemon is to listen (0: any port, None: nowhere).

    `daemon` is the daemon's address once it listens, `decide` is set by X-Ray. `lineages` are those of what runs just
    now with session credentials, by their access key, where it runs within a chain of requests.
    """

    def __init__(self, port: int | None = None) -> None:
        self.port = port
        self.daemon = ""
        self.decide: Decide | None = None
        self.lineages: dict[str, str] = {}
        self._places: dict[str, Place] = {}

    async def begin(self, call: Call, kind: str, request: Sampled) -> bool:
        """Whether a call is traced, as `sampled` says; where it is, `call.traced` is set."""
        if not await self.sampled(call, request):
            return False
        call.traced = Traced(kind, call.trace.segment(call.span))
        return True

    async def sampled(self, call: Call, request: Sampled) -> bool:
        """Whether a call's trace is sampled: as it says itself, else as sampling rules do, and from now on."""
        trace = call.trace
        sampled = trace.sampled
        if sampled is None and self.decide is not None:
            sampled = await self.decide(call, request)
            call.trace = replace(trace, sampled=sampled)
        if not sampled:
            return False
        if len(self._places) >= _TRACES:
            del self._places[next(iter(self._places))]
        self._places[trace.root] = (call.account, call.region)
        return True

    def chained(self, trace: Trace, access_key: str | None) -> Trace:
        """The trace of a request that names a lineage, with the lineage of what its caller runs.

        Python's X-Ray SDK sends that of a trace's first invocation as long as an execution environment lives.
        """
        lineage = self.lineages.get(access_key or "")
        return trace if lineage is None else replace(trace, lineage=lineage)

    def place(self, root: str) -> Place | None:
        """The account and region that a trace was last seen in; None for one that no traced call belongs to."""
        return self._places.get(root)
