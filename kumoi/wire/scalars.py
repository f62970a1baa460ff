"""Scalars as texts: how paths, query strings, headers, forms and XML write numbers, booleans, blobs and timestamps.

Each protocol refuses a text that is no such scalar in words of its own; what is one, is the same in all of them.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from typing import Any

from kumoi.wire import timestamps
from kumoi.wire.errors import AwsError
from kumoi.wire.model import Shape

BITS = {"byte": 8, "short": 16, "integer": 32, "long": 64}
"""The size of each kind of whole number."""

_WHOLE = re.compile(r"-?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?|NaN|-?Infinity")
_READERS = {"boolean": "boolean", "float": "number", "double": "number", "timestamp": "moment", "blob": "blob"}


def expression(shape: Shape, text: str) -> str:
    """The source that reads a scalar from the expression `text`, with `helpers` in scope."""
    if shape.type in BITS:
        return f"integer({text}, {BITS[shape.type]})"
    reader = _READERS.get(shape.type)
    return f"{reader}({text})" if reader else text


def helpers(refuse: Callable[[str, str], AwsError]) -> dict[str, Callable[..., Any]]:
    """The functions that `expression` names; `refuse` makes the error from (the text, what was expected)."""

    def reading(read: Callable[..., Any], what: str) -> Callable[..., Any]:
        def checked(text: str, *arguments: int) -> Any:
            try:
                return read(text, *arguments)
            except ValueError:
                raise refuse(text, what) from None

        return checked

    return {
        "integer": reading(integer, "Integer"),
        "boolean": reading(boolean, "Boolean"),
        "number": reading(number, "Double"),
        "moment": reading(timestamps.decode, "Timestamp"),
        "blob": reading(blob, "Blob"),
    }


def integer(text: str, bits: int) -> int:
    """A whole number of so many bits; ValueError when it is none."""
    if not _WHOLE.fullmatch(text):
        raise ValueError("not a whole number")
    value = int(text)
    if not -1 << bits - 1 <= value < 1 << bits - 1:
        raise ValueError("out of range")
    return value


def boolean(text: str) -> bool:
    """`true` or `false`, in any case; ValueError when it is neither."""
    if text.lower() not in ("true", "false"):
        raise ValueError("not a boolean")
    return text.lower() == "true"


def number(text: str) -> float:
    """A decimal number; ValueError when it is none."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError("not a number")
    return float(text)


def blob(text: str) -> bytes:
    """What base64 stands for; ValueError when it is not that."""
    return binascii.a2b_base64(text, strict_mode=True)  # binascii.Error is a ValueError; so is non-ASCII


def blob_text(value: bytes | str) -> str:
    """A blob as base64; a text is taken to be that already."""
    return value if isinstance(value, str) else base64.b64encode(value).decode()


def number_text(value: float) -> str:
    """A number with a fraction as text."""
    return repr(value) if math.isfinite(value) else non_finite(value)


def non_finite(value: float) -> str:
    """NaN and the infinities as AWS's texts have them."""
    return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
