"""Log events: put, get in pages, filter; and how functions write theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from kumoi.doorway import Call
from kumoi.services.logs import events, logs
from kumoi.services.logs.events import cutoff, find_group, find_stream, noted, place_of
from kumoi.services.logs.filter_pattern import FilterPattern, parse
from kumoi.services.logs.followers import Followers, Stored
from kumoi.services.logs.function_streams import FunctionStreams, StreamKey
from kumoi.services.logs.operations.streams import SEQUENCE_TOKEN
from kumoi.services.logs.protection_records import documents_for
from kumoi.services.logs.records import LogStream, streams
from kumoi.services.logs.rules import (
    Place,
    check_batch,
    direction_token,
    event_id,
    group_of,
    invalid,
    read_direction_token,
    read_page_token,
)
from kumoi.state import Transaction, transactional

PAGE_BYTES = 1_048_576
PAGE_EVENTS = 10_000
_SCAN = 10_000


@logs.operation
async def put_log_events(
    call: Call,
    logGroupName: str,
    logStreamName: str,
    logEvents: list[dict[str, Any]],
    sequenceToken: str | None = None,
    entity: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Store a batch of events in chronological order; durable when this answers."""
    now = int(call.now * 1000)
    group = await find_group(call.state, logGroupName)
    batch = check_batch(logEvents, now, group.retention)
    arrivals = events.Arrivals.of(batch.accepted) if batch.accepted else None
    await noted(call.state, logGroupName, logStreamName, arrivals, now, create=False)
    if arrivals is not None:
        call.meter("ingested_bytes" if group.log_class == "STANDARD" else "infrequent_bytes", arrivals.size)
        call.meter("log_events", len(batch.accepted))
    if batch.accepted:
        await _store(call, logGroupName, {logStreamName: batch.accepted}, now)
    return {"nextSequenceToken": SEQUENCE_TOKEN, "rejectedLogEventsInfo": batch.rejected}


@logs.operation
async def write_function_logs(
    call: Call,
    logGroupName: str,
    logStreamName: str = "",
    logEvents: Sequence[dict[str, Any]] = (),
    logStreams: Mapping[str, Sequence[dict[str, Any]]] | None = None,
) -> None:
    """Store what a function wrote, making its group and streams when they are missing. For services, not on the wire.

    Events of several streams come by stream in `logStreams`.
    """
    now = int(call.now * 1000)
    streams = logStreams or {logStreamName: logEvents}
    known, size = call.part(FunctionStreams), 0
    for stream, written in streams.items():
        arrivals = events.Arrivals.of(written)
        size += arrivals.size
        await known.add(StreamKey(call.account, call.region, logGroupName, stream), arrivals)
    call.meter("ingested_bytes", size)
    call.meter("log_events", sum(map(len, streams.values())))
    await _store(call, logGroupName, streams, now)


async def _store(call: Call, group: str, streams: Mapping[str, Sequence[dict[str, Any]]], now: int) -> None:
    """Write events, masked where a policy says so, and have done what follows."""
    documents = await documents_for(call.state, group)
    if documents:
        from kumoi.services.logs import findings  # at its first use: most groups have no policy
        from kumoi.services.logs.data_protection import policy_of, protect

        policies = [policy_of(one) for one in documents]
        protected = await asyncio.to_thread(protect, policies, streams)
        streams = protected.streams
    seq = await events.write(call.lake, call.account, call.region, group, streams, now)
    stored = []
    for stream, written in streams.items():
        stored.append(Stored(group, stream, written, seq, now))
        seq += len(written)
    await call.part(Followers).follow(call, group, stored)
    if documents and protected.found:
        await findings.tell(call, group, [one.findings for one in policies], protected.found, now)


@logs.operation
async def get_log_events(
    call: Call,
    logStreamName: str,
    logGroupName: str | None = None,
    logGroupIdentifier: str | None = None,
    startTime: int | None = None,
    endTime: int | None = None,
    nextToken: str | None = None,
    limit: int | None = None,
    startFromHead: bool = False,
    unmask: bool = False,
) -> dict[str, Any]:
    """A page of one stream. Both tokens always come back; the same one again means there is nothing more that way."""
    group = await find_group(call.state, group_of(logGroupName, logGroupIdentifier))
    stream = await find_stream(call.state, group.name, logStreamName)
    direction, place = ("f" if startFromHead else "b", None)
    if nextToken is not None:
        direction, place = read_direction_token(nextToken)
    rows = await events.read(
        call.lake,
        call.account,
        call.region,
        group.name,
        only=(logStreamName,),
        limit=limit or PAGE_EVENTS,
        start=_latest(startTime, cutoff(group, int(call.now * 1000)), stream.first_event),
        end=endTime,
        after=place,
        reverse=direction == "b",
    )
    rows = _fit(rows)
    if direction == "b":
        rows.reverse()
    first, last = (place_of(rows[0]), place_of(rows[-1])) if rows else (place or Place(0, 0),) * 2
    return {
        "events": [_output(row, unmask) for row in rows],
        "nextForwardToken": nextToken if not rows and direction == "f" and nextToken else direction_token("f", last),
        "nextBackwardToken": nextToken if not rows and direction == "b" and nextToken else direction_token("b", first),
    }


@logs.operation
async def filter_log_events(
    call: Call,
    logGroupName: str | None = None,
    logGroupIdentifier: str | None = None,
    logStreamNames: list[str] | None = None,
    logStreamNamePrefix: str | None = None,
    startTime: int | None = None,
    endTime: int | None = None,
    filterPattern: str = "",
    nextToken: str | None = None,
    limit: int = PAGE_EVENTS,
    interleaved: bool = True,
    unmask: bool = False,
) -> dict[str, Any]:
    """Events of a group's streams that match a pattern, interleaved by time, a full page at a time."""
    if logStreamNames is not None and logStreamNamePrefix is not None:
        raise invalid("Parameters logStreamNames and logStreamNamePrefix are mutually exclusive.")
    pattern = parse(filterPattern)
    group = await find_group(call.state, group_of(logGroupName, logGroupIdentifier))
    only: Sequence[str] | None = logStreamNames
    if logStreamNamePrefix is not None:
        only = [stream.name for stream in await _streams(call.state, group.name, logStreamNamePrefix)]
    start = _latest(startTime, cutoff(group, int(call.now * 1000)))
    place = None if nextToken is None else read_page_token(nextToken)
    found, place, more = await _matching(call, group.name, only, start, endTime, pattern, place, limit)
    answer: dict[str, Any] = {
        "events": [
            {**_output(row, unmask), "logStreamName": row["log_stream"], "eventId": event_id(place_of(row))}
            for row in found
        ],
        "searchedLogStreams": [],
    }
    if more and place is not None:
        answer["nextToken"] = event_id(place)
    return answer


@logs.operation(name="TestMetricFilter")
async def try_metric_filter(call: Call, filterPattern: str, logEventMessages: list[str]) -> dict[str, Any]:
    """Which messages a pattern matches, and the values it extracts."""
    pattern = parse(filterPattern, what="metric filter pattern")
    matches = []
    for number, message in enumerate(logEventMessages, 1):
        match = pattern.match(message)
        if match is not None:
            matches.append({"eventNumber": number, "eventMessage": message, "extractedValues": dict(match.fields)})
    return {"matches": matches}


async def _matching(
    call: Call,
    group: str,
    only: Sequence[str] | None,
    start: int | None,
    end: int | None,
    pattern: FilterPattern,
    place: Place | None,
    limit: int,
) -> tuple[list[dict[str, Any]], Place | None, bool]:
    """(matching rows, the place of the last row looked at, whether there may be more)."""
    found: list[dict[str, Any]] = []
    size = 0
    page = min(max(limit + 1, 500), _SCAN)
    while True:
        rows = await events.read(
            call.lake,
            call.account,
            call.region,
            group,
            only=only,
            start=start,
            end=end,
            after=place,
            limit=page,
            containing=pattern.literals,
        )
        for row, matches in zip(rows, await asyncio.to_thread(_matches, pattern, rows), strict=True):
            if matches:
                size += len(row["message"])
                if len(found) >= limit or (found and size > PAGE_BYTES):
                    return found, place, True
                found.append(row)
            place = place_of(row)
        if len(rows) < page:
            return found, place, False


def _matches(pattern: FilterPattern, rows: Sequence[dict[str, Any]]) -> list[bool]:
    """Which rows match; in a thread, since messages may be many or long."""
    return [pattern.match(row["message"]) is not None for row in rows]


def _fit(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many rows as fit a page of 1 MB, at least one."""
    size = 0
    for number, row in enumerate(rows):
        size += len(row["message"])
        if size > PAGE_BYTES and number:
            return rows[:number]
    return rows


def _latest(*times: int | None) -> int | None:
    """The latest of the times that there are: what was asked for, what has not expired, where a stream begins."""
    return max((time for time in times if time is not None), default=None)


def _output(row: dict[str, Any], unmask: bool) -> dict[str, Any]:
    message = row["unmasked"] if unmask and row["unmasked"] is not None else row["message"]
    return {"timestamp": row["time"], "message": message, "ingestionTime": row["ingested"]}


@transactional
async def _streams(tx: Transaction, group: str, prefix: str) -> list[LogStream]:
    return [stream for stream in await streams.list(tx, group) if stream.name.startswith(prefix)]
