"""Neither what a query says nor what a log line says is ever read as SQL; garbage is refused in AWS's words."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.insights.compiler import compile_query
from kumoi.insights.parsing import parse
from kumoi.insights.syntax import Malformed
from kumoi.lake import QueryFailed

EVIL = [
    "'; DROP TABLE logs; --",
    "$p0 $1 ? {document} %s \\x00",
    "\"; SELECT * FROM read_csv('/etc/passwd'); --",
    "*/ UNION SELECT version() /*",
    "\x01Time\x01 <*>",
    '{"a\'b\\"c":1,"x~y/z":2,"":3,"level":"\\ud800","deep":' + "[" * 500 + "]" * 500 + "}",
    '{"n":1e999,"level":"INFO"}',
    '{"level":"INFO"} and more',
    "\u2028\u202e\ufeff雲",
]


@pytest.fixture(scope="module")
def events(make_events: Any) -> Any:
    return make_events(EVIL)


@pytest.mark.parametrize("text", EVIL)
def test_hostile_texts_are_texts(events: Any, text: str) -> None:
    quoted = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if "\0" in text:
        return
    assert events.ask(f"fields @message | filter @message = {quoted}") == [{"@message": text}]
    assert len(events.ask(f"filter @message like {quoted}")) == 1
    assert events.ask(f"fields concat({quoted}) as x | limit 1") == [{"x": text}]
    name = text.replace("`", "").replace("\0", "")
    assert events.ask(f"fields 1 as `{name}` | limit 1 | display `{name}`")[0] in ({name: "1"}, {})
    assert events.ask(f"filter ispresent(`{name}`) | stats count(*) as `{name}`") == []


def test_keys_with_any_characters(make_events: Any) -> None:
    events = make_events(['{"a\'b\\"c":1,"x~y/z":2,"a b":{"c-d":3},"@x":4}'])
    found = events.ask("fields `a'b\"c`, `x~y/z`, `a b`.c-d, @@x")
    assert found == [{"a'b\"c": "1", "x~y/z": "2", "a b.c-d": "3", "@@x": "4"}]


@pytest.mark.parametrize(
    "query",
    [
        "pattern @message",
        "fields jsonParse(@message) as j | unnest j.deep into x | display x",
        "stats count(*) by level",
        "pattern @message | anomaly | sort @timestamp desc",
        "relevantfields where n > 0",
        "relevantfields level, deep, nosuch where @message like 'a'",
        "filter level in (fields level) or @message not in (fields @message)",
        "fields n, level, deep | addtotals col=true | accum Total",
        "accum @message as x | addtotals fieldname=`a'b` row=false col=true x, n",
        "parse @message '*' as a | display a",
        "parse @message /(?<a>.)/ | display a",
        "fields toMillis(@message), base64decode(@message), urldecode(@message), ipv4ToNumber(@message)",
        "fields datefloor(@message, 5y), fromMillis(n), fromMillis(1e300), bin(99999d), n ^ n, n % 0",
        "fields substr(@message, n)",
        "sort n desc, level | dedup level",
        "stats count(*) | unnest nosuch into x",
        "sort 'a', isValidIp('x'), 5 | limit 1",
    ],
)
def test_hostile_lines_are_harmless(events: Any, query: str) -> None:
    events.ask(query)


@pytest.mark.parametrize(
    ("query", "message", "place"),
    [
        ("filtr x", "unexpected symbol found filtr at line 1 and position 1", (0, 5)),
        ("fields @message\n| sort ) x", "unexpected symbol found ) at line 2 and position 8", (23, 24)),
        ("fields @message | limit", "unexpected symbol found <EOF> at line 1 and position 24", (23, 23)),
        ("filter a = 'x", "unexpected symbol found ' at line 1 and position 12", (11, 12)),
        ("stats", "unexpected symbol found <EOF> at line 1 and position 6", (5, 5)),
        ("fields nosuch(1)", "unknown function nosuch", (7, 16)),
        ("fields abs()", "Invalid arguments for function abs", (7, 12)),
        ("stats avg(max(x))", "Aggregate function max cannot be used here", (10, 16)),
        ("filter count(*) > 1", "Aggregate function count cannot be used here", (7, 15)),
        ("filter x like /(a/", None, None),
        ("filter x like /(?=a)/", None, None),
        ("filter x like /a{2000}/", None, None),
        ("parse @message 'a*b*' as x", None, None),
        ("parse @message /a(b)/", None, None),
        ("limit 0", None, None),
        ("limit 99999999999", None, None),
        ("diff", "Diff compilation Failed : Diff operation has to be used after Pattern", None),
        ("stats count(*) | pattern @message", None, None),
        ("stats count(*) | stats count(*) | stats count(*)", None, None),
        ("stats x by y", None, None),
        ("stats count(*) by bin(5)", None, None),
        ("fields isIpInSubnet(x, 'nonsense')", None, None),
        ("fields 1e999", None, None),
        ("anomaly", None, None),
        ("(" * 500, None, None),
        ("fields " + "not " * 3000 + "x", None, None),
        ("fields " + "-" * 3000 + "1", None, None),
        ("filter " + "NOT " * 3000 + "x", "Query is nested too deeply", None),
        ("filter " + "-" * 3000 + "1", "Query is nested too deeply", None),
        ("filter x = " + "(" * 100 + "1" + ")" * 100, "Query is nested too deeply", None),
        ("filter 1" + "+1" * 4000, "Query is nested too deeply", None),
        ("fields " + "concat(abs(" * 20 + "a" + "),1)" * 20, "Query is nested too deeply", None),
        ("fields " + "sqrt(" * 50 + "a" + ")" * 50, "Query is nested too deeply", None),
        ("fields " + ",".join(f"isReservedIp(a{n})" for n in range(400)), "Query is too long", None),
        ("SOURCE logGroups(nonsense: ['a'])", None, None),
        ("SOURCE 'a' START=5parsecs", None, None),
        ("join where a=b (SOURCE 'x')", None, None),
    ],
)
def test_what_is_no_query(query: str, message: str | None, place: tuple[int, int] | None) -> None:
    with pytest.raises(Malformed) as refused:
        compile_query(parse(query), now=0)
    if message is not None:
        assert refused.value.message == message
    if place is not None:
        assert (refused.value.start, refused.value.end) == place


TOKENS = st.sampled_from(
    [
        "fields",
        "filter",
        "stats",
        "sort",
        "limit",
        "parse",
        "dedup",
        "display",
        "pattern",
        "diff",
        "unnest",
        "|",
        "|",
        "|",
        ",",
        "(",
        ")",
        "[",
        "]",
        "=",
        "!=",
        "<",
        "like",
        "in",
        "not",
        "and",
        "or",
        "as",
        "by",
        "@message",
        "@timestamp",
        "level",
        "latency",
        "count(*)",
        "avg(latency)",
        "bin(5m)",
        "'x'",
        '"*"',
        "/a(?<b>.)/",
        "5",
        "1.5",
        "x",
        "`a",
        "b`",
        "jsonParse(@message)",
        "*",
        "+",
        "-",
        "/",
        "%",
        "^",
        "asc",
        "desc",
        "into",
        "if",
        "case",
        "ispresent(level)",
        "#",
        "\n",
    ]
)


@settings(max_examples=100)
@given(st.lists(TOKENS, max_size=14).map(" ".join))
def test_garbage_is_a_query_or_malformed(events: Any, query: str) -> None:
    try:
        events.answer(query)
    except Malformed:
        return
    except QueryFailed as error:
        assert "Parser Error" not in str(error) and "Binder Error" not in str(error), query
        raise


@pytest.mark.parametrize(
    "deepest",
    [
        "filter " + "NOT " * 95 + "x",
        "filter x = " + "-" * 95 + "1",
        "filter x = 1" + "+1" * 95,
        "filter x = " + "(" * 95 + "1" + ")" * 95,
        "fields " + "coalesce(not 1+" * 30 + "x" + ")" * 30,
        "filter x = '" + "(" * 500 + "'",
    ],
)
def test_what_is_deep_but_allowed_compiles_with_half_of_the_calls_that_python_has(deepest: str) -> None:
    allowed = sys.getrecursionlimit()
    frame, used = sys._getframe(), 0
    while frame := frame.f_back:
        used += 1
    sys.setrecursionlimit(used + allowed // 2)
    try:
        compile_query(parse(deepest), now=0)
    finally:
        sys.setrecursionlimit(allowed)
