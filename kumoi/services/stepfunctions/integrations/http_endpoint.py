"""HTTP tasks: `arn:aws:states:::http:invoke` calls an endpoint with what an EventBridge connection adds.

What the connection says wins over what the task says. Source: "Calling HTTPS APIs in Step Functions workflows".
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from kumoi.doorway import Doorway
from kumoi.http_client import HttpAnswer, HttpClient, Unreachable
from kumoi.services.stepfunctions.integrations.task import TaskCall, TaskError
from kumoi.services.stepfunctions.language.json_text import dumps, loads
from kumoi.wire import AwsError

SECONDS = 60.0
"""Real seconds that an endpoint has to answer."""
AGENT = "Amazon|StepFunctions|HttpInvoke|{region}"
_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"})


class HttpEndpoints:
    """Calls endpoints for tasks."""

    def __init__(self, doorway: Doorway, client: HttpClient) -> None:
        self._doorway = doorway
        self._client = client

    async def call(self, task: TaskCall) -> dict[str, Any]:
        """Call the endpoint of a task; TaskError for what is no success."""
        given = task.request if isinstance(task.request, dict) else {}
        added = await self._connection(task, given)
        method, url = str(given.get("Method", "")).upper(), str(given.get("ApiEndpoint", ""))
        if method not in _METHODS or not url.startswith(("https://", "http://")):
            raise TaskError("States.Runtime", "ApiEndpoint must be a URL and Method one of HTTP's methods.")
        headers, body = request_of(given, added)
        headers.setdefault("user-agent", AGENT.format(region=task.region))
        url = _with_query(url, {**_texts(given.get("QueryParameters")), **added.get("QueryParameters", {})})
        try:
            answer = await self._client.send(method, url, headers.items(), body, seconds=SECONDS)
        except Unreachable as error:
            raise TaskError("States.Http.Socket", str(error)) from None
        result = _result(answer)
        if not 200 <= answer.status < 300:
            cause = result["ResponseBody"]
            raise TaskError(
                f"States.Http.StatusCode.{answer.status}", cause if isinstance(cause, str) else dumps(cause)
            )
        return result

    async def _connection(self, task: TaskCall, given: dict[str, Any]) -> dict[str, dict[str, str]]:
        holder = given.get("Authentication") or given.get("InvocationConfig") or {}
        arn = holder.get("ConnectionArn")
        if not isinstance(arn, str):
            raise TaskError("States.Runtime", "An HTTP task needs the ConnectionArn of an EventBridge connection.")
        params = {"ConnectionArn": arn}
        try:
            found: dict[str, dict[str, str]] = await self._doorway.ask(
                "events", "RetrieveConnectionCredentials", params, task.caller, task.region, task.trace
            )
        except AwsError as error:
            raise TaskError("Events.ConnectionResource.Failed", error.message) from None
        return found


def request_of(given: Mapping[str, Any], added: Mapping[str, dict[str, str]]) -> tuple[dict[str, str], bytes]:
    """The header fields (names in small letters) and the body of a request. Pure."""
    headers = {name.lower(): value for name, value in _texts(given.get("Headers")).items()}
    headers |= {name.lower(): value for name, value in added.get("Headers", {}).items()}
    body = given.get("RequestBody")
    members = added.get("BodyParameters", {})
    if members and (body is None or isinstance(body, dict)):
        body = {**(body or {}), **members}
    if body is None:
        return headers, b""
    transform = given.get("Transform", {})
    form = transform.get("RequestBodyEncoding") == "URL_ENCODED" or headers.get("content-type", "").startswith(
        "application/x-www-form-urlencoded"
    )
    if form and isinstance(body, dict):
        headers.setdefault("content-type", "application/x-www-form-urlencoded")
        style = transform.get("RequestEncodingOptions", {}).get("ArrayFormat", "INDICES")
        return headers, urlencode(_pairs(body, style)).encode()
    headers.setdefault("content-type", "application/json")
    return headers, (body if isinstance(body, str) else dumps(body)).encode()


def _pairs(body: Mapping[str, Any], style: str) -> list[tuple[str, str]]:
    """A form's fields; arrays as their format says."""
    found: list[tuple[str, str]] = []

    def add(name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                add(f"{name}[{key}]", inner)
        elif isinstance(value, list) and style == "COMMAS":
            found.append((name, ",".join(_text(one) for one in value)))
        elif isinstance(value, list):
            for number, one in enumerate(value):
                add(name if style == "REPEAT" else f"{name}[{number if style == 'INDICES' else ''}]", one)
        elif value is not None:
            found.append((name, _text(value)))

    for key, value in body.items():
        add(key, value)
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else dumps(value)


def _texts(values: Any) -> dict[str, str]:
    if not isinstance(values, dict):
        return {}
    return {
        str(name): ",".join(map(_text, value)) if isinstance(value, list) else _text(value)
        for name, value in values.items()
    }


def _with_query(url: str, query: Mapping[str, str]) -> str:
    if not query:
        return url
    parts = urlsplit(url)
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *query.items()]
    return urlunsplit(parts._replace(query=urlencode(pairs)))


def _result(answer: HttpAnswer) -> dict[str, Any]:
    text = answer.body.decode("utf-8", "replace")
    headers: dict[str, list[str]] = {}
    for name, value in answer.headers:
        headers.setdefault(name.lower(), []).append(value)
    body: Any = text
    if "json" in ",".join(headers.get("content-type", ())):
        try:
            body = loads(text)
        except ValueError:
            body = text
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = ""
    return {"Headers": headers, "ResponseBody": body, "StatusCode": answer.status, "StatusText": phrase}
