"""What a Lambda@Edge function answered, read by CloudFront's rules; pure. A rule that is broken raises Invalid.

Source: "Work with requests and responses", "Generate HTTP responses in request triggers", "Restrictions" of the guide.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse, without
from kumoi.services.cloudfront.lambda_edge.fields import Invalid, read_fields
from kumoi.services.cloudfront.lambda_edge.origin_result import read_origin

MAX_TEXT = {"viewer-request": 40 * 1024, "viewer-response": 40 * 1024}
MAX_BASE64 = {"viewer-request": 54_477, "viewer-response": 54_477}
_LARGE_TEXT, _LARGE_BASE64 = 1024 * 1024, 1_394_606

NOT_JSON = "The Lambda function returned invalid JSON: The JSON output is not parsable."
NOT_OBJECT = "The Lambda function returned invalid JSON: The JSON output must be an object type."


def loaded(payload: bytes) -> dict[str, Any]:
    """The answer as an object."""
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise Invalid("the function returned what is no JSON", NOT_JSON) from None
    if not isinstance(value, dict):
        raise Invalid("the function returned null or no object", NOT_OBJECT)
    return value


def read_request(
    payload: bytes, before: EdgeRequest, event: str, *, include_body: bool = False
) -> EdgeRequest | EdgeResponse:
    """The request to go on with, or the response that the function made."""
    value = loaded(payload)
    if "status" in value:
        return _generated(value, event)
    if "statusCode" in value:
        raise Invalid(
            "the function returned statusCode, as functions behind an API do: at the edge it is status, a string"
        )
    if "Records" in value:
        raise Invalid("the function returned the whole event: it must return Records[0].cf.request, or a response")
    for member in ("uri", "method", "headers"):
        if member not in value:
            raise Invalid(f"the function returned a request without {member}")
    if value["method"] != before.method:
        raise Invalid("the function tried to change the method, which is read-only")
    if value.get("clientIp", before.ip) != before.ip:
        raise Invalid("the function tried to change clientIp, which is read-only")
    uri, query = value["uri"], value.get("querystring", "")
    if not isinstance(uri, str) or not uri.startswith("/"):
        raise Invalid("the function returned a uri that does not begin with /")
    if not isinstance(query, str) or re.search(r"[\x00-\x20\x7f#]", query):
        raise Invalid("the function returned a querystring with spaces, control characters or #")
    if len(uri) + len(query) >= 8192:
        raise Invalid("the function returned a uri and querystring that are too long")
    changed = before.copy()
    changed.uri, changed.query = _ascii(uri), _ascii(query)
    changed.headers = read_fields(value["headers"], before.headers, event)
    if include_body and "body" in value:
        changed.body = _request_body(value["body"], before.body, event)
    if event == "origin-request" and before.origin is not None and value.get("origin") is not None:
        changed.origin = read_origin(value["origin"], before.origin, changed.headers)
    return changed


def read_response(payload: bytes, before: EdgeResponse, event: str) -> EdgeResponse:
    """The response that a function at a response event passed on."""
    value = loaded(payload)
    if "status" not in value:
        hint = " (statusCode is what functions behind an API return)" if "statusCode" in value else ""
        raise Invalid(f"the function returned a response without status{hint}")
    changed = before.copy()
    changed.status = _status(value)
    if event == "viewer-response" and changed.status != before.status:
        raise Invalid("the function tried to change the status at viewer-response")
    changed.reason = str(value.get("statusDescription") or "")
    changed.headers = read_fields(value.get("headers", {}), before.headers, event)
    if "body" in value and value["body"] is not None:
        if event == "viewer-response":
            raise Invalid("the function set a body at viewer-response, where the body cannot be replaced")
        changed.body = _body(value, event)
        changed.headers = without(changed.headers, "content-length")
        _check_size(value, changed, event)
    return changed


def _generated(value: dict[str, Any], event: str) -> EdgeResponse:
    status = _status(value)
    headers = read_fields(value.get("headers") or {}, [], event, generated=True)
    body = _body(value, event)
    if event == "viewer-request" and status == 204 and body:
        raise Invalid("the function returned a body with the status 204")
    response = EdgeResponse(
        status,
        without(headers, "content-length"),
        body,
        str(value.get("statusDescription") or ""),
        generated=event,
    )
    _check_size(value, response, event)
    return response


def _status(value: dict[str, Any]) -> int:
    status = value["status"]
    if isinstance(status, int) and not isinstance(status, bool):
        number = status
    elif isinstance(status, str) and re.fullmatch(r"\d{3}", status):
        number = int(status)
    else:
        raise Invalid("the function returned a status that is no number of three digits")
    if not 200 <= number <= 599:
        raise Invalid(f"the function returned the status {number}: it must be from 200 to 599")
    return number


def _body(value: dict[str, Any], event: str) -> bytes:
    body, encoding = value.get("body"), value.get("bodyEncoding", "text")
    if body is None:
        return b""
    if not isinstance(body, str) or encoding not in ("text", "base64"):
        raise Invalid("the function returned a body that is no string, or a bodyEncoding other than text and base64")
    return _decoded(body, encoding, event)


def _decoded(text: str, encoding: str, event: str) -> bytes:
    base64_coded = encoding == "base64"
    small = MAX_BASE64 if base64_coded else MAX_TEXT
    most = small.get(event, _LARGE_BASE64 if base64_coded else _LARGE_TEXT)
    if len(text.encode("utf-8", "replace")) > most:
        raise Invalid(f"the body size exceeds the limit of {most} bytes at {event}")
    if not base64_coded:
        return text.encode("utf-8", "replace")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("the function returned a body that is not base64") from None


def _check_size(value: dict[str, Any], response: EdgeResponse, event: str) -> None:
    size = len(value.get("body") or "") + sum(len(name) + len(content) for name, content in response.headers)
    base64_coded = value.get("bodyEncoding") == "base64"
    most = (MAX_BASE64 if base64_coded else MAX_TEXT).get(event, _LARGE_BASE64 if base64_coded else _LARGE_TEXT)
    if size > most:
        raise Invalid(f"the response with its headers exceeds the limit of {most} bytes at {event}")


def _request_body(given: Any, before: bytes, event: str) -> bytes:
    if not isinstance(given, Mapping):
        raise Invalid("the function returned a request body that is no object")
    if given.get("action", "read-only") == "read-only":
        return before
    if given["action"] != "replace":
        raise Invalid("the function returned an action of the body other than read-only and replace")
    if given.get("inputTruncated"):
        raise Invalid("the function tried to replace a body that it saw only a part of (inputTruncated)")
    data, encoding = given.get("data", ""), given.get("encoding", "base64")
    if not isinstance(data, str) or encoding not in ("text", "base64"):
        raise Invalid("the function returned a request body of an unknown encoding")
    return _decoded(data, encoding, event)


def _ascii(text: str) -> str:
    return "".join(
        one if 32 < ord(one) < 127 else "".join(f"%{byte:02X}" for byte in one.encode("utf-8", "replace"))
        for one in text
    )
