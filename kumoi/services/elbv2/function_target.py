"""A function as a target: requests as events, answers as responses.

Source: "Use Lambda functions as targets of an Application Load Balancer".
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from kumoi.services.elbv2.attributes import FUNCTIONS, value
from kumoi.services.elbv2.records import TargetGroup
from kumoi.wire.http import HeaderList, Request, Response

MAX_REQUEST = 1_048_576
MAX_ANSWER = 1_048_576
_TEXT = ("application/json", "application/javascript", "application/xml")
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "content-length"})


class Malformed(ValueError):
    """The function's answer is no response."""


def multi_value(group: TargetGroup) -> bool:
    """Whether headers and query parameters keep all their values."""
    return value(FUNCTIONS, group.attributes, "lambda.multi_value_headers.enabled") == "true"


def event(group: TargetGroup, request: Request, path: str, fields: HeaderList, body: bytes) -> dict[str, Any]:
    """The event for a request; query parameters stay encoded, as the load balancer leaves them."""
    headers: dict[str, list[str]] = {}
    for name, content in fields:
        headers.setdefault(name.lower(), []).append(content)
    parameters: dict[str, list[str]] = {}
    for pair in request.query.split("&"):
        if pair:
            name, _, content = pair.partition("=")
            parameters.setdefault(name, []).append(content)
    said: dict[str, Any] = {
        "requestContext": {"elb": {"targetGroupArn": group.arn}},
        "httpMethod": request.method,
        "path": path,
    }
    if multi_value(group):
        said["multiValueQueryStringParameters"] = parameters
        said["multiValueHeaders"] = headers
    else:
        said["queryStringParameters"] = {name: values[-1] for name, values in parameters.items()}
        said["headers"] = {name: values[-1] for name, values in headers.items()}
    text = _as_text(body, headers)
    said["body"] = base64.b64encode(body).decode() if text is None else text
    said["isBase64Encoded"] = text is None
    return said


def response(group: TargetGroup, payload: bytes) -> Response:
    """What a function answered, as a response; raises Malformed."""
    if len(payload) > MAX_ANSWER:
        raise Malformed("the answer is larger than 1 MB")
    try:
        said = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"the answer is no JSON: {error}") from None
    if not isinstance(said, dict):
        raise Malformed("the answer is no JSON object")
    status = said.get("statusCode")
    if isinstance(status, str) and status.isdigit():
        status = int(status)
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        raise Malformed(f"statusCode is no status: {said.get('statusCode')!r}")
    return Response(status, _fields(said, many=multi_value(group)), _body(said))


def _fields(said: dict[str, Any], *, many: bool) -> HeaderList:
    given = said.get("multiValueHeaders" if many else "headers") or {}
    if not isinstance(given, dict):
        raise Malformed("headers is no object")
    fields: HeaderList = []
    for name, content in given.items():
        values = content if many and isinstance(content, list) else [content]
        for one in values:
            text = str(one).lower() if isinstance(one, bool) else str(one)
            if isinstance(one, dict | list) or not name or any(mark in name + text for mark in "\r\n\0"):
                raise Malformed(f"{name!r} is no header field")
            if name.lower() not in _HOP:
                fields.append((name, text.encode("utf-8").decode("latin-1")))
    if not any(name.lower() == "content-type" for name, _ in fields):
        fields.append(("Content-Type", "application/octet-stream"))
    return fields


def _body(said: dict[str, Any]) -> bytes:
    body = said.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise Malformed("body is no string")
    if not said.get("isBase64Encoded"):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise Malformed(f"body is not base64: {error}") from None


def _as_text(body: bytes, headers: dict[str, list[str]]) -> str | None:
    """The body as text where its type says that it is; None for what travels in base64."""
    if not body:
        return ""
    media = headers.get("content-type", [""])[-1].partition(";")[0].strip().lower()
    if "content-encoding" in headers or not (media.startswith("text/") or media in _TEXT):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None
