"""What a Lambda@Edge function answered, read by CloudFront's rules; pure. A rule that is broken raises Invalid.

Source: "Work with requests and responses", "Generate HTTP responses in request triggers", "Restrictions" of the guide.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse, every, first, without
from kumoi.services.cloudfront.edge.origin import Origin
from kumoi.services.cloudfront.functions.event import disallowed
from kumoi.services.cloudfront.lambda_edge.headers import READ_ONLY
from kumoi.wire.http import HeaderList

MAX_TEXT = {"viewer-request": 40 * 1024, "viewer-response": 40 * 1024}
MAX_BASE64 = {"viewer-request": 54_477, "viewer-response": 54_477}
_LARGE_TEXT, _LARGE_BASE64 = 1024 * 1024, 1_394_606
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SSL = frozenset(("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2"))
_LOCAL = re.compile(r"localhost|.+\.localhost|127\.\d+\.\d+\.\d+")

NOT_JSON = "The Lambda function returned invalid JSON: The JSON output is not parsable."
NOT_OBJECT = "The Lambda function returned invalid JSON: The JSON output must be an object type."
FAILED = "The Lambda function result failed validation: "


class Invalid(ValueError):
    """A rule is broken. `page` is what the viewer reads, the text what the log says, `header` the one at fault."""

    def __init__(self, text: str, page: str = "", header: str = "") -> None:
        super().__init__(text)
        self.page = page or f"{FAILED}{text[:1].upper()}{text[1:]}"
        self.header = header


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
    changed.headers = _fields(value["headers"], before.headers, event)
    if include_body and "body" in value:
        changed.body = _request_body(value["body"], before.body, event)
    if event == "origin-request" and before.origin is not None and value.get("origin") is not None:
        changed.origin = _origin(value["origin"], before.origin, changed.headers)
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
    changed.headers = _fields(value.get("headers", {}), before.headers, event)
    if "body" in value and value["body"] is not None:
        if event == "viewer-response":
            raise Invalid("the function set a body at viewer-response, where the body cannot be replaced")
        changed.body = _body(value, event)
        changed.headers = without(changed.headers, "content-length")
        _check_size(value, changed, event)
    return changed


def _generated(value: dict[str, Any], event: str) -> EdgeResponse:
    status = _status(value)
    headers = _fields(value.get("headers") or {}, [], event, generated=True)
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


def _fields(given: Any, before: HeaderList, event: str, *, generated: bool = False) -> HeaderList:
    """The header fields of an answer, with those that the function did not see."""
    if not isinstance(given, Mapping):
        raise Invalid("the function returned headers that are no object")
    found: HeaderList = []
    for name, entries in given.items():
        lower = name.lower()
        if not isinstance(entries, list):
            raise Invalid(
                f"the function returned the header {name} as {type(entries).__name__}:"
                " it must be a list of objects with key and value",
                header=name,
            )
        if not _TOKEN.fullmatch(name):
            raise Invalid(f"the function returned an invalid header, headerName : {name}.", header=name)
        if disallowed(lower):
            raise Invalid(
                f"the function tried to add, delete, or change a disallowed header, headerName : {name}.", header=name
            )
        for entry in entries:
            found.append(_field(name, entry))
    seen = [one for one in before if not disallowed(one[0].lower())]
    for name in READ_ONLY[event]:
        was, now = every(seen, name), every(found, name)
        if was != now and not (generated and name not in ("transfer-encoding", "via")):
            act = "delete" if not now else "add" if not was else "change"
            raise Invalid(
                f"the function tried to {act} read-only header, headerName : {_titled(name)}.",
                f"{FAILED}The function tried to add, delete, or change a read-only header.",
                _titled(name),
            )
    return [*found, *(one for one in before if disallowed(one[0].lower()))]


def _field(name: str, entry: Any) -> tuple[str, str]:
    value = entry.get("value") if isinstance(entry, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Invalid(f"the function returned a header without a value, headerName : {name}.", header=name)
    key = entry.get("key") or _titled(name)
    if not isinstance(key, str) or key.lower() != name.lower():
        raise Invalid(
            f"the function returned a header whose key {key!r} is not its name, headerName : {name}.", header=name
        )
    text = str(value)
    if bad := _BAD_VALUE.search(text):
        code = f"%{ord(bad[0]):02X}"
        raise Invalid(
            f"the function returned an invalid header, invalid character : '{code}' in header value,"
            f" headerName : {_titled(name)}.",
            header=_titled(name),
        )
    return key, text.encode("utf-8").decode("latin-1")


def _titled(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def _ascii(text: str) -> str:
    return "".join(
        one if 32 < ord(one) < 127 else "".join(f"%{byte:02X}" for byte in one.encode("utf-8", "replace"))
        for one in text
    )


def _origin(given: Any, before: Origin, headers: HeaderList) -> Origin:
    """The origin that a function chose; exactly one of s3 and custom."""
    if not isinstance(given, Mapping) or len(kinds := [kind for kind in ("s3", "custom") if given.get(kind)]) != 1:
        raise Invalid("the function returned an origin that is not exactly one of s3 and custom")
    kind, settings = kinds[0], given[kinds[0]]
    if not isinstance(settings, Mapping):
        raise Invalid(f"the function returned an origin whose {kind} is no object")
    domain, path = settings.get("domainName"), settings.get("path", "")
    if not isinstance(domain, str) or not domain or len(domain) > 253 or re.search(r"[:/\s]", domain):
        raise Invalid("the function returned an origin with an invalid domainName")
    if re.fullmatch(r"[\d.]+", domain) and not _LOCAL.fullmatch(domain):
        raise Invalid("the function returned an origin whose domainName is an IP address")
    if not isinstance(path, str) or len(path) > 255 or (path and (not path.startswith("/") or path.endswith("/"))):
        raise Invalid("the function returned an origin whose path does not begin with / or ends with it")
    custom_headers = _custom_headers(settings.get("customHeaders", {}), headers)
    common: dict[str, Any] = {"domain": domain.lower(), "path": path, "headers": tuple(custom_headers), "id": before.id}
    if kind == "s3":
        method = settings.get("authMethod", "none")
        if method not in ("none", "origin-access-identity"):
            raise Invalid("the function returned an S3 origin with an unknown authMethod")
        if method == "origin-access-identity" and not settings.get("region"):
            raise Invalid("the function returned an S3 origin with an authMethod but no region")
        same = before.s3 and before.domain == domain.lower()
        made = Origin(
            **common, s3=True, control=before.control if same else None, identity=before.identity if same else ""
        )
        if made.bucket is None:
            raise Invalid(f"the function returned an S3 origin whose domainName {domain} is no bucket's")
        return made
    protocol, port = settings.get("protocol", "https"), settings.get("port", 443)
    if protocol not in ("http", "https"):
        raise Invalid("the function returned an origin whose protocol is neither http nor https")
    if not isinstance(port, int) or (port not in (80, 443) and not 1024 <= port <= 65_535):
        raise Invalid("the function returned an origin whose port is not 80, 443, or from 1024 to 65535")
    timeout, keepalive = settings.get("readTimeout", 30), settings.get("keepaliveTimeout", 5)
    if not isinstance(timeout, int) or not 4 <= timeout <= 60:
        raise Invalid("the function returned an origin whose readTimeout is not from 4 to 60")
    if not isinstance(keepalive, int) or not 1 <= keepalive <= 60:
        raise Invalid("the function returned an origin whose keepaliveTimeout is not from 1 to 60")
    protocols = settings.get("sslProtocols", ["TLSv1.2"])
    if not isinstance(protocols, list) or not _SSL.issuperset(map(str, protocols)):
        raise Invalid("the function returned an origin with unknown sslProtocols")
    made = dataclasses.replace(before, **common, s3=False, identity="", protocol=f"{protocol}-only")
    return dataclasses.replace(
        made,
        http_port=port if protocol == "http" else made.http_port,
        https_port=port if protocol == "https" else made.https_port,
        read_timeout=float(timeout),
        keepalive_timeout=keepalive,
        control=before.control if before.domain == made.domain else None,
    )


def _custom_headers(given: Any, headers: HeaderList) -> HeaderList:
    if not isinstance(given, Mapping):
        raise Invalid("the function returned customHeaders that are no object")
    found: HeaderList = []
    for name, entries in given.items():
        if first(headers, name.lower()) is not None:
            raise Invalid(f"the function returned {name} in headers and in customHeaders", header=name)
        if not isinstance(entries, list):
            raise Invalid(f"the function returned the custom header {name} as no list", header=name)
        found += [_field(name, entry) for entry in entries]
    return found
