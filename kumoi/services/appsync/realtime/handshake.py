"""What a handshake says of who connects: headers for authorization, wherever a client can put them.

Browsers cannot set headers of a WebSocket, so that clients send them as base64 of JSON: in the query parameter
`header`, or in a second subprotocol `header-…`. Mobile clients send real ones. Pure.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

import orjson

GRAPHQL = "graphql-ws"
EVENTS = "aws-appsync-event-ws"
_HEADER = "header-"


class Refusal(Exception):
    """The handshake is not understood; `code` is what clients see as errorCode, `kind` as errorType."""

    def __init__(self, code: int, message: str, kind: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.kind = kind


class Opening(NamedTuple):
    """Headers by lower-case names; `payload` is what the connection is opened with (`{}`)."""

    headers: dict[str, str]
    payload: str = "{}"


def opening(subprotocol: str, offered: Iterable[str], query: str, headers: Mapping[str, str]) -> Opening:
    """Read a handshake's subprotocols, its query string and its headers; raises Refusal."""
    protocols = list(offered)
    if subprotocol not in protocols:
        raise Refusal(400, "NoProtocolError")
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    text = next((one.removeprefix(_HEADER) for one in protocols if one.startswith(_HEADER)), parameters.get("header"))
    payload = decoded(parameters["payload"]).decode("utf-8", "replace") if parameters.get("payload") else "{}"
    if text is not None:
        return Opening({**_others(parameters), **stated(text)}, payload)
    if "authorization" in headers or "x-api-key" in headers:
        return Opening(dict(headers), payload)
    raise Refusal(400, "Required headers are missing.")


def stated(text: str) -> dict[str, str]:
    """Headers out of base64 of JSON; raises Refusal."""
    try:
        found = orjson.loads(decoded(text))
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise Refusal(400, "Unable to parse the header.", "BadRequestException")
    return lowered(found)


def lowered(given: Mapping[str, object]) -> dict[str, str]:
    """Headers by lower-case names; what is no text is left out."""
    return {name.lower(): value for name, value in given.items() if isinstance(name, str) and isinstance(value, str)}


def decoded(text: str) -> bytes:
    """Bytes out of base64 of either alphabet, padded or not; raises Refusal."""
    plain = text.replace("-", "+").replace("_", "/").replace(" ", "+").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(400, "Unable to decode the header: it is not base64.", "BadRequestException") from None


def _others(parameters: Mapping[str, str]) -> dict[str, str]:
    """Parameters beside AWS's: custom headers."""
    return {name.lower(): value for name, value in parameters.items() if name not in ("header", "payload")}
