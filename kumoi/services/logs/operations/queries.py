"""Logs Insights: start a query, follow it, stop it; and read what an event's pointer points to."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.lake import Cursor
from kumoi.names import uuid
from kumoi.services.logs import logs
from kumoi.services.logs.events import TABLE, find_group
from kumoi.services.logs.queried_groups import Groups, queried_groups
from kumoi.services.logs.query_records import ENDED, Query, pages, queries
from kumoi.services.logs.query_runner import MOST_UNDER_WAY, QueryRunner, begin
from kumoi.services.logs.rules import group_of, invalid
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_MILLISECONDS = 100_000_000_000
"""Times beyond this are not seconds."""
MOST_ITEMS = 10_000
"""Rows that one GetQueryResults answers."""


@logs.operation
async def start_query(
    call: Call,
    startTime: int,
    endTime: int,
    queryString: str,
    logGroupName: str | None = None,
    logGroupNames: list[str] | None = None,
    logGroupIdentifiers: list[str] | None = None,
    limit: int | None = None,
    queryLanguage: str = "CWLI",
) -> dict[str, Any]:
    """Check a query and begin it. Times are epoch seconds (or milliseconds); the end's second is part of it."""
    if queryLanguage != "CWLI":
        raise aws_error("NotImplemented", f"Kumoi runs Logs Insights QL (CWLI) only, not {queryLanguage} yet.")
    start, end = _milliseconds(startTime), _milliseconds(endTime)
    if end < start:
        raise invalid("Query's end time should not be earlier than its start time.")
    now = int(call.now * 1000)
    parsed = await _parsed(call, queryString, now)
    named = Groups(logGroupName, logGroupNames, logGroupIdentifiers)
    queried = await queried_groups(call, parsed.query, named)
    joined = {view: (await queried_groups(call, query, Groups())).groups for view, query in parsed.joins.items()}
    source = parsed.query.source
    if source is not None:
        start = start if source.start is None else now + source.start * 1000
        end = end if source.end is None else now + source.end * 1000
    runner = call.part(QueryRunner)
    if runner.under_way(call.account, call.region) >= MOST_UNDER_WAY:
        raise aws_error(
            "LimitExceededException",
            f"Account maximum query concurrency limit of [{MOST_UNDER_WAY}] reached.",
        )
    query = Query(
        id=uuid(),
        text=queryString,
        groups=queried.groups,
        regions=[] if queried.regions == [call.region] else queried.regions,
        joined=joined,
        start=start if queried.cutoff is None else max(start, queried.cutoff),
        end=end + (1000 if endTime < _MILLISECONDS else 1),
        limit=limit,
        created=now,
        owner=call.caller.arn,
    )
    await begin(call.state, query)
    runner.start(call.account, call.region, query)
    return {"queryId": query.id}


class _Parsed(msgspec.Struct):
    query: Any
    joins: dict[str, Any]


async def _parsed(call: Call, text: str, now: int) -> _Parsed:
    """The query and those of its joins by view; MalformedQueryException in AWS's words when it is none."""
    from kumoi.insights.compiler import compile_query
    from kumoi.insights.parsing import parse
    from kumoi.insights.syntax import Malformed, Query
    from kumoi.services.logs.lookup_records import tables_of

    def read(tables: Mapping[str, Any]) -> _Parsed:
        query = parse(text)
        plan = compile_query(query, now=now, tables=tables)
        joins = {
            name: Query(reading.source, ())
            for name, reading in plan.views.items()
            if reading.source is not query.source
        }
        return _Parsed(query, joins)

    try:
        tables = await tables_of(call.state, text)
        return await asyncio.to_thread(read, tables)
    except Malformed as error:
        location = {"startCharOffset": error.start or 0, "endCharOffset": len(text) if error.end is None else error.end}
        raise aws_error(
            "MalformedQueryException",
            error.message,
            queryCompileError={"location": location, "message": error.message},
        ) from None


def _milliseconds(time: int) -> int:
    found = time if time >= _MILLISECONDS else time * 1000
    if found > 10**14:
        raise invalid(f"{time} is no time in seconds or milliseconds since 1970.")
    return found


@logs.operation
async def get_query_results(
    call: Call, queryId: str, nextToken: str | None = None, maxItems: int | None = None
) -> dict[str, Any]:
    """A query's status, its statistics and its rows, in pages of maxItems (10,000)."""
    query = await _find(call, queryId)
    if query.status == "Running":
        call.part(QueryRunner).start(call.account, call.region, query)
    first = 0
    if nextToken is not None:
        if not nextToken.isdigit() or not 0 < int(nextToken[:9]) <= query.rows:
            raise invalid("The specified nextToken is invalid.")
        first = int(nextToken[:9])
    last = min(first + (maxItems or MOST_ITEMS), query.rows)
    return {
        "queryLanguage": "CWLI",
        "results": await _rows(call, query, first, last),
        "statistics": _statistics(query),
        "status": query.status,
        "nextToken": str(last) if last < query.rows else None,
    }


def _statistics(query: Query) -> dict[str, float]:
    names = ("recordsMatched", "recordsScanned", "estimatedRecordsSkipped", "bytesScanned", "estimatedBytesSkipped")
    found = {name: query.statistics.get(name, 0.0) for name in (*names, "logGroupsScanned")}
    return {**found, "resultCount": float(query.rows)}


async def _rows(call: Call, query: Query, first: int, last: int) -> list[Any]:
    """Rows by number, `last` exclusive; no pages but those are read that have one of them."""
    if first >= last:
        return []
    from kumoi.insights.answering import PAGE, read

    begin = first // PAGE
    contents = await _contents(call.state, query.id, begin, (last - 1) // PAGE + 1 - begin)
    found = [row for content in contents for row in await asyncio.to_thread(read, content)]
    return found[first - begin * PAGE : last - begin * PAGE]


@logs.operation
async def stop_query(call: Call, queryId: str) -> dict[str, Any]:
    """Stop a query that runs."""
    query = await _find(call, queryId)
    if query.status in ENDED:
        raise invalid(f"Query {queryId} is not running: its status is {query.status}.")
    cancelled = msgspec.structs.replace(query, status="Cancelled", finished=int(call.now * 1000))
    if not await _cancel(call.state, cancelled):
        raise invalid(f"Query {queryId} has just ended.")
    await call.part(QueryRunner).cancel(call.account, call.region, queryId)
    return {"success": True}


@logs.operation
async def describe_queries(
    call: Call,
    logGroupName: str | None = None,
    status: str | None = None,
    maxResults: int = 1000,
    nextToken: str | None = None,
    queryLanguage: str | None = None,
) -> dict[str, Any]:
    """The queries of the last seven days, the newest first."""
    found = [
        query
        for query in sorted(await _all(call.state), key=lambda one: (-one.created, one.id))
        if (logGroupName is None or logGroupName in query.groups)
        and (status is None or status == query.status)
        and queryLanguage in (None, "CWLI")
    ]
    first = 0
    if nextToken is not None:
        ids = [query.id for query in found]
        if nextToken not in ids:
            raise invalid("The specified nextToken is invalid.")
        first = ids.index(nextToken) + 1
    page = found[first : first + maxResults]
    answer: dict[str, Any] = {"queries": [_described(query) for query in page]}
    if len(found) > first + maxResults:
        answer["nextToken"] = page[-1].id
    return answer


def _described(query: Query) -> dict[str, Any]:
    sources = ", ".join(f'"{name}"' for name in query.groups)
    text = f"SOURCE {sources} START={query.start} END={query.end - 1} | {query.text}"
    return {
        "queryLanguage": "CWLI",
        "queryId": query.id,
        "queryString": text[:10_000],
        "status": query.status,
        "createTime": query.created,
        "logGroupName": query.groups[0] if query.groups else None,
        "queryDuration": None if query.finished is None else query.finished - query.created,
        "bytesScanned": query.statistics.get("bytesScanned"),
        "userIdentity": query.owner or None,
    }


@logs.operation
async def get_log_record(call: Call, logRecordPointer: str, unmask: bool = False) -> dict[str, Any]:
    """Every field of the event that an @ptr of a query's results points to."""
    group, time, seq = _pointer(logRecordPointer)
    await find_group(call.state, group)
    rows = await call.lake.scan(
        TABLE.name,
        account=call.account,
        region=call.region,
        equals={"log_group": group},
        start=time,
        end=time + 1,
        after=Cursor(time, seq - 1),
        limit=1,
    )
    if not rows or rows[0]["seq"] != seq:
        raise aws_error("ResourceNotFoundException", "The specified log record does not exist.")
    from kumoi.services.logs.record_fields import fields_of

    return {"logRecord": {**await fields_of(call.lake, rows[0], unmask=unmask), "@ptr": logRecordPointer}}


def _pointer(text: str) -> tuple[str, int, int]:
    try:
        group, time, seq = base64.b64decode(text, validate=True).decode().split("\n")
        if len(time) < 16 and len(seq) < 18:
            return group, int(time), int(seq)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise invalid("The specified logRecordPointer is invalid.")


@logs.operation
async def get_log_group_fields(
    call: Call, logGroupName: str | None = None, logGroupIdentifier: str | None = None, time: int | None = None
) -> dict[str, Any]:
    """The fields of a group's newest events within a quarter of an hour, and in how many of them they are (percent)."""
    from kumoi.services.logs.record_fields import percentages

    group = await find_group(call.state, group_of(logGroupName, logGroupIdentifier))
    middle = int(call.now * 1000) - 480_000 if time is None else _milliseconds(time)
    found = await percentages(call.lake, call.account, call.region, group.name, middle - 480_000, middle + 480_000)
    ordered = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return {"logGroupFields": [{"name": name, "percent": percent} for name, percent in ordered]}


async def _find(call: Call, query_id: str) -> Query:
    for query in await _named(call.state, query_id):
        return query
    raise aws_error("ResourceNotFoundException", f"Query {query_id} does not exist.")


@transactional
async def _named(tx: Transaction, query_id: str) -> Sequence[Query]:
    found = await queries.get(tx, query_id)
    return () if found is None else (found,)


@transactional
async def _contents(tx: Transaction, query_id: str, number: int, count: int) -> list[bytes]:
    """The pages from a number on."""
    return [page.content for page in await pages.list(tx, query_id, after=(query_id, number - 1), limit=count)]


@transactional
async def _all(tx: Transaction) -> list[Query]:
    return await queries.list(tx)


@transactional
async def _cancel(tx: Transaction, query: Query) -> bool:
    """Mark a query as cancelled, unless it has ended meanwhile."""
    known = await queries.get(tx, query.id)
    if known is None or known.status in ENDED:
        return False
    await queries.put(tx, query)
    return True
