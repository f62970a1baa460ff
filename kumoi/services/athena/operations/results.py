"""GetQueryResults: pages of an answer, read from its file in S3.

A token says at which byte the next page begins, so that a page costs the same wherever it is.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any

from kumoi.doorway import Call
from kumoi.services.athena import athena
from kumoi.services.athena.errors import StatementFailed, invalid
from kumoi.services.athena.operations.executions import execution_of
from kumoi.services.athena.places import Asker, Location
from kumoi.services.athena.records import Execution
from kumoi.wire.errors import AwsError

_MOST = 1000
_PIECE = 1 << 20
_FULL = 8 << 20
"""Bytes after which a page ends, whatever MaxResults says."""
_FIELD = re.compile(r'"((?:[^"]|"")*)"|([^,"\n]*)')
_SIZES = {
    "bigint": (19, 0), "integer": (10, 0), "smallint": (5, 0), "tinyint": (3, 0), "double": (17, 0), "float": (17, 0),
    "varchar": (2_147_483_647, 0), "timestamp": (3, 0), "decimal": (38, 0),
}  # fmt: skip


@athena.operation
async def get_query_results(
    call: Call,
    QueryExecutionId: str,
    NextToken: str | None = None,
    MaxResults: int | None = None,
    QueryResultType: str | None = None,
) -> dict[str, Any]:
    """Rows of an answer; the first one of a SELECT's names the columns."""
    one = await execution_of(call.state, QueryExecutionId)
    if one.state != "SUCCEEDED":
        told = {"FAILED": "Query did not finish successfully", "CANCELLED": "Query did not finish successfully"}
        said = told.get(one.state, "Query has not yet finished")
        raise invalid(
            f"{said}. Final query state: {one.state}" if one.state in told else f"{said}. Current state: {one.state}"
        )
    found: dict[str, Any] = {"UpdateCount": one.updated or 0}
    if one.output is None:
        return {**found, "ResultSet": {"Rows": [], "ResultSetMetadata": {"ColumnInfo": []}}}
    try:
        rows, following = await _rows(call, one, _offset(NextToken), MaxResults or _MOST)
    except (AwsError, StatementFailed) as error:
        raise invalid(f"The answer of the query cannot be read: {error}") from None
    columns = [_column(name, kind) for name, kind in one.columns]
    found["ResultSet"] = {"Rows": rows, "ResultSetMetadata": {"ColumnInfo": columns}}
    return found if following is None else {**found, "NextToken": following}


def _column(name: str, kind: str) -> dict[str, Any]:
    precision, scale = _SIZES.get(kind, (0, 0))
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": kind,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": kind == "varchar",
    }


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.b64decode(token, validate=True))
    except (binascii.Error, ValueError):
        raise invalid("The NextToken is not valid.") from None


async def _rows(call: Call, one: Execution, offset: int, most: int) -> tuple[list[dict[str, Any]], str | None]:
    """Rows from a byte on, and the token of those behind them, if there are any."""
    bucket, key = Location.of(one.location).bucket, one.output or ""
    asker = Asker.of(call)
    content, ended = b"", False
    while True:
        piece = (
            b"" if ended else await asker.read(bucket, key, offset + len(content), offset + len(content) + _PIECE - 1)
        )
        ended = len(piece) < _PIECE
        content += piece
        lines, used = await asyncio.to_thread(complete_lines, content, most, ended=ended, quoted=one.header)
        if len(lines) == most or ended or (lines and len(content) >= _FULL):
            break
    rows = await asyncio.to_thread(_shown, lines, one.header)
    more = used < len(content) or not ended
    return rows, base64.b64encode(str(offset + used).encode()).decode() if more else None


def _shown(lines: Sequence[str], header: bool) -> list[dict[str, Any]]:
    return [{"Data": _data(line) if header else [{"VarCharValue": line}]} for line in lines]


def complete_lines(content: bytes, most: int, *, ended: bool, quoted: bool) -> tuple[list[str], int]:
    """At most so many whole lines, and the bytes that they take; newlines in quotes end none. Pure."""
    lines: list[str] = []
    start = at = quotes = 0
    while len(lines) < most:
        began, at = at, content.find(b"\n", at)
        if at < 0:
            if ended and start < len(content):
                lines.append(content[start:].decode("utf-8", "replace"))
                start = len(content)
            break
        quotes += content.count(b'"', began, at) if quoted else 0
        if quotes % 2:
            at += 1
            continue
        lines.append(content[start:at].decode("utf-8", "replace"))
        start = at = at + 1
    return lines, start


def _data(line: str) -> list[dict[str, str]]:
    """The values of a line of CSV in which all but NULL is quoted."""
    found: list[dict[str, str]] = []
    at = 0
    while True:
        match = _FIELD.match(line, at)
        assert match is not None, "a field may be empty"
        if match[1] is not None:
            found.append({"VarCharValue": match[1].replace('""', '"')})
        else:
            found.append({"VarCharValue": match[2]} if match[2] else {})
        if match.end() >= len(line):
            return found
        at = match.end() + 1
