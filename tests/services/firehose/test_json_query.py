"""The part of jq that partition keys are taken by. Expected values are those of jq 1.6."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.services.firehose.json_query import QueryError, compiled, keys_of

EVENT: dict[str, Any] = {
    "customer": {"id": 7, "na-me": "Ö"},
    "at": 1_700_000_000,
    "tags": ["a", "b"],
    "kind": "Click",
    "none": None,
    "no": False,
    "inner": '{"x": 1}',
    "float": 2.5,
}


@pytest.mark.parametrize(
    ("query", "made"),
    [
        ("{id: .customer.id}", {"id": 7}),
        ('{n: .customer["na-me"], m: .customer."na-me"}', {"n": "Ö", "m": "Ö"}),
        ("{kind, k: .kind|ascii_downcase}", {"kind": "Click", "k": "click"}),
        ("{t: .tags[0], l: .tags[-1], f: .tags[9]}", {"t": "a", "l": "b", "f": None}),
        ('{d: .at | strftime("%Y-%m-%d")}', {"d": "2023-11-14"}),
        ('{d: (.at|todate), e: ("2023-11-14T22:13:20Z"|fromdate)}', {"d": "2023-11-14T22:13:20Z", "e": 1_700_000_000}),
        ('{a: (.missing // "x"), b: (.no // 1), c: (.kind // 1)}', {"a": "x", "b": 1, "c": "Click"}),
        ('{a: ("v=" + (.customer.id|tostring)), b: (.at + 1)}', {"a": "v=7", "b": 1_700_000_001}),
        ("{a: .missing.deep, b: .kind.x?}", {"a": None, "b": None}),
        ("{a: (.inner|fromjson|.x), b: (.tags|length), c: (.float|floor)}", {"a": 1, "b": 2, "c": 2}),
        (
            '{a: ("12"|tonumber), b: (.kind|ltrimstr("Cl")), c: ("a-b"|split("-")|.[1])}',
            {"a": 12, "b": "ick", "c": "b"},
        ),
        (
            '{"quo ted": .kind, n: null, t: true, o: {x: .at}}',
            {"quo ted": "Click", "n": None, "t": True, "o": {"x": EVENT["at"]}},
        ),
        ("{n: (.no|not), z: -1}", {"n": True, "z": -1}),
    ],
)
def test_queries(query: str, made: dict[str, Any]) -> None:
    assert compiled(query)(EVENT) == made
    assert keys_of(query) == list(made)


@pytest.mark.parametrize(
    "query",
    [
        "",
        ".customer",
        "{",
        "{a: }",
        "{a: .x[]}",
        "{a: .x | unknown}",
        "{a: $x}",
        "{a: .x} extra",
        "{a: (.x}",
        "{a: .[}",
        "[.a]",
    ],
)
def test_what_cannot_be_read(query: str) -> None:
    with pytest.raises(QueryError):
        keys_of(query)
        compiled(query)


@pytest.mark.parametrize(
    "query", ["{a: .kind.x}", "{a: .kind[0]}", "{a: .tags.x}", "{a: (.kind + 1)}", "{a: (.kind|todate)}"]
)
def test_what_cannot_be_asked_of_a_value(query: str) -> None:
    with pytest.raises(QueryError):
        compiled(query)(EVENT)


def test_a_query_is_not_nested_without_end() -> None:
    with pytest.raises(QueryError):
        compiled("{a: " + "(" * 2000 + ".x" + ")" * 2000 + "}")
