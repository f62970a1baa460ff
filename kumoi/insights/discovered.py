"""The fields that a log event has by itself: those that begin with @, and the keys of its JSON.

Each is SQL over the columns of a log event (`message`, `time`, `log_group`, `log_stream`, `ingested`, `account`, `seq`).
Those that are read out of the message are `Derived`: the lake may hold them in columns of their own, written when a
segment was sealed, and works them out where it does not. Source: "Supported logs and discovered fields".
"""

from __future__ import annotations

from collections.abc import Mapping

from kumoi.insights.syntax import Field
from kumoi.insights.values import Expr, Kind, text, time

_UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_REPORT = "starts_with(message, 'REPORT RequestId: ')"
_MEGABYTE = 1_000_000

DOCUMENT = (
    "CASE WHEN message[1] = '{' THEN try_cast(message AS JSON) "
    "WHEN starts_with(log_group, '/aws/lambda/') AND contains(message, '{') "
    "THEN try_cast(substr(message, instr(message, '{')) AS JSON) END"
)
"""A log event's JSON: the whole message, or what follows a function's prefix."""


def _reported(label: str, unit: str, factor: float = 1) -> str:
    found = f"regexp_extract(message, '\\t{label}: ([0-9.]+) {unit}', 1)"
    scaled = f"try_cast({found} AS DOUBLE)" + (f" * {factor}" if factor != 1 else "")
    return f"CASE WHEN {_REPORT} THEN {scaled} END"


def _traced(label: str) -> str:
    found = f"regexp_extract(message, '{label}: ([^ \\t\\n]+)', 1)"
    return f"CASE WHEN {_REPORT} THEN nullif({found}, '') END"


LAMBDA: Mapping[str, tuple[str, str]] = {
    "@type": (
        "VARCHAR",
        "CASE WHEN starts_with(message, 'START RequestId: ') THEN 'START' "
        "WHEN starts_with(message, 'END RequestId: ') THEN 'END' "
        f"WHEN {_REPORT} THEN 'REPORT' WHEN starts_with(message, 'INIT_START ') THEN 'INIT_START' END",
    ),
    "@requestId": (
        "VARCHAR",
        "CASE WHEN message[1] IN ('S', 'E', 'R', '[', '1', '2') THEN nullif(regexp_extract(message, "
        f"'^(?:(?:START|END|REPORT) RequestId: |\\[[A-Z]+\\]\\t\\S+\\t|\\d\\S+Z[\\t ])({_UUID})', 1), '') END",
    ),
    "@duration": ("DOUBLE", _reported("Duration", "ms")),
    "@billedDuration": ("DOUBLE", _reported("Billed Duration", "ms")),
    "@initDuration": ("DOUBLE", _reported("Init Duration", "ms")),
    "@memorySize": ("DOUBLE", _reported("Memory Size", "MB", _MEGABYTE)),
    "@maxMemoryUsed": ("DOUBLE", _reported("Max Memory Used", "MB", _MEGABYTE)),
    "@xrayTraceId": ("VARCHAR", _traced("XRAY TraceId")),
    "@xraySegmentId": ("VARCHAR", _traced("SegmentId")),
}
"""What is read out of the lines that Lambda writes, by name: its type in DuckDB, and SQL. Memory is in bytes."""

COLUMNS = ("time", "account", "region", "log_group", "log_stream", "message", "ingested", "seq")


def system(prefix: str) -> Mapping[str, Expr]:
    """The fields of every event, over columns whose names begin with `prefix`."""
    moment, seq, group, account, region, stream, message, ingested = (
        f'"{prefix}{name}"'
        for name in ("time", "seq", "log_group", "account", "region", "log_stream", "message", "ingested")
    )
    return {
        "@timestamp": time(moment),
        "@ingestionTime": time(ingested),
        "@message": text(message),
        "@logStream": text(stream),
        "@log": text(f"({account} || ':' || {group})"),
        "@aws.account": text(account),
        "@aws.region": text(region),
        "@ptr": text(f"to_base64(encode(concat_ws(chr(10), {group}, {moment}, {seq})))"),
    }


KINDS = {"VARCHAR": Kind.TEXT, "DOUBLE": Kind.NUMBER}


def pointers(field: Field) -> tuple[str, ...]:
    """The JSON pointers where a field's value may stand: nested keys, and one key with dots in it."""
    parts = list(field.parts)
    if parts[0].startswith("@@"):
        parts[0] = parts[0][1:]
    elif parts[0].startswith("@"):
        return ()
    nested = "".join(f"/{escaped(part)}" for part in parts)
    return (nested,) if len(parts) == 1 else (nested, f"/{escaped('.'.join(parts))}")


def escaped(key: str) -> str:
    """A key within a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")
