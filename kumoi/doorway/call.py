"""The call: everything that one part asks of another, and everything a client asks from outside.

A call names a service, an operation and its parameters, and carries who asks, from where, in which account and
region, and under which trace. Handlers receive it; through it they reach the stores, the clock and other services.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from kumoi.doorway.principal import Principal
from kumoi.names import DEFAULT_ACCOUNT, DEFAULT_REGION, partition_of, span_id, trace_id, uuid

if TYPE_CHECKING:
    from kumoi.blobs import Blobs
    from kumoi.doorway.doorway import Doorway
    from kumoi.doorway.fault import Damage
    from kumoi.doorway.tracing import Traced
    from kumoi.lake import Lake
    from kumoi.state import State
    from kumoi.wire.http import Request

PartT = TypeVar("PartT")


class Trace(msgspec.Struct, frozen=True, gc=False):
    """The trace a call belongs to: its root id and the calling span, and what X-Ray has to know beside.

    `sampled` is None until somebody has decided. `upstream` is the segment (or subsegment) that X-Ray shows as the
    caller: calls between it and this one that leave no segments are passed over. `traced` says that the calling span is
    itself one of a service that is traced. `lineage` names the functions whose chain of requests led to the call; it
    goes on only where Lambda would learn of it (`chained`).
    """

    root: str
    parent: str
    sampled: bool | None = None
    upstream: str = ""
    traced: bool = False
    lineage: str = ""

    @classmethod
    def new(cls, now: float) -> Trace:
        """A trace that begins here."""
        return cls(trace_id(now), "")

    @classmethod
    def parse(cls, header: str | None, now: float) -> Trace:
        """Read an `X-Amzn-Trace-Id` header; a new trace where it names no root, nobody where it names no caller.

        It may come from anybody and goes on into headers and documents: nothing but ids is taken.
        """
        if header is None:
            return cls(trace_id(now), "")
        fields = dict(part.strip().partition("=")[::2] for part in header.split(";"))
        root = fields.get("Root", "")
        if not _ROOT.fullmatch(root):
            return cls.new(now)
        parent = _span(fields.get("Parent", ""))
        sampled = _SAMPLED.get(fields.get("Sampled", ""))
        lineage = fields.get("Lineage", "")
        if lineage and not _LINEAGE.fullmatch(lineage):
            lineage = ""
        upstream = parent if sampled else ""
        return cls(root, _span(fields.get("Hop", "")) or parent, sampled, upstream, lineage=lineage)

    def header(self, span: str) -> str:
        """The header that goes on from the call of `span`, to be read back where it goes on."""
        if self.sampled is None:
            return f"Root={self.root};Parent={span}"
        if not self.sampled:
            return f"Root={self.root};Parent={span};Sampled=0"
        upstream = self.segment(span)
        parent = f"Parent={upstream};" if upstream else ""
        return f"Root={self.root};{parent}Sampled=1;Hop={span}"

    def chained(self, span: str) -> str:
        """The header, and the lineage where there is one: for what comes to functions from services that hand it on."""
        header = self.header(span)
        return f"{header};Lineage={self.lineage}" if self.lineage else header

    def relabelled(self, header: str) -> str:
        """A header that a client sent, with this trace's lineage for the one that it names."""
        parts = [part for part in header.split(";") if not part.lstrip().startswith("Lineage=")]
        return ";".join((*parts, f"Lineage={self.lineage}"))

    def segment(self, span: str) -> str:
        """The segment or subsegment that X-Ray shows as the caller of the call of `span`; empty for none."""
        return caller_side(span) if self.traced else self.upstream


def caller_side(span: str) -> str:
    """The id of the subsegment that a call is for a caller that is traced, by the call's own span."""
    return f"{int(span, 16) ^ (1 << 63):016x}"


def _span(text: str) -> str:
    return text if _SPAN.fullmatch(text) else ""


_ROOT = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_SPAN = re.compile(r"[0-9a-f]{16}")
_LINEAGE = re.compile(r"\d{1,5}:[0-9a-f]{8}:\d{1,5}(?:\+\d{1,5}:[0-9a-f]{8}:\d{1,5}){0,31}")
_SAMPLED = {"1": True, "0": False}

NO_TRACE = Trace("", "")


class Call(msgspec.Struct):
    """One call on its way through the doorway.

    `source` and `node` are the two ends of its edge on the map. `deadline` is platform time in epoch seconds, None
    without one. `units` is what the call is billed by (handlers add to it). `http` is the request it came in with,
    None for a call from inside; `attributes` is what its host name and path said beside the service. `asked` and
    `denied` are what the authoriser wrote down: the permissions that the call needs, and why policies would deny it.
    `warning` is what a handler noticed that its answer cannot say, `outcome` how it went where an answer that is no
    error tells of one (a function's), `fault` the declared fault that struck beyond the doorway, where a function runs.
    `traced` is what X-Ray is to be told of the call, None where it is not traced. `damage` is what a declared fault
    does to the bytes of the answer, empty for nothing; None where the answer does not become bytes. `as_of` is the
    moment (epoch seconds) whose state a stale read sees, None for now.
    """

    doorway: Doorway
    service: str
    operation: str
    params: dict[str, Any]
    caller: Principal
    account: str = DEFAULT_ACCOUNT
    region: str = DEFAULT_REGION
    trace: Trace = NO_TRACE
    source: str = "client"
    deadline: float | None = None
    http: Request | None = None
    attributes: Mapping[str, str] = msgspec.field(default_factory=dict)
    request_id: str = msgspec.field(default_factory=uuid)
    span: str = msgspec.field(default_factory=span_id)
    node: str = ""
    request_bytes: int = 0
    response_bytes: int = 0
    units: dict[str, float] = msgspec.field(default_factory=dict)
    asked: str = ""
    denied: str = ""
    warning: str = ""
    outcome: str = "ok"
    fault: str = ""
    traced: Traced | None = None
    damage: Damage | Literal[""] | None = None
    as_of: float | None = None

    @property
    def now(self) -> float:
        """The platform's time in epoch seconds."""
        return self.doorway.clock.now()

    @property
    def state(self) -> State:
        """The key space of this call's account and region."""
        state = self.doorway.state.at(self.account, self.region)
        return state if self.as_of is None else state.as_of(self.as_of)

    @property
    def blobs(self) -> Blobs:
        """Object bytes by id."""
        return self.doorway.blobs

    @property
    def lake(self) -> Lake:
        """Append-only records."""
        return self.doorway.lake

    @property
    def onward(self) -> Trace:
        """The trace of whatever is called from this call."""
        trace = self.trace
        if self.traced is not None:
            return Trace(trace.root, self.span, True, "", True)
        return Trace(trace.root, self.span, trace.sampled, trace.segment(self.span))

    def part(self, kind: type[PartT]) -> PartT:
        """A moving part that the service's lifespan has added to the platform."""
        return self.doorway.parts[kind]

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a regional resource of this call's account."""
        return f"arn:{partition_of(self.region)}:{service}:{self.region}:{self.account}:{resource}"

    def meter(self, unit: str, amount: float) -> None:
        """Add to what this call is billed by."""
        self.units[unit] = self.units.get(unit, 0.0) + amount

    async def to(self, service: str, operation: str, /, **params: Any) -> Any:
        """Call another service on behalf of this call: same guards, no serialisation, the same trace.

        Answers the operation's plain result; raises its AwsError.
        """
        return await self.to_as(self.caller, service, operation, **params)

    async def to_as(self, caller: Principal, service: str, operation: str, /, **params: Any) -> Any:
        """Call another service as somebody else than this call's caller: in a role, or as the service itself."""
        return await self.doorway.dispatch(
            Call(
                self.doorway,
                service,
                operation,
                params,
                caller=caller,
                account=self.account,
                region=self.region,
                trace=self.onward,
                source=self.node or self.service,
                deadline=self.deadline,
            )
        )
