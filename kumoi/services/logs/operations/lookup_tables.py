"""Lookup tables: made of CSV, or of a query's answer; read, replaced, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.logs import logs
from kumoi.services.logs.lookup_records import LookupBody, LookupTable, lookup_bodies, lookup_tables, read, written
from kumoi.services.logs.query_records import answer_of
from kumoi.services.logs.rules import invalid, page
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_TABLES = 100


@logs.operation
async def create_lookup_table(
    call: Call,
    lookupTableName: str,
    description: str | None = None,
    tableBody: str | None = None,
    queryId: str | None = None,
    kmsKeyId: str | None = None,
    tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Make a table of CSV with a header row, or of what a query has answered."""
    body = await _body(call, tableBody, queryId)
    table = await _described(call, lookupTableName, body, description, kmsKeyId, tags or {})
    await _create(call.state, table, body)
    return {"lookupTableArn": table.arn(call.account, call.region), "createdAt": table.updated}


@logs.operation
async def get_lookup_table(call: Call, lookupTableArn: str) -> dict[str, Any]:
    """A table with its content."""
    table, body = await _find(call.state, _name(lookupTableArn))
    return {**_shown(call, table), "tableBody": body}


@logs.operation
async def describe_lookup_tables(
    call: Call, lookupTableNamePrefix: str = "", maxResults: int = 50, nextToken: str | None = None
) -> dict[str, Any]:
    """Tables by name."""
    found = {one.name: one for one in await _all(call.state) if one.name.startswith(lookupTableNamePrefix)}
    names, token = page(sorted(found), nextToken, maxResults)
    tables = [
        {**_shown(call, found[name]), "tableFields": found[name].fields, "recordsCount": found[name].records}
        for name in names
    ]
    return {"lookupTables": tables, "nextToken": token}


@logs.operation
async def update_lookup_table(
    call: Call,
    lookupTableArn: str,
    description: str | None = None,
    tableBody: str | None = None,
    queryId: str | None = None,
    kmsKeyId: str | None = None,
) -> dict[str, Any]:
    """Replace a table's content."""
    known, _ = await _find(call.state, _name(lookupTableArn))
    body = await _body(call, tableBody, queryId)
    table = await _described(
        call,
        known.name,
        body,
        known.description if description is None else description,
        kmsKeyId or known.kms_key,
        known.tags,
    )
    await _replace(call.state, table, body)
    return {"lookupTableArn": table.arn(call.account, call.region), "lastUpdatedTime": table.updated}


@logs.operation
async def delete_lookup_table(call: Call, lookupTableArn: str) -> None:
    """Delete a table; queries that name it fail."""
    await _delete(call.state, _name(lookupTableArn))


async def _body(call: Call, body: str | None, query_id: str | None) -> str:
    """The CSV that a request brings, or that an ended query answered."""
    if (body is None) == (query_id is None):
        raise invalid("Exactly one of tableBody and queryId must be specified.")
    if body is not None:
        return body
    from kumoi.insights.answering import read as read_page

    query, contents = await answer_of(call.state, str(query_id))
    if query is None:
        raise invalid(f"Query {query_id} does not exist.")
    if query.status not in ("Complete", "Cancelled"):
        raise invalid(f"Query {query_id} is {query.status}: only one that is complete or cancelled makes a table.")

    def made() -> str:
        rows = [
            {one["field"]: one["value"] for one in row if one["field"] != "@ptr"}
            for content in contents
            for row in read_page(content)
        ]
        return written(list(dict.fromkeys(name for row in rows for name in row)), rows)

    made_body = await asyncio.to_thread(made)
    if not made_body.strip():
        raise invalid(f"Query {query_id} has no rows.")
    return made_body


async def _described(
    call: Call, name: str, body: str, description: str | None, kms_key: str | None, tags: Mapping[str, str]
) -> LookupTable:
    content = await asyncio.to_thread(read, body)
    return LookupTable(
        name=name,
        description=description,
        fields=content.fields,
        records=content.records,
        size=len(body.encode(errors="replace")),
        kms_key=kms_key,
        tags=dict(tags),
        updated=int(call.now * 1000),
    )


def _shown(call: Call, table: LookupTable) -> dict[str, Any]:
    return {
        "lookupTableArn": table.arn(call.account, call.region),
        "lookupTableName": table.name,
        "description": table.description,
        "sizeBytes": table.size,
        "lastUpdatedTime": table.updated,
        "kmsKeyId": table.kms_key,
    }


def _name(arn: str) -> str:
    return arn.rpartition(":lookup-table:")[2]


def _missing() -> Exception:
    return aws_error("ResourceNotFoundException", "The specified lookup table does not exist.")


@transactional
async def _create(tx: Transaction, table: LookupTable, body: str) -> None:
    known = await lookup_tables.list(tx)
    if any(one.name == table.name for one in known):
        raise aws_error("ResourceAlreadyExistsException", "The specified lookup table already exists")
    if len(known) >= MOST_TABLES:
        raise aws_error("LimitExceededException", f"An account can have up to {MOST_TABLES} lookup tables in a Region.")
    await lookup_tables.put(tx, table)
    await lookup_bodies.put(tx, LookupBody(table.name, body))


@transactional
async def _replace(tx: Transaction, table: LookupTable, body: str) -> None:
    known = await lookup_tables.get(tx, table.name)
    if known is None:
        raise _missing()
    await lookup_tables.put(tx, msgspec.structs.replace(table, tags=known.tags))
    await lookup_bodies.put(tx, LookupBody(table.name, body))


@transactional
async def _find(tx: Transaction, name: str) -> tuple[LookupTable, str]:
    table, body = await lookup_tables.get(tx, name), await lookup_bodies.get(tx, name)
    if table is None or body is None:
        raise _missing()
    return table, body.csv


@transactional
async def _all(tx: Transaction) -> list[LookupTable]:
    return await lookup_tables.list(tx)


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    if not await lookup_tables.delete(tx, name):
        raise _missing()
    await lookup_bodies.delete(tx, name)
