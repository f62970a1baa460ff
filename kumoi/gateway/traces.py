"""One trace, whole: the hops that belong to it, and the documents that X-Ray has of it."""

from __future__ import annotations

import re
from typing import Any

import orjson

from kumoi.doorway import Doorway, Principal
from kumoi.names import DEFAULT_ACCOUNT, DEFAULT_REGION

TRACE_ID = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_MOST = 5_000


async def whole_trace(doorway: Doorway, trace_id: str) -> dict[str, Any]:
    """Hops in the order they began, and segment documents, of every account and region that the trace went through."""
    doorway.hops.flush()
    equals = {"trace": trace_id}
    rows = await doorway.lake.scan("hops", account=None, region=None, equals=equals, limit=_MOST)
    places = {(row["account"], row["region"]) for row in rows}
    places.add(doorway.tracing.place(trace_id) or (DEFAULT_ACCOUNT, DEFAULT_REGION))
    documents: dict[str, dict[str, Any]] = {}
    for account, region in sorted(places):
        caller = Principal.looking(account, "xray", "kumoi")
        answer = await doorway.ask("xray", "BatchGetTraces", {"TraceIds": [trace_id]}, caller, region)
        for found in answer["Traces"]:
            documents.update((one["Id"], orjson.loads(one["Document"])) for one in found["Segments"])
    return {"hops": rows, "segments": list(documents.values())}
