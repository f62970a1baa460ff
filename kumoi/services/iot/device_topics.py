"""What devices ask by publishing: their shadows below `$aws/things/THING/shadow/`, their jobs below `…/jobs/`.

The answer is published below the topic that was asked on, as `accepted` or `rejected`. Source: developer guide, "Device
Shadow MQTT topics" and "Jobs device MQTT API".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.services.iot.naming import invalid
from kumoi.services.iot.rule_engine import Message, RuleEngine
from kumoi.wire.errors import AwsError

PREFIX = "$aws/things/"
PROVISIONING = ("$aws/certificates/", "$aws/provisioning-templates/")
"""Below these, devices that share a claim ask for identities of their own (`device_provisioning.py`)."""
_SHADOW = re.compile(r"\$aws/things/([^/]+)/shadow(?:/name/([^/]+))?/(get|update|delete)")
_JOBS = re.compile(r"\$aws/things/([^/]+)/jobs/(?:(get|start-next)|([^/]+)/(get|update))")
_SHADOW_CODES = {
    "ResourceNotFoundException": 404,
    "ConflictException": 409,
    "VersionConflictException": 409,
    "RequestEntityTooLargeException": 413,
}
_JOB_CODES = {
    "InvalidRequestException": "InvalidRequest",
    "InvalidStateTransitionException": "InvalidStateTransition",
    "ResourceNotFoundException": "ResourceNotFound",
    "VersionConflictException": "VersionMismatch",
}
_OF_GET: Mapping[str, type] = {"executionNumber": int, "includeJobDocument": bool}
_OF_START: Mapping[str, type] = {"statusDetails": dict, "stepTimeoutInMinutes": int}
_OF_UPDATE: Mapping[str, type] = {
    **_OF_START,
    "status": str,
    "expectedVersion": int,
    "executionNumber": int,
    "includeJobExecutionState": bool,
    "includeJobDocument": bool,
}


async def answer(call: Call, topic: str, payload: bytes) -> None:
    """Do what a message asks for, if it is on a topic where devices ask."""
    if (found := _SHADOW.fullmatch(topic)) is not None:
        await _shadow(call, topic, payload, found[1], found[2] or "", found[3])
    elif (found := _JOBS.fullmatch(topic)) is not None:
        await _job(call, topic, payload, found[1], found[3], found[2] or found[4])


async def _shadow(call: Call, topic: str, payload: bytes, thing: str, name: str, action: str) -> None:
    from kumoi.services.iot.operations import shadows

    token = _token(payload)
    try:
        if action == "get":
            found = await shadows.get_thing_shadow(call, thing, name)
            await _publish(call, f"{topic}/accepted", {**orjson.loads(found["payload"]), **token})
        elif action == "update":
            await shadows.update_thing_shadow(call, thing, payload, name)
        else:
            await shadows.remove_thing_shadow(call, thing, name, token)
    except AwsError as error:
        code = _SHADOW_CODES.get(error.code, 400)
        rejected = {"code": code, "message": error.message, "timestamp": int(call.now), **token}
        await _publish(call, f"{topic}/rejected", rejected)


async def _job(call: Call, topic: str, payload: bytes, thing: str, job: str | None, action: str) -> None:
    beside = {"timestamp": int(call.now), **_token(payload)}
    try:
        accepted = await _done(call, payload, thing, job, action)
    except orjson.JSONDecodeError:
        rejected = {"code": "InvalidJson", "message": "The payload is not valid JSON.", **beside}
        await _publish(call, f"{topic}/rejected", rejected)
    except AwsError as error:
        code = _JOB_CODES.get(error.code, "InternalError")
        await _publish(call, f"{topic}/rejected", {"code": code, "message": error.message, **beside})
    else:
        await _publish(call, f"{topic}/accepted", {**accepted, **beside})


async def _done(call: Call, payload: bytes, thing: str, job: str | None, action: str) -> dict[str, Any]:
    from kumoi.services.iot.job_notices import told
    from kumoi.services.iot.operations import device_jobs

    if job is None and action == "get":
        return await device_jobs.get_pending_job_executions(call, thing)
    if job is None:
        answer = await device_jobs.start_next_pending_job_execution(call, thing, **_members(payload, _OF_START))
    elif action == "get":
        answer = await device_jobs.describe_job_execution(call, job, thing, **_members(payload, _OF_GET))
    else:
        members = _members(payload, _OF_UPDATE)
        if "status" not in members:
            raise invalid("The status is missing.")
        answer = await device_jobs.update_job_execution(call, job, thing, **members)
        return told(answer)
    return {"execution": told(answer["execution"])} if answer else {"execution": {}}


def _members(payload: bytes, kinds: Mapping[str, type]) -> dict[str, Any]:
    """The members of a message that an operation takes; InvalidRequestException for those of another type."""
    stated = orjson.loads(payload or b"{}")
    if not isinstance(stated, dict):
        raise invalid("The payload is not a JSON object.")
    found: dict[str, Any] = {}
    for name, kind in kinds.items():
        value = stated.get(name)
        if value is None:
            continue
        texts = kind is not dict or (isinstance(value, dict) and all(isinstance(one, str) for one in value.values()))
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)) or not texts:
            raise invalid(f"{name} is not of the right type.")
        found[name] = value
    return found


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
