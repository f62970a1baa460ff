"""Handing a delivery to its target, and writing the dead letter of one that was given up."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import orjson
from msgspec.structs import replace

from kumoi.delivery import Delivery, DeliveryFailed, Failure, Payload, TargetCall, json_path, make_calls, target_calls
from kumoi.doorway import Call, CallDropped, Doorway, Principal, Trace
from kumoi.names import Arn
from kumoi.services.events.api_destinations import ApiDestinations
from kumoi.services.events.event import timestamp
from kumoi.services.events.http_request import api_request, check_status, dynamic
from kumoi.services.events.router import Handover
from kumoi.services.events.target_input import RuleFacts, render
from kumoi.wire.errors import AwsError
from kumoi.wire.http import Response

logger = logging.getLogger(__name__)

MAX_ATTRIBUTE = 1024
_APIS = "execute-api"
_SESSION_KEY = "ASIAEVENTBRIDGERULES"
"""What APIs are told that a request in a target's role was signed with."""


class HandOver:
    """Hands deliveries over by calls, as EventBridge, on behalf of their rules."""

    def __init__(self, doorway: Doorway, endpoints: ApiDestinations) -> None:
        self._doorway = doorway
        self._endpoints = endpoints
        self._decode = msgspec.msgpack.Decoder(Handover).decode

    async def attempt(self, delivery: Delivery) -> None:
        """Hand a delivery over; raises what its target answers."""
        handover = self._decode(delivery.content)
        target = handover.target
        arn = Arn.parse(target["Arn"])
        # Lambda sees no loops over buses: chains of functions end here.
        trace = replace(Trace.parse(handover.trace, handover.ingested), lineage="")
        region = arn.region or delivery.region
        caller = _caller(arn.account or delivery.account, handover)
        if arn.service == "events" and arn.resource.startswith("event-bus/"):
            sender = caller if "RoleArn" in target else _account_root(delivery.account, handover)
            await self._doorway.ask("events", *_forward(handover), sender, region, trace)
            return
        document = orjson.loads(handover.event)
        text = render(target, document, RuleFacts(handover.rule, handover.rule_arn, timestamp(handover.ingested)))
        if arn.service == "events" and arn.resource.startswith("api-destination/"):
            parameters = dynamic(target.get("HttpParameters", {}), document)
            await self._endpoints.deliver(arn, parameters, text)
            return
        if arn.service == "execute-api":
            signer = replace(caller, access_key=_SESSION_KEY) if "RoleArn" in target else caller
            await self._call_api(arn, dynamic(target.get("HttpParameters", {}), document), text, signer, trace)
            return
        payload = Payload(
            text,
            delivery.id,
            self._doorway.clock.now(),
            group=target.get("SqsParameters", {}).get("MessageGroupId"),
            partition_key=_partition_key(target, document),
        )
        calls = target_calls(arn, payload)
        if arn.service == "logs":
            calls = [_log_message(call) for call in calls]
        await make_calls(self._doorway, calls, caller, region, trace)

    async def _call_api(self, arn: Arn, wanted: dict[str, Any], text: str, caller: Principal, trace: Trace) -> None:
        """Send a text to an API of API Gateway, as a request that came from outside would."""
        api, request = api_request(arn, wanted, text)
        params = {"path": request.path, "attributes": {"id": api}}
        call = Call(
            self._doorway, _APIS, _APIS, params, caller, caller.account, arn.region, trace, caller.source, http=request
        )
        answer: Response = await self._doorway.dispatch(call)
        if answer.on_sent is not None:
            answer.on_sent()
        check_status(answer.status, str(arn))

    async def give_up(self, delivery: Delivery, failure: Failure) -> None:
        """Send the event to the target's dead-letter queue, where it has one."""
        handover = self._decode(delivery.content)
        queue = handover.target.get("DeadLetterConfig", {}).get("Arn")
        if queue is None:
            return
        message = {
            "QueueUrl": queue,
            "MessageBody": handover.event.decode(),
            "MessageAttributes": dead_letter_attributes(handover, delivery, failure),
        }
        try:
            arn = Arn.parse(queue)
            await self._doorway.ask(
                "sqs", "SendMessage", message, _service(arn.account, handover), arn.region or delivery.region
            )
        except (AwsError, CallDropped, ValueError) as error:
            logger.warning("the dead letter of rule %s could not be sent to %s: %s", handover.rule, queue, error)


def dead_letter_attributes(handover: Handover, delivery: Delivery, failure: Failure) -> dict[str, dict[str, str]]:
    """The message attributes of a dead letter."""
    texts = {
        "RULE_ARN": handover.rule_arn,
        "TARGET_ARN": handover.target["Arn"],
        "ERROR_CODE": failure.code,
        "ERROR_MESSAGE": failure.message[:MAX_ATTRIBUTE],
        "RETRY_ATTEMPTS": str(delivery.attempts),
    }
    if failure.exhausted is not None:
        texts["EXHAUSTED_RETRY_CONDITION"] = failure.exhausted
    return {name: {"DataType": "String", "StringValue": text} for name, text in texts.items()}


def _caller(account: str, handover: Handover) -> Principal:
    """In the target's role where it has one; else EventBridge itself, which the target's policy has to let in."""
    source, role = f"events:{handover.rule}", handover.target.get("RoleArn")
    if role is not None:
        return Principal.of_role(Arn.parse(handover.rule_arn).account, role, handover.rule[:64], source)
    return _service(account, handover)


def _service(account: str, handover: Handover) -> Principal:
    return Principal.of_service(account, "events.amazonaws.com", f"events:{handover.rule}", handover.rule_arn)


def _account_root(account: str, handover: Handover) -> Principal:
    """The rule's account, which another account's bus has to let in."""
    return replace(Principal.root(account), source=f"events:{handover.rule}")


def _forward(handover: Handover) -> tuple[str, dict[str, Any]]:
    """The call that hands an event to another bus; one that came from another bus goes no further."""
    if handover.hops:
        raise DeliveryFailed(
            "THIRD_ACCOUNT_HOP_DETECTED", "The event has come from another bus and goes to no third one.", retry=False
        )
    return "ForwardEvent", {
        "EventBusName": handover.target["Arn"],
        "Event": handover.event,
        "TraceHeader": handover.trace,
        "Hops": handover.hops + 1,
    }


def _partition_key(target: dict[str, Any], event: dict[str, Any]) -> str | None:
    if "KinesisParameters" not in target:
        return None
    try:
        key = json_path.find(event, json_path.parse(target["KinesisParameters"]["PartitionKeyPath"]))
    except json_path.Missing:
        return None
    return key if isinstance(key, str) else orjson.dumps(key).decode()


def _log_message(call: TargetCall) -> TargetCall:
    """The call with the message and timestamp that the input itself names, where it does."""
    if call.operation != "PutLogEvents":
        return call
    (event,) = call.params["logEvents"]
    try:
        given = orjson.loads(event["message"])
    except orjson.JSONDecodeError:
        return call
    if not isinstance(given, dict) or not given.keys() <= {"timestamp", "message"} or "message" not in given:
        return call
    message = given["message"]
    time = given.get("timestamp")
    named = {
        "message": message if isinstance(message, str) else orjson.dumps(message).decode(),
        "timestamp": time if isinstance(time, int) and not isinstance(time, bool) else event["timestamp"],
    }
    return TargetCall(call.service, call.operation, {**call.params, "logEvents": [named]}, call.tolerates)
