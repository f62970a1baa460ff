"""The fields that Insights discovers in an event, by name, as GetLogRecord and GetLogGroupFields show them."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from kumoi.insights.documents import MOST_FIELDS, flat
from kumoi.insights.message_fields import LAMBDA, UNMASKED
from kumoi.insights.rendering import as_number
from kumoi.lake import Derived, Lake, Row, View
from kumoi.services.logs.events import TABLE

SAMPLE = 1_000
_SYSTEM = ("@timestamp", "@message", "@logStream", "@log", "@ingestionTime")


async def fields_of(lake: Lake, row: Row, *, unmask: bool = False) -> dict[str, str]:
    """Every field of an event, without the masks of data protection if so asked; times are epoch milliseconds."""
    unmask = unmask and row["unmasked"] is not None
    found = {
        "@timestamp": str(row["time"]),
        "@ingestionTime": str(row["ingested"]),
        "@message": row["unmasked" if unmask else "message"],
        "@logStream": row["log_stream"],
        "@log": f"{row['account']}:{row['log_group']}",
    }
    view = _view(row["account"], row["region"], row["log_group"], row["time"], row["time"] + 1)
    names = ", ".join(f"l{number}" for number in range(len(LAMBDA)))
    answer = await lake.query(
        f"SELECT {names}, {UNMASKED if unmask else 'document'} FROM events WHERE seq = $seq",  # noqa: S608
        {"seq": row["seq"]},
        views={"events": view},
    )
    *lambda_values, document = answer.rows[0]
    for name, value in zip(LAMBDA, lambda_values, strict=True):
        if value is not None:
            found[name] = str(as_number(value)) if isinstance(value, float) else value
    found.update(await asyncio.to_thread(flat, document))
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
        counts.update(flat(document).keys())
    return {name: round(100 * count / len(rows)) for name, count in counts.most_common(MOST_FIELDS)}


def _view(account: str, region: str, group: str, start: int, end: int) -> View:
    derived = {f"l{number}": Derived(name, *LAMBDA[name]) for number, name in enumerate(LAMBDA)}
    derived["document"] = Derived("document", "VARCHAR", "document::VARCHAR")
    return View(TABLE.name, account, region, {"log_group": group}, start, end, derived)
