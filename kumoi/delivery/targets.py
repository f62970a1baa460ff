"""Which calls hand a payload to a target: from an ARN to operations of the service it names.

Pure, but for `make_calls`. Source: "Event bus targets" of the EventBridge user guide and "Templated targets" of the
Scheduler user guide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kumoi.delivery.retry import DeliveryFailed
from kumoi.doorway import NO_TRACE, Doorway, Principal, Trace
from kumoi.names import Arn
from kumoi.wire.errors import AwsError


@dataclass(frozen=True, slots=True)
class Payload:
    """What a target gets, and how: `id` is the delivery's (the same in every try), `now` epoch seconds.

    `group` is the message group of a FIFO queue, `partition_key` a stream's.
    """

    text: str
    id: str
    now: float
    group: str | None = None
    partition_key: str | None = None


@dataclass(frozen=True, slots=True)
class TargetCall:
    """One call; errors of the codes in `tolerates` do not matter."""

    service: str
    operation: str
    params: dict[str, Any]
    tolerates: frozenset[str] = field(default_factory=frozenset)


def target_calls(arn: Arn, payload: Payload) -> Sequence[TargetCall]:
    """The calls that hand `payload` to the target `arn`; DeliveryFailed when nothing can be handed to such a one."""
    maker = _MAKERS.get((arn.service, _kind(arn.resource))) or _MAKERS.get((arn.service, ""))
    if maker is None:
        raise DeliveryFailed("INVALID_PARAMETER", f"Kumoi does not deliver to {arn}.", retry=False)
    return maker(arn, payload)


async def make_calls(
    doorway: Doorway, calls: Sequence[TargetCall], caller: Principal, region: str, trace: Trace = NO_TRACE
) -> None:
    """Make the calls one after the other; raises the first error that matters."""
    for call in calls:
        try:
            await doorway.ask(call.service, call.operation, call.params, caller, region, trace)
        except AwsError as error:
            if error.code not in call.tolerates:
                raise


def _kind(resource: str) -> str:
    return resource.replace("/", ":").partition(":")[0]


def _function(arn: Arn, payload: Payload) -> list[TargetCall]:
    event = {"FunctionName": str(arn), "InvocationType": "Event", "Payload": payload.text.encode()}
    return [TargetCall("lambda", "Invoke", event)]


def _queue(arn: Arn, payload: Payload) -> list[TargetCall]:
    message = {"QueueUrl": str(arn), "MessageBody": payload.text}
    if payload.group is not None:
        message["MessageGroupId"] = payload.group
    return [TargetCall("sqs", "SendMessage", message)]


def _topic(arn: Arn, payload: Payload) -> list[TargetCall]:
    message = {"TopicArn": str(arn), "Message": payload.text}
    if payload.group is not None:
        message["MessageGroupId"] = payload.group
    return [TargetCall("sns", "Publish", message)]


def _state_machine(arn: Arn, payload: Payload) -> list[TargetCall]:
    execution = {"stateMachineArn": str(arn), "input": payload.text, "name": payload.id}
    # The name makes a second try harmless; another execution of that name is this delivery's own.
    return [TargetCall("stepfunctions", "StartExecution", execution, frozenset({"ExecutionAlreadyExists"}))]


def _log_group(arn: Arn, payload: Payload) -> list[TargetCall]:
    stream = {"logGroupName": arn.resource.split(":")[1], "logStreamName": payload.id}
    events = [{"timestamp": int(payload.now * 1000), "message": payload.text}]
    return [
        TargetCall("logs", "CreateLogStream", stream, frozenset({"ResourceAlreadyExistsException"})),
        TargetCall("logs", "PutLogEvents", {**stream, "logEvents": events}),
    ]


def _stream(arn: Arn, payload: Payload) -> list[TargetCall]:
    record = {"StreamARN": str(arn), "Data": payload.text.encode(), "PartitionKey": payload.partition_key or payload.id}
    return [TargetCall("kinesis", "PutRecord", record)]


def _delivery_stream(arn: Arn, payload: Payload) -> list[TargetCall]:
    name = arn.resource.rpartition("/")[2]
    return [
        TargetCall("firehose", "PutRecord", {"DeliveryStreamName": name, "Record": {"Data": payload.text.encode()}})
    ]


_MAKERS: dict[tuple[str, str], Callable[[Arn, Payload], list[TargetCall]]] = {
    ("lambda", "function"): _function,
    ("sqs", ""): _queue,
    ("sns", ""): _topic,
    ("states", "stateMachine"): _state_machine,
    ("logs", "log-group"): _log_group,
    ("kinesis", "stream"): _stream,
    ("firehose", "deliverystream"): _delivery_stream,
}
