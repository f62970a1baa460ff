"""The request that an API destination or an API gets: pure rules.

Parameters of the connection win over those of the target. Source: "API destinations", "Connections for API targets"
and "Dynamic path parameters" of the EventBridge user guide.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import orjson

from kumoi.delivery import DeliveryFailed, json_path
from kumoi.names import Arn
from kumoi.services.events.records import ApiDestination
from kumoi.wire.http import BufferedBody, Headers, Request

AGENT = "Amazon/EventBridge/ApiDestinations"
DEFAULT_STAGE = "$default"
"""The stage of an HTTP API that its paths do not name."""
RETRIED = frozenset({409, 429})


class HttpRequest(NamedTuple):
    """One request to send; `url` with its query."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


def destination_request(
    destination: ApiDestination, parameters: Mapping[str, Any], wanted: Mapping[str, Any], text: str, token: str | None
) -> HttpRequest:
    """The request that delivers `text`; `parameters` are the connection's, `token` its OAuth header, if it has one.

    `wanted` are the target's HttpParameters.
    """
    invocation = parameters.get("InvocationHttpParameters", {})
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": AGENT, "Range": "bytes=0-1048575"}
    headers |= wanted.get("HeaderParameters", {})
    headers |= named(invocation.get("HeaderParameters", ()))
    headers |= authorization(parameters, token)
    query = {**wanted.get("QueryStringParameters", {}), **named(invocation.get("QueryStringParameters", ()))}
    url = with_query(_filled(destination.endpoint, wanted.get("PathParameterValues", ())), query)
    body = _with_members(text, named(invocation.get("BodyParameters", ())))
    return HttpRequest(destination.method, url, headers, body)


def api_request(arn: Arn, wanted: Mapping[str, Any], text: str) -> tuple[str, Request]:
    """(An API's id, the request that delivers `text` to it) for a target `arn:aws:execute-api:…:API/STAGE/METHOD/PATH`.

    `wanted` are the target's HttpParameters.
    """
    api, stage, method, path = [*arn.resource.split("/", 3), "", "", ""][:4]
    filled = _filled(path, wanted.get("PathParameterValues", ()))
    body = text.encode()
    headers = {
        "Host": f"{api}.execute-api.{arn.region}.amazonaws.com",
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": AGENT,
        **wanted.get("HeaderParameters", {}),
        "Content-Length": str(len(body)),
    }
    return api, Request(
        "POST" if method in ("", "*") else method,
        f"/{filled}" if stage == DEFAULT_STAGE else f"/{stage}/{filled}",
        urlencode(wanted.get("QueryStringParameters", {})),
        Headers(list(headers.items())),
        BufferedBody(body),
    )


def dynamic(parameters: Mapping[str, Any], event: Any) -> dict[str, Any]:
    """A target's HttpParameters with what is a JSON path as a whole replaced by what the event has there.

    A path with nothing at its end becomes an empty text. Keys of headers are no paths.
    """
    query = parameters.get("QueryStringParameters", {})
    return {
        "PathParameterValues": [_told(value, event) for value in parameters.get("PathParameterValues", ())],
        "HeaderParameters": {
            name: _told(value, event) for name, value in parameters.get("HeaderParameters", {}).items()
        },
        "QueryStringParameters": {_told(name, event): _told(value, event) for name, value in query.items()},
    }


def token_request(parameters: Mapping[str, Any]) -> HttpRequest:
    """The request that fetches an OAuth token with the client's credentials."""
    oauth = parameters["OAuthParameters"]
    client, more = oauth["ClientParameters"], oauth.get("OAuthHttpParameters", {})
    form = {
        "grant_type": "client_credentials",
        "client_id": client["ClientID"],
        "client_secret": client["ClientSecret"],
        **named(more.get("BodyParameters", ())),
    }
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        "User-Agent": AGENT,
        **named(more.get("HeaderParameters", ())),
    }
    query = named(more.get("QueryStringParameters", ()))
    method = oauth["HttpMethod"]
    if method == "GET":
        return HttpRequest(method, with_query(oauth["AuthorizationEndpoint"], {**form, **query}), headers, b"")
    return HttpRequest(method, with_query(oauth["AuthorizationEndpoint"], query), headers, urlencode(form).encode())


def authorization(parameters: Mapping[str, Any], token: str | None) -> dict[str, str]:
    """The header that authorises a request."""
    if "BasicAuthParameters" in parameters:
        basic = parameters["BasicAuthParameters"]
        credentials = base64.b64encode(f"{basic['Username']}:{basic['Password']}".encode()).decode()
        return {"Authorization": f"Basic {credentials}"}
    if "ApiKeyAuthParameters" in parameters:
        key = parameters["ApiKeyAuthParameters"]
        return {key["ApiKeyName"]: key["ApiKeyValue"]}
    return {} if token is None else {"Authorization": token}


def named(parameters: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """A connection's list of parameters by their keys."""
    return {parameter["Key"]: parameter["Value"] for parameter in parameters}


def with_query(url: str, query: Mapping[str, str]) -> str:
    """A URL with further parameters in its query."""
    if not query:
        return url
    parts = urlsplit(url)
    return urlunsplit(
        parts._replace(query=urlencode([*parse_qsl(parts.query, keep_blank_values=True), *query.items()]))
    )


def check_status(status: int, url: str) -> None:
    """Raise DeliveryFailed for an answer that is no success; conflicts, throttles and server errors are tried again."""
    if status in RETRIED or status >= 500:
        code = "THROTTLING" if status == 429 else "ERROR_FROM_TARGET"
        raise DeliveryFailed(code, f"{url} answered {status}.", retry=True)
    if status >= 300:
        code = "NO_PERMISSIONS" if status in (401, 403, 407) else "SDK_CLIENT_ERROR"
        raise DeliveryFailed(code, f"{url} answered {status}.", retry=False)


def _told(text: str, event: Any) -> str:
    if not text.startswith("$."):
        return text
    try:
        found = json_path.find(event, json_path.parse(text))
    except json_path.PathError:
        return text
    except json_path.Missing:
        return ""
    return found if isinstance(found, str) else orjson.dumps(found).decode()


def _filled(endpoint: str, values: Sequence[str]) -> str:
    """The endpoint with each `*` replaced by the next of the target's values."""
    for value in values:
        endpoint = endpoint.replace("*", quote(value, safe=""), 1)
    return endpoint


def _with_members(text: str, members: Mapping[str, str]) -> bytes:
    """A JSON object with the connection's members added; any other text as it is."""
    if not members:
        return text.encode()
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text.encode()
    return orjson.dumps({**body, **members}) if isinstance(body, dict) else text.encode()
