"""What a CloudFront function's answer makes of a request or a response; pure. A rule that is broken raises Invalid.

What was left as it was keeps its spelling; of things that share a name a changed `multiValue` counts, else `value` is
that of the first. Source: "CloudFront Functions event structure", "Restrictions on edge functions" of the guide.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse, every, without
from kumoi.services.cloudfront.functions.event import disallowed
from kumoi.wire.http import HeaderList

MAX_RESPONSE = 40 * 1024
READ_ONLY = {
    "viewer-request": frozenset(("content-length", "host", "transfer-encoding", "via")),
    "viewer-response": frozenset(("content-length", "content-encoding", "transfer-encoding", "warning", "via")),
}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Invalid(ValueError):
    """The function's answer is none that CloudFront takes; `header` is the one at fault."""

    def __init__(self, text: str, header: str = "") -> None:
        super().__init__(text)
        self.header = header


def is_response(result: Any) -> bool:
    """Whether a viewer-request function answers by itself."""
    return isinstance(result, dict) and "statusCode" in result


def read_request(result: Any, before: EdgeRequest, event: dict[str, Any]) -> EdgeRequest:
    """The request that a function passed on; raises Invalid."""
    if not isinstance(result, dict):
        raise Invalid("The function returned an invalid value: it must return the request or a response object")
    if result.get("method", before.method) != before.method:
        raise Invalid("The function tried to change the method, which is read-only")
    uri = result.get("uri")
    if not isinstance(uri, str) or not uri.startswith("/"):
        raise Invalid("The function returned an invalid uri: it must be a string that begins with /")
    if re.search(r"[\x00-\x20\x7f]", uri):
        uri = re.sub(r"[\x00-\x20\x7f]", lambda match: f"%{ord(match[0]):02X}", uri)
    uri = "".join(one if ord(one) < 128 else "".join(f"%{byte:02X}" for byte in one.encode()) for one in uri)
    query = _query(result.get("querystring"), event["request"]["querystring"], before.query)
    if len(uri) + len(query) > 8192:
        raise Invalid("The function returned a URI that is too long")
    headers = _fields(result.get("headers"), event["request"]["headers"], before.headers, "viewer-request", "cookie")
    jar = result.get("cookies")
    if jar == event["request"]["cookies"]:
        headers += [one for one in before.headers if one[0].lower() == "cookie"]
    elif pieces := _pairs(jar, event["request"]["cookies"], "cookies"):
        headers.append(("Cookie", "; ".join(f"{name}={value}" for name, value in pieces)))
    headers += [one for one in before.headers if disallowed(one[0].lower())]
    changed = before.copy()
    changed.uri, changed.query, changed.headers = uri, query, headers
    return changed


def read_response(result: Any, before: EdgeResponse | None, event: dict[str, Any]) -> EdgeResponse:
    """The response that a function made (at viewer-request) or passed on; raises Invalid."""
    if not isinstance(result, dict):
        raise Invalid("The function returned an invalid value: it must return a response object")
    status = result.get("statusCode")
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599 or status == 101:
        raise Invalid("The function returned an invalid statusCode: it must be a number from 200 to 599")
    known = event.get("response", {"headers": {}, "cookies": {}})
    fields = before.headers if before is not None else []
    headers = _fields(result.get("headers", {}), known["headers"], fields, "viewer-response", "set-cookie")
    jar = result.get("cookies", {} if before is None else known["cookies"])
    if before is not None and jar == known["cookies"]:
        headers += [one for one in fields if one[0].lower() == "set-cookie"]
    else:
        headers += _cookies_set(jar)
    if before is not None:
        headers += [one for one in fields if disallowed(one[0].lower())]
    reason = result.get("statusDescription", "")
    if not isinstance(reason, str):
        raise Invalid("The function returned an invalid statusDescription: it must be a string")
    body = _body(result.get("body"))
    if before is None:
        content = body or b""
        if len(content) + sum(len(name) + len(value) for name, value in headers) > MAX_RESPONSE:
            raise Invalid("The function returned a response that is larger than 40 KB")
        return EdgeResponse(status, headers, content, reason, generated="viewer-request")
    changed = before.copy()
    changed.status, changed.reason, changed.headers = status, reason, headers
    if body is not None:
        changed.body = body
        changed.headers = without(headers, "content-length", "content-encoding")
    return changed


def _body(given: Any) -> bytes | None:
    if given is None:
        return None
    encoding = "text"
    if isinstance(given, dict):
        encoding, given = given.get("encoding", "text"), given.get("data", "")
    if not isinstance(given, str) or encoding not in ("text", "base64"):
        raise Invalid("The function returned an invalid body: it must be a string, or an object of encoding and data")
    if encoding == "text":
        return given.encode("utf-8", "replace")
    try:
        return base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("The function returned a body that is not base64") from None


def _query(given: Any, known: Any, before: str) -> str:
    if given == known:
        return before
    if isinstance(given, str):
        query = given
    else:
        pairs = _pairs({} if given is None else given, known, "querystring")
        query = "&".join(f"{name}={value}" if value else name for name, value in pairs)
    if re.search(r"[\x00-\x20\x7f#]", query):
        raise Invalid("The function returned a query string with spaces, control characters or #")
    return "".join(one if ord(one) < 128 else "".join(f"%{byte:02X}" for byte in one.encode()) for one in query)


def _pairs(given: Any, known: Any, what: str) -> list[tuple[str, str]]:
    """(name, value) of each thing in order; a changed `value` counts for the first of several."""
    if not isinstance(given, dict):
        raise Invalid(f"The function returned invalid {what}: it must be an object")
    found: list[tuple[str, str]] = []
    for name, entry in given.items():
        if not isinstance(entry, dict):
            raise Invalid(f"The function returned an invalid entry {name} in {what}: it must be an object with a value")
        several = entry.get("multiValue")
        if several is None:
            values = [entry.get("value")]
        elif isinstance(several, list) and all(isinstance(one, dict) for one in several):
            values = [one.get("value") for one in several]
            was = known.get(name, {}) if isinstance(known, dict) else {}
            if several == was.get("multiValue") and "value" in entry and values:
                values[0] = entry["value"]
        else:
            raise Invalid(f"The function returned an invalid multiValue of {name} in {what}")
        for value in values:
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise Invalid(f"The function returned an invalid value of {name} in {what}: it must be a string")
            found.append((name, str(value)))
    return found


def _fields(given: Any, known: Any, before: HeaderList, event: str, apart: str) -> HeaderList:
    """The header fields of an answer; those left as they were keep their case."""
    pairs = _pairs({} if given is None else given, known, "headers")
    spelled = {name.lower(): name for name, _ in reversed(before)}
    found: HeaderList = []
    for name, value in pairs:
        lower = name.lower()
        if lower == apart:
            raise Invalid(f"The function set the header {name}: it belongs into cookies", name)
        if not _TOKEN.fullmatch(name) or re.search(r"[\r\n\0]", value):
            raise Invalid(f"The function returned an invalid header {name!r}", name)
        if disallowed(lower):
            raise Invalid(f"The function tried to set the header {name}, which is not allowed", name)
        found.append((spelled.get(lower) or _titled(lower), value.encode("utf-8").decode("latin-1")))
    for name in READ_ONLY[event]:
        if every(found, name) != every(before, name):
            raise Invalid(f"The function tried to add, delete, or change the read-only header {name}", name)
    return found


def _titled(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def _cookies_set(given: Any) -> HeaderList:
    if not isinstance(given, dict):
        raise Invalid("The function returned invalid cookies: it must be an object")
    found: HeaderList = []
    for name, entry in given.items():
        if not isinstance(entry, dict):
            raise Invalid(f"The function returned an invalid cookie {name}")
        several = entry.get("multiValue") or [entry]
        for one in several:
            value = one.get("value") if isinstance(one, dict) else None
            attributes = one.get("attributes", "") if isinstance(one, dict) else ""
            if (
                not isinstance(value, str)
                or not isinstance(attributes, str)
                or re.search(r"[\r\n\0]", value + attributes)
            ):
                raise Invalid(f"The function returned an invalid cookie {name}")
            found.append(("Set-Cookie", f"{name}={value}" + (f"; {attributes}" if attributes else "")))
    return found
