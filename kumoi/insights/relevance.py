"""`relevantfields`: which fields differ most between the events that meet a condition and the others.

A field of numbers is scored by how far the two distributions lie apart (Kolmogorov and Smirnov's statistic), another by
how much of the one distribution of values is not in the other (total variation); where a field is there more often on
one side, the score is at least that difference. All are between 0 and 1. Some 10,000 events of each side are looked at.
Fields that the condition names are left out where none are named. Source: "relevantfields" of the user guide.
"""

# ruff: noqa: S608  (names in the SQL are made here)

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from kumoi.insights.documents import flat
from kumoi.insights.message_fields import LAMBDA
from kumoi.insights.plan import Derived, Plan, Shown
from kumoi.insights.syntax import Command, Field, Malformed, RelevantFields, parts_of
from kumoi.insights.values import Kind, as_text, as_truth
from kumoi.insights.worked_out import chain_of

if TYPE_CHECKING:
    from kumoi.insights.compiler import Chain

SAMPLE = 10_000
_MOST_FIELDS = 500
_MOST_VALUES = 5
_LONGEST = 20_000
_DOCUMENT = Derived("document", "VARCHAR", f"CASE WHEN strlen(message) <= {_LONGEST} THEN document::VARCHAR END")
"""An event's JSON, where it is not so long that those of a sample would fill the memory."""
_RARE = 5
_COLUMNS = {
    "@fieldName": Kind.TEXT,
    "@relevanceScore": Kind.NUMBER,
    "@topRelevanceContributors": Kind.TEXT,
    "@conditionalMedian": Kind.NUMBER,
    "@baselineMedian": Kind.NUMBER,
}


class Values(NamedTuple):
    """A field's values in events that meet the condition, and in the others."""

    met: list[str]
    others: list[str]


def plan(chain: Chain, command: RelevantFields, rest: Sequence[Command], limit: int | None) -> Plan:
    """The plan of a query with `relevantfields`: events of both sides, then what follows over the fields' scores."""
    if not chain.plain or chain.frame.events is None or chain.limit is not None:
        raise Malformed("relevantfields must stand before stats, dedup, unnest, join and limit")
    condition = as_truth(chain.frame.expression(command.condition))
    document, left = None, set[str]()
    if command.fields:
        wanted = {one.name: as_text(chain.frame.field(one)) for one in command.fields}
    else:
        left = {one.name for one in parts_of(command.condition) if isinstance(one, Field)}
        own = [*LAMBDA, *chain.frame.columns]
        wanted = {
            name: as_text(chain.frame.field(Field(name, (name,)))) for name in dict.fromkeys(own) if name not in left
        }
        document = chain.frame.derive(_DOCUMENT)
    share = "greatest(1, (SELECT count(*) FROM m WHERE {0}) // " + str(SAMPLE) + ")"
    every = f"CASE WHEN met THEN {share.format('met')} ELSE {share.format('NOT met')} END"
    relations = chain.relations("c")
    relations.append(f'm AS MATERIALIZED (SELECT "time", seq, {condition} AS met FROM {chain.last("c")})')
    relations.append(f"top AS MATERIALIZED (SELECT * FROM m WHERE (hash(seq) >> 1)::BIGINT % ({every}) = 0)")
    joined = f'{chain.view} AS v JOIN top AS t ON v.seq = t.seq AND v."time" = t."time"'
    relations.append(f"meant AS (SELECT v.*, t.met AS met__ FROM {joined})")
    relations += chain.relations("d", "meant", filters=False)
    selected = ["met__", document or "NULL", *wanted.values(), "(SELECT count(*) FROM m)"]
    body = f"SELECT {', '.join(selected)} FROM {chain.last('d', 'meant', filters=False)}"
    chain.pointers = False
    first = chain.made(relations, body, [Shown(str(at), Kind.TEXT) for at in range(len(selected) - 1)], counted=True)

    def then(rows: Sequence[tuple[Any, ...]]) -> Plan:
        following = chain_of(chain, _COLUMNS, scores(rows, tuple(wanted), left))
        for one in rest:
            following.add(one)
        return following.plan(limit)

    then([])
    first.then = then
    return first


def scores(rows: Sequence[tuple[Any, ...]], names: Sequence[str], left: set[str]) -> list[tuple[Any, ...]]:
    """A row for each field of `(met, document, value of each name, …)`, the most relevant first."""
    sides = (sum(not row[0] for row in rows), sum(bool(row[0]) for row in rows))
    if not all(sides):
        return []
    found: dict[str, Values] = defaultdict(lambda: Values([], []))
    for met, document, *values in rows:
        for name, value in (*zip(names, values, strict=False), *_keys(document, left)):
            if value is not None:
                (found[name].met if met else found[name].others).append(value)
    scored = [_scored(name, values, sides[1], sides[0]) for name, values in found.items()]
    scored.sort(key=lambda row: (-row[1], row[0]))
    return scored[:_MOST_FIELDS]


def _keys(document: str | None, left: set[str]) -> Iterator[tuple[str, str]]:
    yield from ((name, value) for name, value in flat(document).items() if name not in left)


def _scored(name: str, values: Values, met: int, others: int) -> tuple[Any, ...]:
    presence = abs(len(values.met) / met - len(values.others) / others)
    numbers = [_numbers(side) for side in values]
    if all(one is not None for one in numbers):
        a, b = (one or [] for one in numbers)
        apart = _apart(a, b) if a and b else 1.0
        medians = [float(median(one)) if one else None for one in (a, b)]
        return name, max(apart, presence), None, *medians
    score, told = _shifts(Counter(values.met), Counter(values.others), met, others)
    return name, max(score, presence), told, None, None


def _numbers(values: Sequence[str]) -> list[float] | None:
    """Texts as numbers, in order; None where one is none."""
    try:
        found = sorted(map(float, values))
    except ValueError:
        return None
    return found if all(abs(one) < float("inf") for one in found) else None


def _apart(a: Sequence[float], b: Sequence[float]) -> float:
    """The greatest difference between the shares of two samples that lie below a number."""
    return max(
        abs(bisect_right(a, value) / len(a) - bisect_right(b, value) / len(b)) for side in (a, b) for value in set(side)
    )


def _shifts(a: Mapping[str, int], b: Mapping[str, int], met: int, others: int) -> tuple[float, str]:
    """How much two distributions differ, and the values whose shares do most. Rare values count together."""
    common = [value for value in {*a, *b} if a.get(value, 0) + b.get(value, 0) >= _RARE]
    shares = {value: (a.get(value, 0) / met, b.get(value, 0) / others) for value in common}
    rest = [1 - sum(share[side] for share in shares.values()) for side in (0, 1)]
    score = (sum(abs(p - q) for p, q in shares.values()) + abs(rest[0] - rest[1])) / 2
    most = sorted(shares.items(), key=lambda one: (-abs(one[1][0] - one[1][1]), one[0]))[:_MOST_VALUES]
    told = [{"value": value[:200], "condition": round(p, 4), "baseline": round(q, 4)} for value, (p, q) in most]
    return min(score, 1.0), orjson.dumps(told).decode()
