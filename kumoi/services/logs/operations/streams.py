"""Log streams: create, describe, delete."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.logs import logs
from kumoi.services.logs.events import TABLE, find_group, find_stream
from kumoi.services.logs.function_streams import FunctionStreams
from kumoi.services.logs.records import LogStream, streams
from kumoi.services.logs.rules import group_arn, group_of, invalid
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

SEQUENCE_TOKEN = "49" + "0" * 54
"""What stands where a sequence token was: tokens have not been needed since 2023."""


@logs.operation
async def create_log_stream(call: Call, logGroupName: str, logStreamName: str) -> None:
    """Create a stream in a group."""
    if ":" in logStreamName or "*" in logStreamName:
        raise invalid(
            f"1 validation error detected: Value '{logStreamName}' at 'logStreamName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [^:*]*"
        )
    await _create(call.state, LogStream(group=logGroupName, name=logStreamName, created=int(call.now * 1000)))


@logs.operation
async def delete_log_stream(call: Call, logGroupName: str, logStreamName: str) -> None:
    """Delete a stream with its events."""
    await find_stream(call.state, logGroupName, logStreamName)
    await call.lake.delete(
        TABLE.name,
        account=call.account,
        region=call.region,
        equals={"log_group": logGroupName, "log_stream": logStreamName},
    )
    await _delete(call.state, logGroupName, logStreamName)
    call.part(FunctionStreams).forget(call.account, logGroupName)


@logs.operation
async def describe_log_streams(
    call: Call,
    logGroupName: str | None = None,
    logGroupIdentifier: str | None = None,
    logStreamNamePrefix: str | None = None,
    orderBy: str = "LogStreamName",
    descending: bool = False,
    nextToken: str | None = None,
    limit: int = 50,
) -> dict[str, Any]:
    """A group's streams, by name or by the time of their last event."""
    group = group_of(logGroupName, logGroupIdentifier)
    by_time = orderBy == "LastEventTime"
    if by_time and logStreamNamePrefix is not None:
        raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")

    def order(stream: LogStream) -> tuple[int, str]:
        return (stream.last_event or 0) if by_time else 0, stream.name

    found = sorted(
        (stream for stream in await _all(call.state, group) if stream.name.startswith(logStreamNamePrefix or "")),
        key=order,
        reverse=descending,
    )
    if nextToken is not None:
        time, _, name = nextToken.partition("/")
        if not time.isdigit():
            raise invalid("The specified nextToken is invalid.")
        last = (int(time), name)
        found = [stream for stream in found if (order(stream) < last if descending else order(stream) > last)]
    answer: dict[str, Any] = {
        "logStreams": [_describe(stream, group_arn(call.account, call.region, group)) for stream in found[:limit]]
    }
    if len(found) > limit:
        when, stream_name = order(found[limit - 1])
        answer["nextToken"] = f"{when}/{stream_name}"
    return answer


def _describe(stream: LogStream, arn_of_group: str) -> dict[str, Any]:
    return {
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "firstEventTimestamp": stream.first_event,
        "lastEventTimestamp": stream.last_event,
        "lastIngestionTime": stream.last_ingestion,
        "uploadSequenceToken": SEQUENCE_TOKEN,
        "arn": f"{arn_of_group}:log-stream:{stream.name}",
        "storedBytes": 0,
    }


@transactional
async def _create(tx: Transaction, stream: LogStream) -> None:
    await find_group(tx, stream.group)
    if await streams.get(tx, stream.group, stream.name) is not None:
        raise aws_error("ResourceAlreadyExistsException", "The specified log stream already exists")
    await streams.put(tx, stream)


@transactional
async def _all(tx: Transaction, group: str) -> list[LogStream]:
    await find_group(tx, group)
    return await streams.list(tx, group)


@transactional
async def _delete(tx: Transaction, group: str, name: str) -> None:
    await streams.delete(tx, group, name)
