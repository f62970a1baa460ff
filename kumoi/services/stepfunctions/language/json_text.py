"""JSON as Step Functions writes it into histories and hands it to tasks: compact, characters unescaped."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from kumoi.services.stepfunctions.language.errors import runtime

MAX_DEPTH = 200
MAX_BYTES = 262_144
"""The largest input or output of a state, a task or an execution, in bytes of UTF-8."""


def dumps(value: Any) -> str:
    """A value as compact JSON; States.Runtime for one that is nested more than some 250 levels deep."""
    try:
        return orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError) as error:
        if "ecursion" in str(error):
            raise runtime("The data is nested too deeply.") from None
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def loads(text: str | bytes) -> Any:
    """A JSON text as a value; ValueError when it is none."""
    return orjson.loads(text)


def too_deep(text: str) -> bool:
    """Whether a JSON text is nested deeper than states can hand on."""
    if text.count("[") + text.count("{") < MAX_DEPTH:
        return False
    depth = deepest = 0
    for character in re.sub(r'"(?:[^"\\]|\\.)*"', "", text):
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    return deepest > MAX_DEPTH


def too_large(text: str) -> bool:
    """Whether a text is larger than an input or output may be."""
    length = len(text)
    return length > MAX_BYTES or (length * 4 > MAX_BYTES and len(text.encode("utf-8", "replace")) > MAX_BYTES)


def java_text(value: Any) -> str:
    """A value as Java prints it: what States.Format shows of objects and arrays."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={java_text(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(java_text(inner) for inner in value) + "]"
    return value if isinstance(value, str) else dumps(value)
