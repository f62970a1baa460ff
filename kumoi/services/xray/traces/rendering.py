"""A trace as BatchGetTraces answers it: its segments' documents as JSON, subsegments in their places."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.services.xray.traces.summary import duration
from kumoi.services.xray.traces.trace import Trace


def answer(trace: Trace) -> dict[str, Any]:
    """A Trace of the API. Subsegments whose segment has not arrived stand beside the segments."""
    return {
        "Id": trace.id,
        "Duration": duration(trace),
        "LimitExceeded": False,
        "Segments": [{"Id": part["id"], "Document": orjson.dumps(part).decode()} for part in trace.documents()],
    }
