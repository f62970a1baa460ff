"""Reads that AWS calls eventually consistent: they may answer what was there a moment ago. Services declare theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

EventualRead = Callable[[Mapping[str, Any]], bool]
"""Whether a call with these parameters is such a read."""


@dataclass(frozen=True, slots=True)
class EventualReads:
    """Operations that may be such reads; `rows` are the kinds of rows (first elements of keys) that they read late."""

    rows: frozenset[str]
    operations: Mapping[str, EventualRead]

    def includes(self, operation: str, params: Mapping[str, Any]) -> bool:
        """Whether a call is one of them."""
        asks = self.operations.get(operation)
        return asks is not None and asks(params)
