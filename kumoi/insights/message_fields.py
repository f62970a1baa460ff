"""What is read out of a log event's message, as SQL over `message` and `log_group`: its JSON, and Lambda's own lines.

Apart from `discovered`, since the lake wants to know this as soon as a platform starts. Source: "Supported logs and
discovered fields" of the user guide.
"""

from __future__ import annotations

from collections.abc import Mapping

_UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_REPORT = "starts_with(message, 'REPORT RequestId: ')"
_MEGABYTE = 1_000_000

DOCUMENT = (
    "CASE WHEN message[1] = '{' THEN try_cast(message AS JSON) "
    "WHEN starts_with(log_group, '/aws/lambda/') AND contains(message, '{') "
    "THEN try_cast(substr(message, instr(message, '{')) AS JSON) END"
)
"""A log event's JSON: the whole message, or what follows a function's prefix."""
UNMASKED = (
    "CASE WHEN unmasked IS NULL THEN document "
    "WHEN contains(unmasked, '{') THEN try_cast(substr(unmasked, instr(unmasked, '{')) AS JSON) END"
)
"""The same of what the message was before data protection masked it."""


def _named(line: str) -> str:
    """The id in one of Lambda's own lines; to cut it out takes half of what it takes to look for it."""
    begin = f"{line} RequestId: "
    found = f"substr(message, {len(begin) + 1}, 36)"
    return f"WHEN starts_with(message, '{begin}') THEN CASE WHEN regexp_full_match({found}, '{_UUID}') THEN {found} END"


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
        f"CASE {_named('START')} {_named('END')} {_named('REPORT')} WHEN message[1] IN ('[', '1', '2') THEN nullif("
        f"regexp_extract(message, '^(?:\\[[A-Z]+\\]\\t\\S+\\t|\\d\\S+Z[\\t ])({_UUID})', 1), '') END",
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
