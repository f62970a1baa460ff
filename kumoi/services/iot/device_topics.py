"""What devices ask by publishing: `$aws/things/THING/shadow/…/get`, `update` and `delete`.

The answer is published below the topic that was asked on, as `accepted` or `rejected`. Source: developer guide, "Device
Shadow MQTT topics".
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.services.iot.rule_engine import Message, RuleEngine
from kumoi.wire.errors import AwsError

_CODES = {
    "ResourceNotFoundException": 404,
    "ConflictException": 409,
    "VersionConflictException": 409,
    "RequestEntityTooLargeException": 413,
}
PREFIX = "$aws/things/"
_SHADOW = re.compile(r"\$aws/things/([^/]+)/shadow(?:/name/([^/]+))?/(get|update|delete)")


async def answer(call: Call, topic: str, payload: bytes) -> None:
    """Do what a message asks for, if it is on a topic where devices ask."""
    found = _SHADOW.fullmatch(topic)
    if found is None:
        return
    thing, name, action = found[1], found[2] or "", found[3]
    token = _token(payload)
    try:
        told = await _act(call, thing, name, action, payload)
    except AwsError as error:
        rejected = {"code": _CODES.get(error.code, 400), "message": error.message, "timestamp": int(call.now), **token}
        await _publish(call, f"{topic}/rejected", rejected)
    else:
        if told is not None:
            await _publish(call, f"{topic}/accepted", {**told, **token})


async def _act(call: Call, thing: str, name: str, action: str, payload: bytes) -> dict[str, Any] | None:
    """The answer; None where what was done has told it already."""
    from kumoi.services.iot.operations import shadows

    if action == "get":
        found = await shadows.get_thing_shadow(call, thing, name)
        document: dict[str, Any] = orjson.loads(found["payload"])
        return document
    if action == "update":
        await shadows.update_thing_shadow(call, thing, payload, name)
        return None
    await shadows.remove_thing_shadow(call, thing, name, _token(payload))
    return None


def _token(payload: bytes) -> dict[str, str]:
    """The clientToken of a message, as a member of the answer."""
    try:
        stated = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return {}
    token = stated.get("clientToken") if isinstance(stated, dict) else None
    return {"clientToken": token} if isinstance(token, str) else {}


async def _publish(call: Call, topic: str, told: dict[str, Any]) -> None:
    message = Message(topic=topic, payload=orjson.dumps(told), hops=call.params.get("hops", 0))
    await call.part(RuleEngine).publish(call.account, call.region, message)
