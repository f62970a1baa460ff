"""Events from JSON and results to JSON, as AWS's runtime has them, by codecs that are made once.

`json.loads` and `json.dumps` look at their options, and the latter makes an encoder, each time they are called: for a
kilobyte that takes as long as the work itself.
"""

from __future__ import annotations

import json
import json.encoder
import json.scanner
from decimal import Decimal
from typing import Any, Callable

scan: Callable[[str, int], Any] = json.scanner.make_scanner(json.JSONDecoder())  # type: ignore[arg-type]
"""Reads the value at a place of a text: (value, where it ends); StopIteration where there is none."""


def read_event(payload: bytes) -> Any:
    """What `json.loads` makes of a payload; most are one value of UTF-8 without space around it, which is quicker."""
    try:
        text = payload.decode()
        event, end = scan(text, 0)
    except (ValueError, StopIteration):
        return json.loads(payload)
    return event if end == len(text) else json.loads(payload)


class ResultWriter:
    """Writes what `json.dumps` would, Decimals as numbers; raises what that raises."""

    def __init__(self, *, ensure_ascii: bool) -> None:
        self._begun: dict[int, Any] = {}
        make: Any = json.encoder.c_make_encoder  # type: ignore[attr-defined]
        if make is None:  # an interpreter without json's C part
            encode = json.JSONEncoder(default=_number, ensure_ascii=ensure_ascii).encode
            self._pieces: Callable[[Any, int], Any] = lambda value, _depth: (encode(value),)
        else:
            text = json.encoder.encode_basestring_ascii if ensure_ascii else json.encoder.encode_basestring
            self._pieces = make(self._begun, _number, text, None, ": ", ", ", False, False, True)

    def write(self, result: Any) -> bytes:
        """A result as JSON."""
        try:
            return "".join(self._pieces(result, 0)).encode()
        except BaseException:
            self._begun.clear()  # or what it was in the middle of would look as if it held itself the next time
            raise


def _number(value: Any) -> Any:
    """Decimals as numbers; nothing else is added to what JSON knows."""
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
