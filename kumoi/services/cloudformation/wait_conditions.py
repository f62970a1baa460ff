"""Wait conditions and creation policies: a resource is complete once enough signals of success have come in time.

Source: "AWS::CloudFormation::WaitCondition" and "CreationPolicy attribute" of the template reference. Time runs on the
platform's clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.doorway.resource_types import Resource, ResourceCall
from kumoi.services.cloudformation.records import Signal
from kumoi.services.cloudformation.signals import (
    callback_of,
    close_callback,
    find_callback,
    forget,
    open_callback,
    wait_for,
)
from kumoi.state import State
from kumoi.wire.errors import AwsError, aws_error

LONGEST = 43_200
_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")


async def create_handle(call: ResourceCall) -> Resource:
    """A URL to send signals to."""
    topic = f"{call.stack_id} {call.logical_id} {call.token}"
    return Resource(await open_callback(_state(call), call.doorway.endpoint, topic, single=False))


async def delete_handle(call: ResourceCall) -> None:
    """Close the URL; what was sent to it is forgotten."""
    state = _state(call)
    callback = await find_callback(state, callback_of(call.physical_id))
    if callback is not None:
        await forget(state, callback.topic)
    await close_callback(state, call.physical_id)


async def create_condition(call: ResourceCall) -> Resource:
    """Wait for the signals on a handle; without one the creation policy waits (`await_policy`)."""
    physical = f"{call.stack_name}-{call.logical_id}-{call.token}"
    handle = call.properties.get("Handle")
    if handle is None:
        return Resource(physical, {"Data": "{}"})
    call.required("Timeout")
    callback = await find_callback(_state(call), callback_of(str(handle)))
    if callback is None:
        raise aws_error("ValidationError", f"{handle} is no URL of a WaitConditionHandle.")
    seconds, count = int(call.properties["Timeout"]), int(call.properties.get("Count", 1))
    if not 0 < seconds <= LONGEST:
        raise aws_error("ValidationError", f"Timeout {seconds} is not between 1 and {LONGEST} seconds")
    found = await _signals(call, callback.topic, seconds, count, f"WaitCondition {call.logical_id}")
    return Resource(physical, {"Data": orjson.dumps(found).decode()})


async def delete_condition(_call: ResourceCall) -> None:
    """Nothing is left of a condition that was waited for."""


async def forget_signals(call: ResourceCall) -> None:
    """Drop what an earlier resource of that name was signalled, before this one is made and may be signalled."""
    await forget(_state(call), policy_topic(call.stack_id, call.logical_id))


async def await_policy(call: ResourceCall, policy: Mapping[str, Any]) -> None:
    """Wait for the signals that a resource's CreationPolicy wants; SignalResource sends them."""
    wanted = policy.get("ResourceSignal")
    if not isinstance(wanted, dict):
        return
    match = _DURATION.fullmatch(str(wanted.get("Timeout", "PT5M")))
    if match is None:
        raise aws_error("ValidationError", f"Invalid Timeout {wanted.get('Timeout')} of the CreationPolicy: use PT15M")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    topic = policy_topic(call.stack_id, call.logical_id)
    await _signals(call, topic, hours * 3600 + minutes * 60 + seconds, int(wanted.get("Count", 1)), call.logical_id)


def policy_topic(stack_id: str, name: str) -> str:
    """Where the signals for a resource's creation policy are kept."""
    return f"{stack_id} {name}"


async def _signals(call: ResourceCall, topic: str, seconds: float, count: int, what: str) -> dict[str, Any]:
    """The data of so many signals by their ids; ValidationError for a failure among them, or too few in time."""

    failures: list[AwsError] = []

    def enough(found: list[Signal]) -> dict[str, Any] | None:
        data: dict[str, Any] = {}
        for signal in found:
            body = orjson.loads(signal.body)
            if body.get("Status") == "FAILURE":
                told = f"{what} received failed message: '{body.get('Reason', '')}' for uniqueId: {signal.unique}"
                failures.append(aws_error("ValidationError", told))
                return {}
            data[signal.unique] = body.get("Data", "")
        return data if len(data) >= count else None

    until = call.doorway.clock.now() + seconds
    found = await wait_for(_state(call), call.doorway.clock, topic, until, enough)
    if failures:
        raise failures[0]
    if found is None:
        raise aws_error("ValidationError", f"{what} timed out. It did not receive {count} success signal(s) in time.")
    return found


def _state(call: ResourceCall) -> State:
    return call.doorway.state.at(call.account, call.region)
