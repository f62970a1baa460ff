"""`pattern` and `diff`: what texts have in common, and how often each pattern occurs now and before.

SQL replaces what changes from event to event (times, ids, addresses, numbers) in some 20,000 events, evenly chosen,
and counts what is left; here those texts are put together whose words differ in few places. Counts are of all events:
where not all were looked at, they are scaled. Source: "pattern" and "diff" of the user guide; the clustering follows
"Drain: An Online Log Parsing Approach with Fixed Depth Tree" (He et al., 2017).
"""

# ruff: noqa: S608  (names in the SQL are made here)

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from kumoi.insights.plan import Plan, Shown
from kumoi.insights.syntax import DIFF_PERIODS, Command, Diff, Malformed, Pattern
from kumoi.insights.values import Expr, Kind, as_text, number, text

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
_ROW = (
    '[{"pattern":"VARCHAR","ratio":"DOUBLE","count":"DOUBLE","severity":"VARCHAR","tokens":"VARCHAR",'
    '"before":"DOUBLE"}]'
)


class Found(NamedTuple):
    """A pattern: its text, how many events have it now and had it before."""

    words: tuple[str, ...]
    now: float
    before: float


def plan(chain: Chain, command: Pattern, rest: Sequence[Command], limit: int | None) -> Plan:
    """The plan of a query with `pattern`: the events' texts, then what follows over the patterns found in them."""
    if not chain.plain or chain.frame.events is None or chain.limit is not None:
        raise Malformed("pattern must stand before stats, dedup, unnest, join and limit")
    source = as_text(chain.frame.expression(command.source))
    diff = rest[0] if rest and isinstance(rest[0], Diff) else None
    views = {"": chain.view}
    if diff is not None:
        shift = OWN_LENGTH if diff.period is None else DIFF_PERIODS[diff.period] * _DAY
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
            f"SELECT '{mark}' AS mark, masked, count(*) * {scale} AS n FROM (SELECT {masked} AS masked FROM {last}) "
            "GROUP BY masked"
        )
    body = (
        f"SELECT *, (SELECT count(*) FROM m) FROM ({' UNION ALL '.join(parts)}) ORDER BY n DESC, masked "
        f"LIMIT {_MOST_TEXTS}"
    )
    shown = [Shown("mark", Kind.TEXT), Shown("masked", Kind.TEXT), Shown("n", Kind.NUMBER)]
    chain.pointers = False
    first = chain.made(relations, body, shown, counted=True)

    def then(rows: Sequence[tuple[Any, ...]]) -> Plan:
        return _over_patterns(chain, rows, rest[1:] if diff else rest, limit, diff is not None)

    then([])
    first.then = then
    return first


def _over_patterns(
    chain: Chain, rows: Sequence[tuple[Any, ...]], rest: Sequence[Command], limit: int | None, compared: bool
) -> Plan:
    from kumoi.insights.compiler import Chain
    from kumoi.insights.frame import Frame, Shared

    shared = Shared(chain.shared.now)
    following = Chain(shared, Frame(shared), "patterns", {})
    found = shared.parameter(_encoded(cluster(rows)))
    following.before = [f"patterns AS (SELECT r.* FROM (SELECT unnest(from_json({found}::JSON, '{_ROW}')) AS r))"]
    columns = {
        "@pattern": text("pattern"),
        "@ratio": number("ratio"),
        "@sampleCount": number("count"),
        "@severityLabel": text("severity"),
        "@tokens": Expr("tokens::JSON", Kind.JSON),
    }
    shown = ["@pattern", "@ratio", "@sampleCount", "@severityLabel"]
    if compared:
        columns["@previousSampleCount"] = number("before")
        columns["@sampleCountDifference"] = number("(count - before)")
        shown = ["@pattern", "@sampleCount", "@previousSampleCount", "@sampleCountDifference", "@severityLabel"]
    following.frame.columns = columns
    following.shown = [(name, columns[name]) for name in shown]
    following.chosen, following.plain = True, False
    following.sort_by("abs(count - before)" if compared else "count", "pattern")
    for command in rest:
        following.add(command)
    return following.plan(limit)


def cluster(rows: Sequence[tuple[Any, ...]]) -> list[Found]:
    """The patterns of masked texts, `(mark, text, count, …)` with the most frequent first."""
    groups: dict[tuple[int, str], list[list[Any]]] = {}
    for mark, masked, count, *_ in rows:
        if masked is None:
            continue
        words = masked.split(" ")
        key = (len(words), words[0] if not _MARKED.search(words[0]) else "")
        for known in groups.setdefault(key, []):
            if _alike(known[0], words):
                known[0] = [a if a == b else f"{_MARK}Token{_MARK}" for a, b in zip(known[0], words, strict=True)]
                known[1 if mark == "" else 2] += count
                break
        else:
            groups[key].append([words, *((count, 0.0) if mark == "" else (0.0, count))])
    found = [Found(tuple(words), now, before) for known in groups.values() for words, now, before in known]
    found.sort(key=lambda one: (-max(one.now, one.before), one.words))
    return found[:MOST_PATTERNS]


def _alike(known: Sequence[str], words: Sequence[str]) -> bool:
    same = sum(a == b for a, b in zip(known, words, strict=True))
    return same == len(words) or (len(words) > 2 and same / len(words) >= _ALIKE)


def _encoded(found: Sequence[Found]) -> str:
    import orjson

    total = sum(one.now for one in found) or 1.0
    return orjson.dumps([_described(one, total) for one in found]).decode()


def _described(one: Found, total: float) -> Mapping[str, Any]:
    kinds: list[str] = []

    def numbered(match: re.Match[str]) -> str:
        kinds.append(match[1])
        return f"<{match[1]}-{len(kinds)}>"

    plain = " ".join(one.words)
    label = _SEVERITY.search(_MARKED.sub(" ", plain))
    severity = (
        "NONE" if label is None else next(name for name, group in zip(_LABELS, label.groups(), strict=True) if group)
    )
    return {
        "pattern": _MARKED.sub(numbered, plain),
        "ratio": one.now / total,
        "count": float(round(one.now)),
        "severity": severity,
        "tokens": "[" + ",".join(f'"{kind}"' for kind in kinds) + "]",
        "before": float(round(one.before)),
    }
