"""`pattern`, `diff`, `anomaly`: what texts have in common, and how often each pattern occurs now and before.

SQL replaces what changes from event to event (times, ids, addresses, numbers) in some 20,000 events, evenly chosen,
and counts what is left; here those texts are put together whose words differ in few places. Counts are of all events:
where not all were looked at, they are scaled. Source: "pattern" and "diff" of the user guide; the clustering follows
"Drain: An Online Log Parsing Approach with Fixed Depth Tree" (He et al., 2017).
"""

# ruff: noqa: S608  (names in the SQL are made here)

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from kumoi.insights.anomalies import PARTS, anomalies
from kumoi.insights.plan import Plan, Shown
from kumoi.insights.syntax import DIFF_PERIODS, Anomaly, Command, Diff, Malformed, Pattern
from kumoi.insights.values import Kind, as_text
from kumoi.insights.worked_out import chain_of

if TYPE_CHECKING:
    from kumoi.insights.compiler import Chain

SAMPLE = 20_000
MOST_PATTERNS = 1_000
OWN_LENGTH = -1
"""Stands for a shift by the length of the query's own time."""

_MOST_TEXTS = 5_000
_DAY = 86_400_000
_ALIKE = 0.6
_MARK = "\x01"
_MASKS = (
    ("Time", r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?"),
    ("UUID", r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"),
    ("IPAddress", r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b"),
    ("ID", r"\b(?:0x[0-9a-fA-F]+|[0-9a-fA-F]{16,}|1-[0-9a-f]{8}-[0-9a-f]{24})\b"),
    ("Number", r"\d+(?:\.\d+)?"),
)
_MARKED = re.compile(f"{_MARK}([A-Za-z]+){_MARK}")
_SEVERITY = re.compile(
    r"(?i)\b(?:(fatal|critical|error|exception|fail(?:ed|ure)?|\w+(?:Error|Exception))|(warn(?:ing)?)|(info)|(debug|trace))\b"
)
_LABELS = ("ERROR", "WARN", "INFO", "DEBUG")
_PART = (
    f'(("time" - (SELECT min("time") FROM m)) * {PARTS} // (SELECT greatest(max("time") - min("time"), 0) + 1 FROM m))'
)
"""In which part of the time an event lies."""

_PATTERN = {
    "@pattern": Kind.TEXT,
    "@ratio": Kind.NUMBER,
    "@sampleCount": Kind.NUMBER,
    "@severityLabel": Kind.TEXT,
    "@tokens": Kind.JSON,
}


class Extra(Enum):
    """What is asked of patterns beside themselves."""

    NOTHING = "nothing"
    DIFFERENCE = "diff"
    ANOMALIES = "anomaly"


class Found(NamedTuple):
    """A pattern: its text, how many events have it now and had it before, and how many now by part of the time."""

    words: tuple[str, ...]
    now: float
    before: float
    parts: Mapping[int, float]


def plan(chain: Chain, command: Pattern, rest: Sequence[Command], limit: int | None) -> Plan:
    """The plan of a query with `pattern`: the events' texts, then what follows over the patterns found in them."""
    if not chain.plain or chain.frame.events is None or chain.limit is not None:
        raise Malformed("pattern must stand before stats, dedup, unnest, join and limit")
    source = as_text(chain.frame.expression(command.source))
    extra, shift = _extra(rest[0] if rest else None)
    views = {"": chain.view}
    if extra is not Extra.NOTHING:
        chain.views["before"] = replace(chain.frame.events, shift=shift)
        views["b"] = "before"
    masked = source
    for kind, pattern in _MASKS:
        sign = chain.shared.parameter(f"{_MARK}{kind}{_MARK}")
        masked = f"regexp_replace({masked}, {chain.shared.parameter(pattern)}, {sign}, 'g')"
    relations: list[str] = []
    parts = []
    for mark, view in views.items():
        relations += chain.relations(f"c{mark}", view)
        last = chain.last(f"c{mark}", view)
        relations.append(f'm{mark} AS MATERIALIZED (SELECT "time", seq FROM {last})')
        every = f"greatest(1, (SELECT count(*) FROM m{mark}) // {SAMPLE})"
        sampled = f'SELECT "time", seq FROM m{mark} WHERE (hash(seq) >> 1)::BIGINT % {every} = 0'
        relations.append(f"top{mark} AS MATERIALIZED ({sampled})")
        relations.append(
            f'meant{mark} AS (SELECT v.* FROM {view} AS v JOIN top{mark} AS t ON v.seq = t.seq AND v."time" = t."time")'
        )
        relations += chain.relations(f"d{mark}", f"meant{mark}", filters=False)
        last = chain.last(f"d{mark}", f"meant{mark}", filters=False)
        scale = f"(SELECT count(*) FROM m{mark})::DOUBLE / greatest(1, (SELECT count(*) FROM top{mark}))"
        parts.append(
            f"SELECT '{mark}' AS mark, masked, count(*) * {scale} AS n, histogram(part) AS parts "
            f"FROM (SELECT {masked} AS masked, {_PART} AS part FROM {last}) GROUP BY masked"
        )
    body = (
        f"SELECT *, (SELECT count(*) FROM m) FROM ({' UNION ALL '.join(parts)}) ORDER BY n DESC, masked "
        f"LIMIT {_MOST_TEXTS}"
    )
    shown = [Shown(name, Kind.TEXT) for name in ("mark", "masked", "n", "parts")]
    chain.pointers = False
    first = chain.made(relations, body, shown, counted=True)

    def then(rows: Sequence[tuple[Any, ...]]) -> Plan:
        return _over_patterns(chain, rows, rest if extra is Extra.NOTHING else rest[1:], limit, extra)

    then([])
    first.then = then
    return first


def _extra(command: Command | None) -> tuple[Extra, int]:
    """What follows `pattern` at once, and how much earlier than the query's time is the one it is compared with."""
    if isinstance(command, Diff):
        return Extra.DIFFERENCE, OWN_LENGTH if command.period is None else DIFF_PERIODS[command.period] * _DAY
    return (Extra.ANOMALIES if isinstance(command, Anomaly) else Extra.NOTHING), OWN_LENGTH


def _over_patterns(
    chain: Chain, rows: Sequence[tuple[Any, ...]], rest: Sequence[Command], limit: int | None, extra: Extra
) -> Plan:
    found = cluster(rows)
    total = sum(one.now for one in found) or 1.0
    described = [_described(one, total) for one in found]
    if extra is Extra.ANOMALIES:
        unusual = anomalies(found)
        columns = {**_PATTERN, "@anomalyType": Kind.TEXT, "@anomalyDescription": Kind.TEXT}
        values = [(*described[number], *said) for number, said in unusual.items()]
    else:
        columns = {**_PATTERN, "@previousSampleCount": Kind.NUMBER, "@sampleCountDifference": Kind.NUMBER}
        values = [
            (*row, float(round(one.before)), float(round(one.now) - round(one.before)))
            for row, one in zip(described, found, strict=True)
        ]
    weighed = -1 if extra is Extra.DIFFERENCE else 2
    values.sort(key=lambda row: (-abs(row[weighed]), row[0]))
    following = chain_of(chain, columns, values)
    shown = {
        Extra.NOTHING: ["@pattern", "@ratio", "@sampleCount", "@severityLabel"],
        Extra.DIFFERENCE: [
            "@pattern",
            "@sampleCount",
            "@previousSampleCount",
            "@sampleCountDifference",
            "@severityLabel",
        ],
        Extra.ANOMALIES: ["@pattern", "@ratio", "@sampleCount", "@severityLabel", *list(columns)[-2:]],
    }[extra]
    following.shown = [(name, following.frame.columns[name]) for name in shown]
    for command in rest:
        following.add(command)
    return following.plan(limit)


def cluster(rows: Sequence[tuple[Any, ...]]) -> list[Found]:
    """The patterns of masked texts, `(mark, text, count, events by part, …)` with the most frequent first."""
    groups: dict[tuple[int, str], list[list[Any]]] = {}
    for mark, masked, count, parts, *_ in rows:
        if masked is None:
            continue
        words = masked.split(" ")
        key = (len(words), words[0] if not _MARKED.search(words[0]) else "")
        for known in groups.setdefault(key, []):
            if _alike(known[0], words):
                known[0] = [a if a == b else f"{_MARK}Token{_MARK}" for a, b in zip(known[0], words, strict=True)]
                break
        else:
            known = [words, 0.0, 0.0, Counter()]
            groups[key].append(known)
        known[1 if mark == "" else 2] += count
        if mark == "":
            scale = count / (sum(parts.values()) or 1)
            known[3].update({part: events * scale for part, events in parts.items()})
    found = [Found(tuple(words), *counts) for known in groups.values() for words, *counts in known]
    found.sort(key=lambda one: (-max(one.now, one.before), one.words))
    return found[:MOST_PATTERNS]


def _alike(known: Sequence[str], words: Sequence[str]) -> bool:
    same = sum(a == b for a, b in zip(known, words, strict=True))
    return same == len(words) or (len(words) > 2 and same / len(words) >= _ALIKE)


def _described(one: Found, total: float) -> tuple[Any, ...]:
    kinds: list[str] = []

    def numbered(match: re.Match[str]) -> str:
        kinds.append(match[1])
        return f"<{match[1]}-{len(kinds)}>"

    plain = " ".join(one.words)
    label = _SEVERITY.search(_MARKED.sub(" ", plain))
    severity = (
        "NONE" if label is None else next(name for name, group in zip(_LABELS, label.groups(), strict=True) if group)
    )
    pattern = _MARKED.sub(numbered, plain)
    return pattern, one.now / total, float(round(one.now)), severity, orjson.dumps(kinds).decode()
