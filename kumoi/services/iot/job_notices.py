"""What devices are told of their jobs: what is pending (`$aws/things/THING/jobs/notify`), what is next (`notify-next`).

Source: developer guide, "Jobs MQTT topics" and "Jobs device MQTT API".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.services.iot.job_rules import pending
from kumoi.services.iot.records import Execution, jobs
from kumoi.services.iot.rule_engine import Message, RuleEngine
from kumoi.state import Transaction, transactional


def summary(one: Execution) -> dict[str, Any]:
    """An execution in a list of what is pending; times in epoch seconds."""
    started = {} if one.started is None else {"startedAt": int(one.started)}
    return {
        "jobId": one.job,
        "queuedAt": int(one.queued),
        "lastUpdatedAt": int(one.updated),
        "executionNumber": one.number,
        "versionNumber": one.version,
        **started,
    }


def shown(one: Execution, document: str | None, now: float) -> dict[str, Any]:
    """An execution as a device sees it, with the job's document where it is wanted."""
    left = {} if one.due is None else {"approximateSecondsBeforeTimedOut": max(int(one.due - now), 0)}
    return {
        **summary(one),
        "thingName": one.thing,
        "status": one.status,
        "statusDetails": one.details,
        **left,
        **({} if document is None else {"jobDocument": document}),
    }


def by_status(waiting: Iterable[Execution]) -> dict[str, list[dict[str, Any]]]:
    """What is pending, begun and not begun."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in waiting:
        found.setdefault(one.status, []).append(summary(one))
    return found


async def tell(call: Call, things: Iterable[str]) -> None:
    """Tell things what they have to do, after that has changed."""
    for thing in things:
        waiting, document = await _next(call.state, thing)
        await _publish(call, f"$aws/things/{thing}/jobs/notify", {"jobs": by_status(waiting)})
        execution = {} if not waiting else told(shown(waiting[0], document, call.now))
        await _publish(call, f"$aws/things/{thing}/jobs/notify-next", {"execution": execution})


def told(execution: dict[str, Any]) -> dict[str, Any]:
    """An execution in a message: its document is an object there, not text."""
    document = execution.get("jobDocument")
    return execution if document is None else {**execution, "jobDocument": orjson.loads(document)}


async def _publish(call: Call, topic: str, content: dict[str, Any]) -> None:
    payload = orjson.dumps({"timestamp": int(call.now), **content})
    message = Message(topic=topic, payload=payload, hops=call.params.get("hops", 0))
    await call.part(RuleEngine).publish(call.account, call.region, message)


@transactional
async def _next(tx: Transaction, thing: str) -> tuple[list[Execution], str | None]:
    waiting = await pending(tx, thing)
    job = await jobs.get(tx, waiting[0].job) if waiting else None
    return waiting, None if job is None else job.document
