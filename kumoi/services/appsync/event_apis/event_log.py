"""Logs of Event APIs: what was published and subscribed to, in the group `/aws/appsync/apis/ID`.

`logConfig` says how much of handlers is told: nothing (NONE), what they failed with (ERROR), what they said, too (INFO,
DEBUG, ALL). Lines are written behind the answer. Source: "Configuring CloudWatch Logs on Event APIs".
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import orjson

from kumoi.doorway import Call
from kumoi.services.appsync.event_apis.records import EventApi
from kumoi.services.appsync.request_log import ApiLogs

ResultT = TypeVar("ResultT")
_LONGEST = 500
_TALKS = ("INFO", "DEBUG", "ALL")


async def logged(
    call: Call,
    api: EventApi,
    operation: str,
    channel: object,
    said: list[str],
    run: Callable[[], Awaitable[ResultT]],
    told: Callable[[ResultT], dict[str, Any]],
) -> ResultT:
    """Do an operation on a channel, and have its API's log told; `told` are the counts of what came of it."""
    config = (api.properties.get("eventConfig") or {}).get("logConfig")
    if config is None:
        return await run()
    began, outcome = time.perf_counter_ns(), dict[str, Any](statusCode=200)
    failure: Exception | None = None
    try:
        result = await run()
        outcome |= told(result)
        return result
    except Exception as error:
        failure = error
        outcome["statusCode"] = getattr(error, "status", 500)
        raise
    finally:
        level, logs, where = config["logLevel"], call.part(ApiLogs), str(channel)[:_LONGEST]
        destination = call.arn("logs", f"log-group:/aws/appsync/apis/{api.id}")
        lines = [f"Begin Request, Operation: {operation}, Channel: {where}"]
        lines += [f"INFO - {text}" for text in said] if level in _TALKS else []
        if failure is not None and level != "NONE":
            lines.append(f"ERROR - {getattr(failure, 'kind', type(failure).__name__)}: {failure}")
        about = {"requestId": call.request_id, "apiId": api.id, "operation": operation, "channel": where}
        summary = {"logType": "RequestSummary", **about, **outcome, "latency": time.perf_counter_ns() - began}
        for line in (*lines, orjson.dumps(summary).decode(), "Tokens Consumed: 1", "End Request"):
            logs.write(destination, line if line.startswith("{") else f"{call.request_id} {line}", own=True)
