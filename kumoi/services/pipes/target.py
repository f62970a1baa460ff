"""Handing records to a target: the calls it takes, and which records they did not manage.

A function or a state machine gets the whole batch as one array; queues, streams, buses and log groups get their batch
calls; a topic a call a record. Source: "Targets" of the EventBridge Pipes user guide.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import orjson

from kumoi.doorway import Doorway
from kumoi.names import Arn, uuid
from kumoi.services.pipes.records import Pipe, acting
from kumoi.services.pipes.templates import path_or_text
from kumoi.wire.errors import AwsError

Ask = Callable[..., Awaitable[Any]]


class Failed(Exception):
    """The target did not take the batch."""


class Target:
    """The target of one pipe. `hand_over` answers the positions of the records that failed."""

    def __init__(self, doorway: Doorway, pipe: Pipe) -> None:
        self._doorway = doorway
        self._pipe = pipe
        self._arn = Arn.parse(pipe.target)
        self._parameters = pipe.target_parameters
        self._caller = acting(pipe)
        self._way = WAYS[self._arn.service]

    async def hand_over(self, records: Sequence[Any]) -> set[int] | bytes:
        """Hand the records over; raises AwsError, DeliveryFailed or Failed where none was taken.

        A function that is asked for an answer may say in it which failed: the answer is returned as it is.
        """
        return await self._way(self, records)

    async def _ask(self, service: str, operation: str, **params: Any) -> Any:
        region = self._arn.region or self._pipe.region
        return await self._doorway.ask(service, operation, params, self._caller, region)

    def _given(self, member: str) -> dict[str, Any]:
        found: dict[str, Any] = self._parameters.get(member) or {}
        return found

    async def _function(self, records: Sequence[Any]) -> set[int] | bytes:
        waits = self._given("LambdaFunctionParameters").get("InvocationType") != "FIRE_AND_FORGET"
        kind = "RequestResponse" if waits else "Event"
        payload = orjson.dumps(list(records))
        answer = await self._ask(
            "lambda", "Invoke", FunctionName=self._pipe.target, InvocationType=kind, Payload=payload
        )
        if "FunctionError" in answer:
            raise Failed(f"{self._pipe.target} failed: {answer['Payload'].decode('utf-8', 'replace')}")
        return answer["Payload"] if waits else set()

    async def _state_machine(self, records: Sequence[Any]) -> set[int] | bytes:
        text = orjson.dumps(list(records)).decode()
        if self._given("StepFunctionStateMachineParameters").get("InvocationType") == "REQUEST_RESPONSE":
            answer = await self._ask(
                "stepfunctions", "StartSyncExecution", stateMachineArn=self._pipe.target, input=text
            )
            if answer["status"] != "SUCCEEDED":
                raise Failed(f"{self._pipe.target} ended {answer['status']}: {answer.get('cause', '')}")
            return set()
        await self._ask("stepfunctions", "StartExecution", stateMachineArn=self._pipe.target, input=text)
        return set()

    async def _queue(self, records: Sequence[Any]) -> set[int] | bytes:
        given = self._given("SqsQueueParameters")
        failed: set[int] = set()
        for chunk in _numbered(records, 10):
            entries = []
            for at, record in chunk:
                entry = {"Id": str(at), "MessageBody": _text(record)}
                for member in ("MessageGroupId", "MessageDeduplicationId"):
                    if member in given:
                        entry[member] = path_or_text(given[member], record)
                entries.append(entry)
            answer = await self._ask("sqs", "SendMessageBatch", QueueUrl=self._pipe.target, Entries=entries)
            failed |= {int(one["Id"]) for one in answer.get("Failed") or ()}
        return failed

    async def _topic(self, records: Sequence[Any]) -> set[int] | bytes:
        for record in records:
            await self._ask("sns", "Publish", TopicArn=self._pipe.target, Message=_text(record))
        return set()

    async def _bus(self, records: Sequence[Any]) -> set[int] | bytes:
        given = self._given("EventBridgeEventBusParameters")
        failed: set[int] = set()
        for chunk in _numbered(records, 10):
            entries = [
                {
                    "EventBusName": self._pipe.target,
                    "Source": path_or_text(given.get("Source", f"Pipe {self._pipe.name}"), record),
                    "DetailType": path_or_text(given.get("DetailType", f"Event from aws:{self._pipe.kind}"), record),
                    "Resources": [path_or_text(one, record) for one in given.get("Resources", ())],
                    "Detail": _text(record),
                }
                for _, record in chunk
            ]
            answer = await self._ask("events", "PutEvents", Entries=entries)
            failed |= {at for (at, _), one in zip(chunk, answer["Entries"], strict=True) if "ErrorCode" in one}
        return failed

    async def _stream(self, records: Sequence[Any]) -> set[int] | bytes:
        key = self._given("KinesisStreamParameters").get("PartitionKey", "")
        failed: set[int] = set()
        for chunk in _numbered(records, 500):
            entries = [
                {"Data": _text(record).encode(), "PartitionKey": path_or_text(key, record) or uuid()}
                for _, record in chunk
            ]
            answer = await self._ask("kinesis", "PutRecords", StreamARN=self._pipe.target, Records=entries)
            failed |= {at for (at, _), one in zip(chunk, answer["Records"], strict=True) if one.get("ErrorCode")}
        return failed

    async def _delivery_stream(self, records: Sequence[Any]) -> set[int] | bytes:
        name = self._arn.resource.rpartition("/")[2]
        failed: set[int] = set()
        for chunk in _numbered(records, 500):
            entries = [{"Data": _text(record).encode()} for _, record in chunk]
            answer = await self._ask("firehose", "PutRecordBatch", DeliveryStreamName=name, Records=entries)
            told = zip(chunk, answer["RequestResponses"], strict=True)
            failed |= {at for (at, _), one in told if one.get("ErrorCode")}
        return failed

    async def _log_group(self, records: Sequence[Any]) -> set[int] | bytes:
        given = self._given("CloudWatchLogsParameters")
        group = self._arn.resource.split(":")[1]
        name = path_or_text(given.get("LogStreamName", self._pipe.name), records[0])
        now = int(self._doorway.clock.now() * 1000)
        try:
            await self._ask("logs", "CreateLogStream", logGroupName=group, logStreamName=name)
        except AwsError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise
        stamp = given.get("Timestamp")
        events: list[dict[str, Any]] = [
            {"timestamp": int(path_or_text(stamp, one)) if stamp else now, "message": _text(one)} for one in records
        ]
        events.sort(key=lambda event: event["timestamp"])
        await self._ask("logs", "PutLogEvents", logGroupName=group, logStreamName=name, logEvents=events)
        return set()


def _numbered(records: Sequence[Any], size: int) -> Iterator[list[tuple[int, Any]]]:
    """The records with their positions, in chunks that one call takes."""
    numbered = list(enumerate(records))
    return (numbered[at : at + size] for at in range(0, len(numbered), size))


def _text(record: Any) -> str:
    return record if isinstance(record, str) else orjson.dumps(record).decode()


WAYS: dict[str, Callable[[Target, Sequence[Any]], Awaitable[set[int] | bytes]]] = {
    "lambda": Target._function,
    "states": Target._state_machine,
    "sqs": Target._queue,
    "sns": Target._topic,
    "events": Target._bus,
    "kinesis": Target._stream,
    "firehose": Target._delivery_stream,
    "logs": Target._log_group,
}
"""How records are handed over, by the service in the target's ARN."""
