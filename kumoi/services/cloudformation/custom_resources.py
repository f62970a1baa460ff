"""Custom resources: a function or a topic is told what to do and answers on a URL of ours.

Source: "Custom resource request and response reference" of the user guide. An answer that does not come fails the
resource: AWS waits an hour, Kumoi as long as the function may run and a minute, unless ServiceTimeout says another
time. A function that ends in an error fails it at once.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from kumoi.doorway import CallDropped
from kumoi.doorway.resource_types import Resource, ResourceCall
from kumoi.names import Arn, uuid
from kumoi.services.cloudformation.records import Signal
from kumoi.services.cloudformation.signals import arrived, close_callback, forget, open_callback, wait_for
from kumoi.state import State
from kumoi.wire.errors import AwsError, aws_error

LONGEST = 3600
MARGIN_SECONDS = 60


def expected_id(call: ResourceCall) -> str:
    """The physical id of a custom resource that has not told one."""
    return f"{call.stack_name}-{call.logical_id}-{call.token}"


async def create(call: ResourceCall) -> Resource:
    """Have the resource made."""
    call.required("ServiceToken")
    await forget(_state(call), _topic(call))
    call.begin(Resource(expected_id(call)))
    return await _ask(call, "Create")


async def update(call: ResourceCall) -> Resource:
    """Have the resource changed; another physical id makes the engine delete what had the old one."""
    call.required("ServiceToken")
    return await _ask(call, "Update", PhysicalResourceId=call.physical_id, OldResourceProperties=_as_texts(call.before))


async def delete(call: ResourceCall) -> None:
    """Have the resource deleted: under the id that it told, even where a crash came between."""
    state, topic = _state(call), _topic(call)
    physical = call.physical_id
    if physical == expected_id(call):
        for signal in await arrived(state, topic):
            physical = _read(signal).get("PhysicalResourceId") or physical
    await _ask(call, "Delete", PhysicalResourceId=physical)
    await forget(state, topic)


def _state(call: ResourceCall) -> State:
    return call.doorway.state.at(call.account, call.region)


def _topic(call: ResourceCall) -> str:
    return f"{call.stack_id} {call.logical_id} {call.token}"


async def _ask(call: ResourceCall, kind: str, **members: Any) -> Resource:
    """Send one request and wait for its answer; ValidationError when it fails or does not come."""
    state, topic, request_id = _state(call), _topic(call), uuid()
    url = await open_callback(state, call.doorway.endpoint, topic, single=True)
    properties = {name: one for name, one in call.properties.items() if name != "ServiceTimeout"}
    event = {
        "RequestType": kind,
        "ServiceToken": call.properties["ServiceToken"],
        "ResponseURL": url,
        "StackId": call.stack_id,
        "RequestId": request_id,
        "LogicalResourceId": call.logical_id,
        "ResourceType": call.kind,
        **members,
        "ResourceProperties": _as_texts(properties),
    }
    try:
        answer = await _answered(call, state, topic, request_id, event)
    finally:
        await close_callback(state, url)
    if answer.get("Status") != "SUCCESS":
        raise _failed(
            f"Received response status [{answer.get('Status')}] from custom resource. Message returned: "
            f"{answer.get('Reason', '')} (RequestId: {request_id})"
        )
    physical = answer.get("PhysicalResourceId")
    if kind != "Delete" and not (isinstance(physical, str) and physical):
        raise _failed("Invalid PhysicalResourceId")
    values = answer.get("Data")
    return Resource(str(physical), values if isinstance(values, dict) else {})


async def _answered(
    call: ResourceCall, state: State, topic: str, request_id: str, event: dict[str, Any]
) -> dict[str, Any]:
    service = Arn.parse(str(call.properties["ServiceToken"]))
    until = call.doorway.clock.now() + await _patience(call, service)

    def enough(found: list[Signal]) -> dict[str, Any] | None:
        answers = (_read(signal) for signal in found)
        return next((one for one in answers if one.get("RequestId") == request_id), None)

    waiting = asyncio.ensure_future(wait_for(state, call.doorway.clock, topic, until, enough))
    sending = asyncio.ensure_future(_send(call, service, event))
    try:
        await asyncio.wait((waiting, sending), return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            sending.result()  # a function that failed does not answer any more
        answer = await waiting
    finally:
        for task in (waiting, sending):
            task.cancel()
        await asyncio.gather(waiting, sending, return_exceptions=True)
    if answer is None:
        raise _failed(
            "CloudFormation did not receive a response from your Custom Resource. Please check your logs for "
            f"requestId [{request_id}]. If you are using the Python cfn-response module, you may need to update your "
            "Lambda function code so that CloudFormation can attach the updated version. (ServiceTimeout of the "
            "resource says how long Kumoi waits.)"
        )
    return answer


async def _patience(call: ResourceCall, service: Arn) -> float:
    """How long an answer may take, in seconds of the platform's time."""
    stated = call.properties.get("ServiceTimeout")
    if stated is not None:
        if not str(stated).isdigit() or not 1 <= int(stated) <= LONGEST:
            raise _failed(f"ServiceTimeout {stated} is not an integer from 1 to {LONGEST}")
        return int(stated)
    if service.service != "lambda":
        return LONGEST
    params = {"FunctionName": str(service)}
    found = await _to_service(call, service, "lambda", "GetFunctionConfiguration", params)
    return float(found["Timeout"]) + MARGIN_SECONDS


async def _send(call: ResourceCall, service: Arn, event: dict[str, Any]) -> None:
    """Hand the request over; ValidationError when it could not be, or the function ended in an error."""
    body = orjson.dumps(event)
    if service.service == "sns":
        params = {"TopicArn": str(service), "Message": body.decode(), "Subject": "AWS CloudFormation custom resource"}
        await _to_service(call, service, "sns", "Publish", params)
        return
    if service.service != "lambda":
        raise _failed(f"Invalid service token: {service} is neither a function nor a topic.")
    answer = await _to_service(call, service, "lambda", "Invoke", {"FunctionName": str(service), "Payload": body})
    if "FunctionError" in answer:
        told = bytes(answer["Payload"]).decode("utf-8", "replace")[:1000]
        raise _failed(f"The function {service} of the custom resource failed without an answer: {told}")


async def _to_service(
    call: ResourceCall, service: Arn, name: str, operation: str, params: dict[str, Any]
) -> dict[str, Any]:
    region = service.region or call.region
    try:
        answer: dict[str, Any] = await call.doorway.ask(name, operation, params, call.caller, region, call.trace)
    except AwsError as error:
        raise _failed(f"{error.message} ({error.code})") from None
    except CallDropped:
        raise _failed(f"{service} did not answer") from None
    return answer


def _read(signal: Signal) -> dict[str, Any]:
    """An answer; one that is no JSON object says nothing."""
    try:
        found = orjson.loads(signal.body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _as_texts(value: Any) -> Any:
    """Properties as custom resources get them: every scalar a text."""
    if isinstance(value, dict):
        return {name: _as_texts(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_texts(one) for one in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None else str(value)


def _failed(text: str) -> AwsError:
    return aws_error("ValidationError", text)
