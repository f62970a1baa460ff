"""Logs of GraphQL APIs: what happened to a request, in the group `/aws/appsync/apis/ID`.

`logConfig` says how much: requests are always told; their fields not at all (NONE), those in error (ERROR), with what
programs said (INFO, DEBUG), or each (ALL). Lines are written behind the answer. Source: "Using CloudWatch to monitor
and log GraphQL API data", AppSync developer guide.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from kumoi.doorway import Doorway
from kumoi.http_api.access_log import AccessLogs
from kumoi.services.appsync.naming import api_arn
from kumoi.services.appsync.resolving.field import Asked
from kumoi.services.appsync.resolving.journal import Journal, masked
from kumoi.wire.http import Response

_TALKS = ("INFO", "DEBUG", "ALL")
_MOST_QUERY = 64 * 1024


class ApiLogs(AccessLogs):
    """Writes the lines of APIs."""

    def __init__(self, doorway: Doorway) -> None:
        super().__init__(doorway, "appsync")


async def logged(asked: Asked, given: Mapping[str, Any], run: Callable[[], Awaitable[Response]]) -> Response:
    """Answer a request, and have its API's log told of it."""
    call, config = asked.call, asked.api.properties["logConfig"]
    level, verbose = config.get("fieldLogLevel", "NONE"), not config.get("excludeVerboseContent", False)
    common = {"requestId": call.request_id, "graphQLAPIId": asked.api.id}
    if level != "NONE":
        arn = api_arn(call, asked.api.id)
        asked.journal = Journal(common, arn, whole=level == "ALL", verbose=verbose)
    began, moment = time.perf_counter_ns(), call.now
    response = await run()
    spent = time.perf_counter_ns() - began
    written, destination = call.part(ApiLogs), call.arn("logs", f"log-group:/aws/appsync/apis/{asked.api.id}")

    def say(text: str) -> None:
        written.write(destination, f"{call.request_id} {text}", own=True)

    say("Begin Request")
    query = f"{given['query'][:_MOST_QUERY]}, Operation: {given.get('operationName') or 'null'}"
    said = f"GraphQL Query: {query}, Variables: "
    say(said + (orjson.dumps(given.get("variables") or {}).decode()[:_MOST_QUERY] if verbose else "(not shown)"))
    if verbose:
        say(f"Request Headers: {_shown(asked.headers.items())}")
    for text in asked.logs if level in _TALKS else ():
        say(f"INFO - {text}")
    for text in asked.journal.texts() if asked.journal is not None else ():
        written.write(destination, text, own=True)
    times = {"startTime": _iso(moment), "endTime": _iso(moment + spent / 1e9), "duration": spent, "version": 1}
    summary = {"logType": "RequestSummary", **common, "statusCode": response.status, "latency": spent}
    for entry in ({"logType": "ExecutionSummary", **common, **times}, summary):
        written.write(destination, orjson.dumps(entry).decode(), own=True)
    if verbose:
        say(f"Response Headers: {_shown(response.headers)}")
    say("Tokens Consumed: 1")
    say("End Request")
    return response


def _shown(headers: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in masked(headers))


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
