"""One invocation of a schedule's target: its input, its call, and its dead letter."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import orjson

from kumoi.delivery import Delivery, DeliveryFailed, Failure, Payload, make_calls, target_calls
from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.names import Arn
from kumoi.services.scheduler.naming import schedule_arn, timestamp
from kumoi.services.scheduler.universal import is_universal, universal_call
from kumoi.wire import AwsError, Wire

logger = logging.getLogger(__name__)

MAX_ATTRIBUTE = 1024


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery holds: the schedule, the occurrence, and the target as it was then.

    `delete` says that the schedule is to be deleted once this invocation has ended.
    """

    group: str
    name: str
    schedule_id: str
    scheduled: float
    execution_id: str
    target: dict[str, Any]
    delete: bool


class Invoker:
    """Makes the calls of invocations, as Scheduler, on behalf of their schedules."""

    def __init__(self, doorway: Doorway, wire: Wire) -> None:
        self._doorway = doorway
        self._wire = wire
        self._decode = msgspec.msgpack.Decoder(Invocation).decode

    async def attempt(self, delivery: Delivery) -> None:
        """Call the target; raises what it answers."""
        invocation = self._decode(delivery.content)
        target = invocation.target
        text = input_of(invocation, delivery)
        if is_universal(target["Arn"]):
            served = [service.name for service in self._doorway.registry]
            calls = [universal_call(self._wire, served, target["Arn"], text)]
            region = delivery.region
        else:
            arn = Arn.parse(target["Arn"])
            region = arn.region or delivery.region
            if arn.service == "events":
                await self._put_event(target, text, _caller(delivery, invocation), region)
                return
            calls = list(target_calls(arn, _payload(target, text, delivery, self._doorway.clock.now())))
        await make_calls(self._doorway, calls, _caller(delivery, invocation), region)

    async def give_up(self, delivery: Delivery, failure: Failure) -> None:
        """Send the request that failed to the schedule's dead-letter queue, where it has one."""
        invocation = self._decode(delivery.content)
        queue = invocation.target.get("DeadLetterConfig", {}).get("Arn")
        if queue is None:
            return
        message = {
            "QueueUrl": queue,
            "MessageBody": input_of(invocation, delivery),
            "MessageAttributes": dead_letter_attributes(invocation, delivery, failure),
        }
        try:
            arn = Arn.parse(queue)
            await self._doorway.ask("sqs", "SendMessage", message, _caller(delivery, invocation), arn.region)
        except (AwsError, CallDropped, ValueError) as error:
            logger.warning("the dead letter of schedule %s could not be sent to %s: %s", invocation.name, queue, error)

    async def _put_event(self, target: dict[str, Any], text: str, caller: Principal, region: str) -> None:
        parameters = target["EventBridgeParameters"]
        entry = {
            "Source": parameters["Source"],
            "DetailType": parameters["DetailType"],
            "Detail": text,
            "EventBusName": target["Arn"],
        }
        answer = await self._doorway.ask("events", "PutEvents", {"Entries": [entry]}, caller, region)
        (result,) = answer["Entries"]
        if "ErrorCode" in result:
            raise DeliveryFailed("INVALID_PARAMETER", f"{result['ErrorCode']}: {result['ErrorMessage']}", retry=False)


def input_of(invocation: Invocation, delivery: Delivery) -> str:
    """The target's input with its context attributes filled in; a description of the occurrence where it has none."""
    arn = schedule_arn(delivery.account, delivery.region, invocation.group, invocation.name)
    scheduled = timestamp(invocation.scheduled)
    given: str | None = invocation.target.get("Input")
    if given is None:
        event = {
            "version": "0",
            "id": invocation.execution_id,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": delivery.account,
            "time": scheduled,
            "region": delivery.region,
            "resources": [arn],
            "detail": "{}",
        }
        return orjson.dumps(event).decode()
    for name, value in (
        ("schedule-arn", arn),
        ("scheduled-time", scheduled),
        ("execution-id", invocation.execution_id),
        ("attempt-number", str(delivery.attempts + 1)),
    ):
        given = given.replace(f"<aws.scheduler.{name}>", value)
    return given


def dead_letter_attributes(invocation: Invocation, delivery: Delivery, failure: Failure) -> dict[str, dict[str, str]]:
    """The message attributes of a dead letter."""
    texts = {
        "ERROR_CODE": failure.code,
        "ERROR_MESSAGE": failure.message[:MAX_ATTRIBUTE],
        "EXECUTION_ID": invocation.execution_id,
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": str(delivery.attempts),
        "SCHEDULED_TIME": timestamp(invocation.scheduled),
        "SCHEDULE_ARN": schedule_arn(delivery.account, delivery.region, invocation.group, invocation.name),
        "TARGET_ARN": invocation.target["Arn"],
    }
    if failure.exhausted is not None:
        texts["EXHAUSTED_RETRY_CONDITION"] = failure.exhausted
    return {name: {"DataType": "String", "StringValue": text} for name, text in texts.items()}


def _caller(delivery: Delivery, invocation: Invocation) -> Principal:
    """Scheduler does everything in the role of the target."""
    role = invocation.target["RoleArn"]
    return Principal.of_role(delivery.account, role, invocation.execution_id, f"scheduler:{invocation.name}")


def _payload(target: dict[str, Any], text: str, delivery: Delivery, now: float) -> Payload:
    return Payload(
        text,
        delivery.id,
        now,
        group=target.get("SqsParameters", {}).get("MessageGroupId"),
        partition_key=target.get("KinesisParameters", {}).get("PartitionKey"),
    )
