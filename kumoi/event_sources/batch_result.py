"""Which records of a batch a function has not managed, as its answer says it.

Pure. Rules: "Reporting batch item failures" of the developer guide: an answer that says nothing is a success, one that
cannot be understood fails the whole batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from kumoi.event_sources.sink import ALL


def failed_items(payload: bytes, identifiers: Sequence[str]) -> frozenset[str] | None:
    """The identifiers that the answer names; `ALL` for an answer that must be read as the failure of them all."""
    try:
        answer: Any = orjson.loads(payload or b"null")
    except orjson.JSONDecodeError:
        return ALL
    if not answer:
        return frozenset()
    if not isinstance(answer, dict):
        return ALL
    failures = answer.get("batchItemFailures")
    if failures is None:
        return frozenset()
    if not isinstance(failures, list):
        return ALL
    known = set(identifiers)
    failed = set()
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if not isinstance(identifier, str) or identifier not in known:
            return ALL
        failed.add(identifier)
    return frozenset(failed)
