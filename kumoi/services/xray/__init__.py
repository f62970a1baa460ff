"""AWS X-Ray: segments come in, traces, summaries and service graphs are read from them.

Documents arrive by PutTraceSegments, as the daemon's datagrams (`daemon.py`), as OpenTelemetry spans (`otlp/`), and
from the platform itself, which derives the segments of AWS's own services from hops (`platform_segments/`). All are
checked and appended to the lake as they came (`storage.py`); what a trace is made of them is decided when it is read
(`traces/`), so that segments may come late and in any order. `filter_expression/` is the language of searches.

Rules: the X-Ray API reference and developer guide ("X-Ray segment documents", "Filter expressions", "Sampling rules").
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

xray = Service(
    "xray",
    __name__,
    modules=(
        "operations.segments",
        "operations.reading",
        "operations.graphs",
        "operations.retrieval",
        "operations.groups",
        "operations.sampling",
        "operations.settings",
        "operations.policies",
        "operations.insights",
        "operations.tags",
        "otlp.plane",
    ),
    data_planes=("otlp",),
    resource=("GroupName", "RuleName", "PolicyName"),
    authorization="authorization",
)


@xray.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Take in datagrams and hops while the platform runs."""
    from kumoi.services.xray.lifespan import running

    async with running(parts):
        yield


@xray.on_reset
async def reset(parts: Parts, _state: State, account: str | None) -> None:
    """Drop what was gathered of what is being forgotten."""
    from kumoi.services.xray.platform_segments.emitter import Emitter

    parts[Emitter].forget(account)
