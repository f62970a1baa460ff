"""JSON as Step Functions writes it into histories and hands it to tasks: compact, characters unescaped."""

from __future__ import annotations

import json
from typing import Any

import orjson

MAX_BYTES = 262_144
"""The largest input or output of a state, a task or an execution, in bytes of UTF-8."""


def dumps(value: Any) -> str:
    """A value as compact JSON."""
    try:
        return orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError):  # integers of more than 64 bits, deep nesting, lone surrogates
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def loads(text: str | bytes) -> Any:
    """A JSON text as a value; ValueError when it is none."""
    return orjson.loads(text)


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
