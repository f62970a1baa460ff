"""A function's result as the HTTP response of its URL, and the answers that the platform gives itself.

A result with a `statusCode` is a description of the response; anything else is the body. Rules: "Response payload
format" of function URLs in the developer guide; recorded answers for failures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.http_api.results import HttpResult, Malformed, body_of, text_of

HTTP_INTEGRATION = "application/vnd.awslambda.http-integration-response"
PRELUDE_END = bytes(8)
MAX_PRELUDE = 16_384


def result_of(payload: bytes) -> HttpResult:
    """The response that a buffered result describes; raises Malformed."""
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"the result is no JSON: {error}") from None
    if isinstance(value, dict) and "statusCode" in value:
        status, headers = described(value)
        return HttpResult(status, headers, body_of(value))
    body = value.encode() if isinstance(value, str) else payload
    return HttpResult(200, [("Content-Type", "application/json")], body)


def split_prelude(content: bytes) -> tuple[bytes, bytes] | None:
    """The prelude of a streamed HTTP response, and what follows it; None while it is not complete.

    Raises Malformed when there is none within the limit.
    """
    at = content.find(PRELUDE_END)
    if at >= 0:
        return content[:at], content[at + len(PRELUDE_END) :]
    if len(content) > MAX_PRELUDE:
        raise Malformed(f"the response has no prelude within {MAX_PRELUDE} bytes")
    return None


def read_prelude(prelude: bytes) -> tuple[int, list[tuple[str, str]]]:
    """Status and header fields that a prelude describes; raises Malformed."""
    try:
        value = orjson.loads(prelude or b"{}")
    except orjson.JSONDecodeError as error:
        raise Malformed(f"the prelude is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise Malformed("the prelude is no JSON object")
    return described({"statusCode": 200, **value})


def described(value: Mapping[str, Any]) -> tuple[int, list[tuple[str, str]]]:
    """Status and header fields of a described response; raises Malformed."""
    try:
        status = int(value["statusCode"])
    except (TypeError, ValueError):
        raise Malformed(f"statusCode is no number: {value['statusCode']!r}") from None
    if not 100 <= status <= 999:
        raise Malformed(f"statusCode is no status: {status}")
    given = value.get("headers") or {}
    cookies = value.get("cookies") or []
    if not isinstance(given, dict) or not isinstance(cookies, list):
        raise Malformed("headers is an object and cookies a list, where they are given")
    headers = [(str(name), text_of(content)) for name, content in given.items()]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    headers += [("Set-Cookie", text_of(cookie)) for cookie in cookies]
    for name, content in headers:
        if not name or any(character in name + content for character in "\r\n\0"):
            raise Malformed(f"{name!r} is no header field")
    return status, headers


def message(status: int, text: str, *headers: tuple[str, str]) -> HttpResult:
    """An answer of the platform's own."""
    return HttpResult(status, [("Content-Type", "application/json"), *headers], orjson.dumps({"Message": text}))
