"""What a function that IoT asked has answered, read out of Invoke's answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson


class FunctionFailed(Exception):
    """A function ended with an error, or answered what is no JSON."""


async def said(answer: Mapping[str, Any]) -> Any:
    """What the function said; raises FunctionFailed."""
    payload = answer["Payload"]
    if not isinstance(payload, bytes | bytearray):
        payload = b"".join([bytes(chunk) async for chunk in payload])
    if answer.get("FunctionError"):
        raise FunctionFailed("the function failed")
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise FunctionFailed("the function did not answer JSON") from None
