"""The filters of a source: patterns of which one must match."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from kumoi.event_pattern import PatternError, compile_pattern

Form = Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any] | None]


class Filters:
    """Compiled filters; none of them lets everything pass. `form` gives a record the form that a pattern sees."""

    def __init__(self, patterns: Sequence[str], form: Form) -> None:
        self._form = form
        self._patterns = [(orjson.loads(text), compile_pattern(text, dialect="lambda")) for text in patterns]

    def pass_on(self, record: Mapping[str, Any]) -> bool:
        """Whether a record is for the sink."""
        if not self._patterns:
            return True
        for raw, pattern in self._patterns:
            seen = self._form(record, raw)
            if seen is not None and pattern.matches(seen):
                return True
        return False


def is_pattern(text: str) -> bool:
    """Whether a filter is one that can match."""
    try:
        if not orjson.loads(text):
            return False
        compile_pattern(text, dialect="lambda")
    except (PatternError, orjson.JSONDecodeError):
        return False
    return True
