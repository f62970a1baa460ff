"""Commands that relate records to others: queries within queries, lookup tables, totals, relevance, anomalies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kumoi.insights.anomalies import anomalies
from kumoi.insights.answering import Inquiry, plan
from kumoi.insights.parsing import parse
from kumoi.insights.patterns import Found
from kumoi.insights.plan import LookupTable
from kumoi.insights.relevance import scores
from kumoi.insights.syntax import Malformed
from kumoi.services.logs.query_run import Span

OTHER = "/aws/lambda/database"
USERS = LookupTable(("id", "name", "note"), json.dumps([["1", "Ann", "a"], ["2", "Bo", ""], ["1", "Eve", "late"]]))
PAYMENTS = [("pay", 12, 1), ("pay", 900, 2), ("cart", 5, 1), ("pay", 800, 3), ("cart", 7, 2), ("ship", 3, 1)] * 4


@pytest.fixture(scope="module")
def events(make_events: Any) -> Any:
    made = make_events(
        [
            json.dumps({"service": service, "latency": took, "user": user, "request": f"r{number % 5}"})
            for number, (service, took, user) in enumerate(PAYMENTS)
        ]
    )
    made.put(['{"request":"r1","error":"Timeout"}', '{"request":"r3","error":"None"}'], group=OTHER)
    return made


@pytest.mark.parametrize(
    ("condition", "requests"),
    [
        (f"request in (SOURCE '{OTHER}' | filter error = 'Timeout' | fields request)", ["r1"]),
        (f"request not in (SOURCE '{OTHER}' | fields error, request)", ["r0", "r2", "r4"]),
        (f"request in (SOURCE '{OTHER}' | filter error = 'nosuch' | fields request)", []),
        ("request in (stats max(latency) as most by request | sort most desc | limit 1 | display request)", ["r1"]),
        (f"service = 'ship' and request in (SOURCE '{OTHER}' | display request)", ["r1", "r3"]),
        (f"nosuch in (SOURCE '{OTHER}' | fields request as nosuch)", []),
        ("nosuch not in (fields request as nosuch) and request = 'r4'", ["r4"]),
    ],
)
def test_queries_within_queries(events: Any, condition: str, requests: list[str]) -> None:
    found = events.ask(f"filter {condition} | stats count(*) by request | sort request")
    assert [row["request"] for row in found] == requests


def test_a_lookup_adds_columns_of_the_first_row_that_matches(events: Any) -> None:
    said = "lookup users id as user OUTPUT name, note | stats count(*) as n by user, name | sort user"
    assert events.ask(said, tables={"users": USERS}) == [
        {"user": "1", "name": "Ann", "n": "12"},
        {"user": "2", "name": "Bo", "n": "8"},
        {"user": "3", "n": "4"},
    ]
    kept = "filter user != 2 | lookup users id as user OUTPUT name as x"
    with pytest.raises(Malformed):
        events.ask(kept, tables={"users": USERS})
    over = "fields service as name | lookup users id as user, note as nosuch OUTPUT name | stats count(*) by name"
    assert {row["name"] for row in events.ask(over, tables={"users": USERS})} == {"pay", "cart", "ship"}
    filtered = "lookup users id as user OUTPUT name | filter name = 'Bo' | fields user, name | limit 1"
    assert events.ask(filtered, tables={"users": USERS}) == [{"name": "Bo", "user": "2"}]


def test_totals_of_records_and_of_columns(events: Any) -> None:
    by_service = "stats sum(latency) as took, count(*) as n by service | sort service"
    assert events.ask(f"{by_service} | addtotals col=true took, n") == [
        {"service": "cart", "took": "48", "n": "8", "Total": "56"},
        {"service": "pay", "took": "6848", "n": "12", "Total": "6860"},
        {"service": "ship", "took": "12", "n": "4", "Total": "16"},
        {"took": "6908", "n": "24", "Total": "6932"},
    ]
    assert events.ask(f"{by_service} | addtotals row=false col=true n | filter n > 20") == [{"n": "24"}]
    assert events.ask(f"{by_service} | addtotals fieldname=Both | display Both | limit 1") == [{"Both": "56"}]
    assert events.ask("filter service = 'nosuch' | fields latency | addtotals col=true") == []
    assert events.ask("fields service | limit 2 | addtotals col=true")[-1] == {}
    rows = events.answer("fields latency | limit 2 | addtotals col=true").rows
    assert ["@ptr" in {one["field"] for one in row} for row in rows] == [True, True, False]


def test_a_sum_so_far(events: Any) -> None:
    found = events.ask("sort @timestamp asc | fields latency | accum latency as sofar | limit 3")
    assert [row["sofar"] for row in found] == ["12", "912", "917"]
    assert [row["n"] for row in events.ask("stats count(*) as n by service | accum n")] == ["8", "20", "24"]


def test_fields_that_differ_where_a_condition_holds(events: Any) -> None:
    found = events.ask("relevantfields where latency > 400")
    assert found[0]["@fieldName"] == "service"
    assert found[0]["@relevanceScore"] == "0.75"
    assert json.loads(found[0]["@topRelevanceContributors"])[0] == {"value": "pay", "condition": 1.0, "baseline": 0.25}
    assert "latency" not in {row["@fieldName"] for row in found}
    chosen = events.ask("relevantfields user, request where latency > 400 | filter @fieldName = 'user'")
    assert chosen == [
        {"@fieldName": "user", "@relevanceScore": "0.75", "@conditionalMedian": "2.5", "@baselineMedian": "1"}
    ]
    assert events.ask("relevantfields where latency > 4000") == []


def test_presence_counts_as_relevance() -> None:
    rows = [(True, '{"a":"1","cause":"disk"}')] * 8 + [(False, '{"a":"1"}')] * 8
    found = {name: score for name, score, *_ in scores(rows, (), set())}
    assert found == {"cause": 1.0, "a": 0.0}


def test_values_that_come_once_each_say_nothing() -> None:
    rows = [(number % 2 == 0, f'{{"id":"id-{number}"}}') for number in range(40)]
    assert [(name, score) for name, score, *_ in scores(rows, (), set())] == [("id", 0.0)]


def pattern(now: float, before: float, parts: dict[int, float]) -> Found:
    return Found(("x",), now, before, parts)


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (pattern(5, 0, {0: 5}), "New pattern"),
        (pattern(300, 50, dict.fromkeys(range(30), 10.0)), "Pattern frequency"),
        (pattern(60, 50, dict.fromkeys(range(30), 2.0)), None),
        (pattern(25, 12, dict.fromkeys(range(30), 25 / 30)), None),
        (pattern(90, 90, {**dict.fromkeys(range(30), 1.0), 7: 61.0}), "Pattern frequency"),
        (pattern(9, 9, {4: 9}), None),
        (pattern(0, 50, {}), None),
    ],
)
def test_what_is_an_anomaly(found: Found, kind: str | None) -> None:
    usual = pattern(100, 100, dict.fromkeys(range(30), 100 / 30))
    told = anomalies([usual, found])
    assert told.get(1, (None,))[0] == kind
    assert 0 not in told


def test_patterns_that_are_new(make_events: Any) -> None:
    start = 1_700_000_000_000
    events = make_events([f"order {number} done" for number in range(40)])
    events.put([f"order {number} done" for number in range(40)], start=start + 40_000)
    events.put(["cannot reach the bank"] * 3, start=start + 50_000)
    found = events.ask("pattern @message | anomaly", span=Span(start + 40_000, start + 80_000))
    assert [(row["@pattern"], row["@anomalyType"]) for row in found] == [("cannot reach the bank", "New pattern")]
    assert found[0]["@anomalyDescription"] == "3 times, and not in the time before, which is as long."


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("filter a in (fields b, c)", "must return the field"),
        ("filter a in (filter b in (fields b) | fields a)", "cannot contain another"),
        ("filter a in (pattern @message)", "can contain no join, pattern"),
        ("lookup nosuch id OUTPUT name", "Lookup table nosuch does not exist"),
        ("lookup users nosuch OUTPUT name", "has no column nosuch: it has id, name, note"),
        ("lookup users id OUTPUT nosuch", "has no column nosuch"),
        ("fields a | anomaly", "behind pattern"),
        ("addtotals label=x", "unexpected symbol found label"),
        ("addtotals row=maybe", "maybe is neither true nor false"),
        ("stats count(*) | relevantfields where a = 1", "must stand before stats"),
        ("appendcols (fields a)", "does not implement the command appendcols"),
    ],
)
def test_what_is_refused(query: str, message: str) -> None:
    with pytest.raises(Malformed, match=message):
        plan(Inquiry(query, 0, None, {"users": USERS}))


def test_the_queries_within_a_query() -> None:
    said = "filter a in (SOURCE 'b' | fields a) | join where left.k=right.k (SOURCE 'c' | fields k)"
    assert [query.source and query.source.groups for query in parse(said).all()] == [None, ("b",), ("c",)]
