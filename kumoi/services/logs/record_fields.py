"""The fields that Insights discovers in an event, by name, as GetLogRecord and GetLogGroupFields show them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson

from kumoi.insights.message_fields import LAMBDA
from kumoi.insights.rendering import as_number
from kumoi.lake import Derived, Lake, Row, View
from kumoi.services.logs.events import TABLE

MOST_FIELDS = 1_000
SAMPLE = 1_000
_SYSTEM = ("@timestamp", "@message", "@logStream", "@log", "@ingestionTime")


async def fields_of(lake: Lake, row: Row) -> dict[str, str]:
    """Every field of an event; times are epoch milliseconds."""
    found = {
        "@timestamp": str(row["time"]),
        "@ingestionTime": str(row["ingested"]),
        "@message": row["message"],
        "@logStream": row["log_stream"],
        "@log": f"{row['account']}:{row['log_group']}",
    }
    view = _view(row["account"], row["region"], row["log_group"], row["time"], row["time"] + 1)
    names = ", ".join(f"l{number}" for number in range(len(LAMBDA)))
    answer = await lake.query(
        f"SELECT {names}, document FROM events WHERE seq = $seq",  # noqa: S608
        {"seq": row["seq"]},
        views={"events": view},
    )
    *lambda_values, document = answer.rows[0]
    for name, value in zip(LAMBDA, lambda_values, strict=True):
        if value is not None:
            found[name] = str(as_number(value)) if isinstance(value, float) else value
    found.update(await asyncio.to_thread(_flat, document))
    return found


async def percentages(lake: Lake, account: str, region: str, group: str, start: int, end: int) -> dict[str, int]:
    """In how many of a group's newest events of a time each field is, in percent."""
    view = _view(account, region, group, start, end)
    names = ", ".join(f"l{number}" for number in range(len(LAMBDA)))
    answer = await lake.query(
        f'SELECT {names}, document FROM events ORDER BY "time" DESC, seq DESC LIMIT {SAMPLE}',  # noqa: S608
        views={"events": view},
    )
    return await asyncio.to_thread(_counted, answer.rows)


def _counted(rows: list[tuple[Any, ...]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for *lambda_values, document in rows:
        counts.update(_SYSTEM)
        counts.update(name for name, value in zip(LAMBDA, lambda_values, strict=True) if value is not None)
        counts.update(_flat(document).keys())
    return {name: round(100 * count / len(rows)) for name, count in counts.most_common(MOST_FIELDS)}


def _view(account: str, region: str, group: str, start: int, end: int) -> View:
    derived = {f"l{number}": Derived(name, *LAMBDA[name]) for number, name in enumerate(LAMBDA)}
    derived["document"] = Derived("document", "VARCHAR", "document::VARCHAR")
    return View(TABLE.name, account, region, {"log_group": group}, start, end, derived)


def _flat(document: str | None) -> dict[str, str]:
    """A JSON document's values by dotted path."""
    if document is None:
        return {}
    try:
        read = orjson.loads(document)
    except orjson.JSONDecodeError:
        return {}
    found: dict[str, str] = {}
    for path, value in _values(read, ""):
        found.setdefault(path, value)
        if len(found) >= MOST_FIELDS:
            break
    return found


def _values(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _values(inner, f"{path}.{key}" if path else f"@{key}" if key.startswith("@") else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _values(inner, f"{path}.{number}" if path else str(number))
    elif value is not None and path:
        yield path, value if isinstance(value, str) else orjson.dumps(value).decode()
