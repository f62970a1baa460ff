"""A trace as BatchGetTraces answers it: its segments' documents as JSON, subsegments in their places."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.services.xray.traces.summary import duration
from kumoi.services.xray.traces.trace import Trace

MAX_BYTES = 512_000
"""What a trace may have; AWS takes no more then, here it is only told."""


def answer(trace: Trace) -> dict[str, Any]:
    """A Trace of the API. Subsegments whose segment has not arrived stand beside the segments."""
    segments = [{"Id": part["id"], "Document": orjson.dumps(part).decode()} for part in trace.documents()]
    return {
        "Id": trace.id,
        "Duration": duration(trace),
        "LimitExceeded": sum(len(one["Document"]) for one in segments) > MAX_BYTES,
        "Segments": segments,
    }
