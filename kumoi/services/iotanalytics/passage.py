"""Messages on their way through a pipeline's activities.

Runs of activities that need nothing but the message are done in a thread; functions get batches. What is lost on the
way is told: `failed` holds messages that an activity could not take, with the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import orjson

from kumoi.doorway import Doorway, Principal
from kumoi.services.iotanalytics.activities.calling import ActivityFailed, Enricher, for_function, invoke
from kumoi.services.iotanalytics.activities.nesting import MOST, SHALLOW, may_be_deep, too_deep
from kumoi.services.iotanalytics.activities.pure import PURE
from kumoi.services.iotanalytics.activities.straight import Walk, walk
from kumoi.services.iotanalytics.chain import Activity
from kumoi.services.iotanalytics.shapes import Lines, together

InThread = Callable[..., Awaitable[Any]]
MOST_TOLD = 100
CONCURRENT = 8
TOGETHER = 100
"""Messages of a size that the processor's cache holds while they are read, changed and written."""


@dataclass(slots=True)
class Passage:
    """What came out: messages, notes on what went wrong, and messages that were lost, with the reason."""

    messages: list[Any] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    failed: list[tuple[bytes, str]] = field(default_factory=list)


async def passed(
    doorway: Doorway,
    caller: Principal,
    region: str,
    activities: Sequence[Activity],
    payloads: list[bytes],
    run: InThread,
) -> Passage:
    """What activities, in their order, make of payloads. `run` runs a function in a thread."""
    passage = Passage()
    if activities and activities[0].kind == "lambda":
        passage.messages = await run(lambda: list(map(for_function, payloads)))
    else:
        passage.messages = await run(_read, payloads, passage)
    rest = list(activities)
    while rest:
        if rest[0].kind in PURE:
            pure = list(takewhile(lambda one: one.kind in PURE, rest))
            del rest[: len(pure)]
            await run(_walk, walk(pure), passage)
        elif rest[0].kind == "lambda":
            await _call(doorway, caller, region, rest.pop(0), passage)
        else:
            enricher = Enricher(doorway, caller, region, rest.pop(0))
            await run(_only_objects, passage)
            passage.messages = await enricher.apply(passage.messages, passage.wrong)
    return passage


def straight(activities: Sequence[Activity], payloads: list[bytes], passage: Passage) -> Lines:
    """What pure activities make of payloads, as JSON for a data store: few messages are objects at once; blocks."""
    along, parts = walk(activities), []
    for at in range(0, len(payloads), TOGETHER):
        parts.append(_as_json(along(_read(payloads[at : at + TOGETHER], passage), passage.wrong)))
        del passage.wrong[MOST_TOLD:]
    return together(parts)


def as_lines(passage: Passage) -> Lines:
    """The messages that a data store can take, as JSON; what is no object is lost."""
    _only_objects(passage)
    messages = passage.messages
    return together([_as_json(messages[at : at + TOGETHER]) for at in range(0, len(messages), TOGETHER)])


def _as_json(messages: Sequence[Any]) -> Lines:
    """Messages as lines; orjson's buffer of each takes some kilobytes, so they are joined soon."""
    text = b"\n".join(map(orjson.dumps, messages))
    return Lines(text + b"\n" if text else b"", len(messages))


def _read(payloads: list[bytes], passage: Passage) -> list[Any]:
    """The messages among payloads; the others are lost."""
    try:
        messages = list(map(orjson.loads, payloads))
    except orjson.JSONDecodeError:
        messages = [_parsed(payload) for payload in payloads]
    shallow = max(map(len, payloads), default=0) <= SHALLOW or not any(map(may_be_deep, payloads))
    if shallow and set(map(type, messages)) <= {dict}:
        return messages
    kept = []
    for payload, message in zip(payloads, messages, strict=True):
        if not isinstance(message, dict):
            passage.failed.append((payload, "The message is not a JSON object."))
        elif too_deep(payload, message):
            passage.failed.append((payload, f"The message cannot be stored: it is nested more than {MOST} deep."))
        else:
            kept.append(message)
    return kept


def _parsed(payload: bytes) -> Any:
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None


def _only_objects(passage: Passage) -> None:
    kept = []
    for message in passage.messages:
        if isinstance(message, dict):
            kept.append(message)
        else:
            passage.failed.append((orjson.dumps(message), "The message is not a JSON object."))
    passage.messages = kept


def _walk(along: Walk, passage: Passage) -> None:
    _only_objects(passage)
    passage.messages = along(passage.messages, passage.wrong)
    del passage.wrong[MOST_TOLD:]


async def _call(doorway: Doorway, caller: Principal, region: str, activity: Activity, passage: Passage) -> None:
    size = activity.settings["batchSize"]
    batches = [passage.messages[at : at + size] for at in range(0, len(passage.messages), size)]
    slots = asyncio.Semaphore(CONCURRENT)

    async def one(batch: list[Any]) -> list[Any]:
        async with slots:
            try:
                found: list[Any] = await invoke(doorway, caller, region, activity, batch)
            except ActivityFailed as error:
                passage.failed += [(orjson.dumps(message), str(error)) for message in batch]
                return []
        return found

    answers = await asyncio.gather(*map(one, batches))
    passage.messages = [message for answer in answers for message in answer]
