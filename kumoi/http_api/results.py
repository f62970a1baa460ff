"""What a function answers, as an HTTP response: both payload formats; pure.

Source: "Lambda function response for format 1.0/2.0" and "Output format of a Lambda function for proxy integration".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson


class Malformed(ValueError):
    """The answer describes no response."""


class HttpResult(NamedTuple):
    """Status, header fields in order, and body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def message(status: int, text: str, *headers: tuple[str, str]) -> HttpResult:
    """An answer of the gateway's own."""
    return HttpResult(status, [("Content-Type", "application/json"), *headers], orjson.dumps({"message": text}))


def described(payload: bytes) -> HttpResult:
    """Format 1.0: the answer must be an object that describes the response; raises Malformed."""
    value = _loaded(payload)
    if not isinstance(value, dict):
        raise Malformed("the answer is no JSON object")
    return _described(value, {"statusCode": 200, **value}["statusCode"])


def described_or_body(payload: bytes) -> HttpResult:
    """Format 2.0: an object with a `statusCode` describes the response, anything else is its body; raises Malformed."""
    value = _loaded(payload)
    if isinstance(value, dict) and "statusCode" in value:
        return _described(value, value["statusCode"])
    body = value.encode() if isinstance(value, str) else payload
    return HttpResult(200, [("Content-Type", "application/json")], body)


def _loaded(payload: bytes) -> Any:
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"the answer is no JSON: {error}") from None


def _described(value: Mapping[str, Any], stated: Any) -> HttpResult:
    try:
        status = int(stated)
    except (TypeError, ValueError):
        raise Malformed(f"statusCode is no number: {stated!r}") from None
    if not 100 <= status <= 599:
        raise Malformed(f"statusCode is no status: {status}")
    return HttpResult(status, _fields(value), body_of(value))


def _fields(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    single, multiple = value.get("headers") or {}, value.get("multiValueHeaders") or {}
    cookies = value.get("cookies") or []
    if not isinstance(single, dict) or not isinstance(multiple, dict) or not isinstance(cookies, list):
        raise Malformed("headers and multiValueHeaders are objects and cookies a list, where they are given")
    fields: list[tuple[str, str]] = []
    for name, contents in multiple.items():
        if not isinstance(contents, list):
            raise Malformed(f"multiValueHeaders has no list for {name}")
        fields += [(str(name), text_of(content)) for content in contents]
    seen = {(name.lower(), content) for name, content in fields}
    fields += [
        (str(name), text_of(content))
        for name, content in single.items()
        if (str(name).lower(), text_of(content)) not in seen
    ]
    fields += [("Set-Cookie", text_of(cookie)) for cookie in cookies]
    for name, content in fields:
        if not name or any(character in name + content for character in "\r\n\0"):
            raise Malformed(f"{name!r} is no header field")
    if not any(name.lower() == "content-type" for name, _ in fields):
        fields.append(("Content-Type", "application/json"))
    return fields


def body_of(value: Mapping[str, Any]) -> bytes:
    """The body of a described response; raises Malformed."""
    body = value.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise Malformed("body is a string, where it is given")
    if not value.get("isBase64Encoded"):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise Malformed(f"body is not base64: {error}") from None


def text_of(value: Any) -> str:
    """A header field's content as text: lists joined by commas."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(text_of(one) for one in value)
    return str(value)
