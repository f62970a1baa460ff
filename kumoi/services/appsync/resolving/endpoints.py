"""HTTP endpoints as data sources, OpenSearch domains among them; requests are signed where the source says so.

Whatever status an endpoint answers is a result; only one that cannot be reached is an error. Names of AWS are asked of
this platform. Source: "Resolver mapping template reference for HTTP" and "… for OpenSearch".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from kumoi.doorway import Principal
from kumoi.http_api.endpoints import names_aws, send
from kumoi.http_client import HttpAnswer, Unreachable
from kumoi.services.appsync.resolving.field import Field
from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.signing import signed

SECONDS = 29.0
_LONG = 64 * 1024
Who = Callable[[], Principal]
"""Who signs, where something is to be signed; raises FieldError."""
_METHODS = frozenset(("GET", "POST", "PUT", "DELETE", "PATCH"))
_SEARCH_METHODS = frozenset(("GET", "POST", "PUT", "DELETE", "HEAD"))


async def ask(field: Field, config: Mapping[str, Any], who: Who, request: Mapping[str, Any]) -> Any:
    """What an endpoint answers: its status, header fields and body as a text; raises FieldError."""
    method = str(request.get("method", "")).upper()
    if method not in _METHODS:
        raise FieldError(f"Unsupported HTTP method '{request.get('method')}'.", "MappingTemplate")
    path = str(request.get("resourcePath") or "/")
    if not path.startswith("/"):
        raise FieldError(f"resourcePath has to begin with a slash: {path}", "MappingTemplate")
    params = _map(request, "params")
    headers = {str(name).lower(): _text(value) for name, value in _map(params, "headers").items()}
    body = params.get("body")
    content = b"" if body is None else (body if isinstance(body, str) else orjson.dumps(body).decode()).encode()
    if content:
        headers.setdefault("content-type", "application/json")
    url = _url(str(config.get("endpoint") or ""), path, _map(params, "query"))
    signing = None
    authorization = config.get("authorizationConfig") or {}
    if authorization.get("authorizationType") == "AWS_IAM":
        signing = authorization.get("awsIamConfig") or {}
    answer = await _sent(field, method, url, headers, content, who, signing)
    fields: dict[str, str] = {}
    for name, value in answer.headers:
        fields[name] = f"{fields[name]},{value}" if name in fields else value
    return {"statusCode": answer.status, "headers": fields, "body": await _readable(answer.body)}


async def search(field: Field, config: Mapping[str, Any], who: Who, request: Mapping[str, Any]) -> Any:
    """What a search domain answers, read as JSON; raises FieldError."""
    endpoint = str(config.get("endpoint") or "")
    url = _url(endpoint, str(request.get("path") or "/"), _map(_map(request, "params"), "queryString"))
    if not endpoint or names_aws(urlsplit(url).hostname):
        raise FieldError(
            "Kumoi has no OpenSearch of its own: give the data source the endpoint of one that runs, such as"
            " http://localhost:9200.",
            "NotImplemented",
        )
    method = str(request.get("operation", "")).upper()
    if method not in _SEARCH_METHODS:
        raise FieldError(f"Unsupported operation '{request.get('operation')}'.", "MappingTemplate")
    params = _map(request, "params")
    body = params.get("body")
    content = b"" if body is None else (body if isinstance(body, str) else orjson.dumps(body).decode()).encode()
    headers = {str(name).lower(): _text(value) for name, value in _map(params, "headers").items()}
    headers.setdefault("content-type", "application/json")
    signing = {"signingServiceName": "es", "signingRegion": config.get("awsRegion")}
    answer = await _sent(field, method, url, headers, content, who, signing)
    if answer.status >= 400:
        raise FieldError(answer.body.decode("utf-8", "replace")[:1000], f"OpenSearch:{answer.status}")
    try:
        return await asyncio.to_thread(orjson.loads, answer.body) if answer.body else None
    except orjson.JSONDecodeError:
        raise FieldError("The domain's answer is no JSON.", "OpenSearch:InvalidAnswer") from None


async def _readable(body: bytes) -> str:
    """A body as text; a long one is read on a thread."""
    if len(body) < _LONG:
        return body.decode("utf-8", "replace")
    return await asyncio.to_thread(body.decode, "utf-8", "replace")


async def _sent(
    field: Field,
    method: str,
    url: str,
    headers: dict[str, str],
    content: bytes,
    who: Who,
    signing: Mapping[str, Any] | None,
) -> HttpAnswer:
    call = field.asked.call
    if signing is not None:
        headers = signed(call, who(), method, url, headers, content, signing)
    try:
        return await send(call, method, url, headers.items(), content, seconds=SECONDS)
    except Unreachable as error:
        raise FieldError(str(error), "HTTP:Timeout" if error.timeout else "HTTP:Unreachable") from None


def _url(endpoint: str, path: str, query: Mapping[str, Any]) -> str:
    """The address of a path on the endpoint; no path leads to another host."""
    if not endpoint.startswith(("http://", "https://")):
        endpoint = f"https://{endpoint}"
    base = endpoint.rstrip("/")
    path = quote(path if path.startswith("/") else f"/{path}", safe="/?=&%:@!$'()*+,;~-._")
    pairs = [(str(name), _text(value)) for name, value in query.items()]
    if not pairs:
        return f"{base}{path}"
    return f"{base}{path}{'&' if '?' in path else '?'}{urlencode(pairs, quote_via=quote)}"


def _map(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = given.get(name) or {}
    if not isinstance(value, dict):
        raise FieldError(f"{name} has to be a map.", "MappingTemplate")
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
