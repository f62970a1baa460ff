"""Activities that ask others: functions with batches of messages, the registry, and shadows of things.

A function gets an array of messages and answers one, as long as it likes. A function that fails is asked again; then
the batch is lost to the pipeline, and told as such. Source: the user guide, "Lambda activity", "deviceRegistryEnrich".
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson

from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.services.iotanalytics.activities.nesting import MOST, too_deep
from kumoi.services.iotanalytics.activities.paths import MISSING, get
from kumoi.services.iotanalytics.chain import Activity
from kumoi.wire.errors import AwsError
from kumoi.wire.http import FileBody

Message = Any

TRIES = 3
MOST_BYTES = 6 << 20
_PIECE = 1 << 20


class ActivityFailed(Exception):
    """An activity could not be applied to some messages; the text says why."""


async def invoke(doorway: Doorway, caller: Principal, region: str, activity: Activity, batch: list[Message]) -> Any:
    """What a function answers to a batch; ActivityFailed when it fails as often as it is tried."""
    payload = orjson.dumps(batch)
    if len(payload) > MOST_BYTES and len(batch) > 1:
        half = len(batch) // 2
        first = await invoke(doorway, caller, region, activity, batch[:half])
        return first + await invoke(doorway, caller, region, activity, batch[half:])
    name = activity.settings["lambdaName"]
    reason = ""
    for tried in range(TRIES):
        if tried:
            await doorway.clock.sleep(0.1 * 2**tried)
        try:
            params = {"FunctionName": name, "InvocationType": "RequestResponse", "Payload": payload}
            answer = await doorway.ask("lambda", "Invoke", params, caller, region)
        except (AwsError, CallDropped) as error:
            reason = str(error)
            continue
        content = await content_of(answer.get("Payload", b""))
        if answer.get("FunctionError"):
            reason = f"{answer['FunctionError']}: {content[:500].decode(errors='replace')}"
            continue
        try:
            messages = orjson.loads(content)
        except orjson.JSONDecodeError:
            messages = None
        if isinstance(messages, list) and not too_deep(content, messages):
            return messages
        reason = f"it did not answer an array of messages, nested at most {MOST} deep"
    raise ActivityFailed(f"{activity.name}: the function {name} failed {TRIES} times: {reason}")


async def content_of(body: Any) -> bytes:
    """The bytes of an answer's body, however it came."""
    return b"".join([piece async for piece in pieces_of(body)])


async def pieces_of(body: Any) -> AsyncIterator[bytes]:
    """The bytes of an answer's body, some at a time, however it came."""
    if isinstance(body, str):
        yield body.encode()
    elif isinstance(body, bytes | bytearray | memoryview):
        yield bytes(body)
    elif isinstance(body, FileBody):
        with await asyncio.to_thread(body.path.open, "rb") as source:
            source.seek(body.offset)
            left = body.length
            while left and (piece := await asyncio.to_thread(source.read, min(left, _PIECE))):
                left -= len(piece)
                yield piece
    else:
        async for chunk in body:
            yield bytes(chunk)


class Enricher:
    """Looks things up, each thing once for a batch."""

    def __init__(self, doorway: Doorway, caller: Principal, region: str, activity: Activity) -> None:
        self._doorway = doorway
        self._caller = caller
        self._region = region
        self._activity = activity

    async def apply(self, messages: Sequence[dict[str, Any]], wrong: list[str]) -> list[dict[str, Any]]:
        """The messages with what is known of their things; those of unknown things as they are."""
        known: dict[str, Any] = {}
        found = []
        for message in messages:
            thing = get(message, self._activity.settings["thingName"])
            if thing is MISSING or not isinstance(thing, str):
                wrong.append(f"{self._activity.name}: the message names no thing.")
                found.append(message)
                continue
            if thing not in known:
                known[thing] = await self._look_up(thing, wrong)
            told = known[thing]
            found.append(message if told is None else {**message, self._activity.settings["attribute"]: told})
        return found

    async def _look_up(self, thing: str, wrong: list[str]) -> Any:
        registry = self._activity.kind == "deviceRegistryEnrich"
        service, operation = ("iot", "DescribeThing") if registry else ("iot-data", "GetThingShadow")
        params = {"thingName": thing}
        try:
            answer = await self._doorway.ask(service, operation, params, self._caller, self._region)
        except (AwsError, CallDropped) as error:
            wrong.append(f"{self._activity.name}: {thing} could not be looked up: {error}")
            return None
        return answer if registry else orjson.loads(await content_of(answer["payload"]))


def for_function(payload: bytes) -> Message:
    """A payload as a function gets it: JSON as it is, anything else (and what is nested too deeply) as base64."""
    try:
        message = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return base64.b64encode(payload).decode()
    return base64.b64encode(payload).decode() if too_deep(payload, message) else message
