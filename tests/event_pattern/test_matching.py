"""Which events a pattern lets pass, as tables: one row is a pattern, an event, and whether it passes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kumoi.event_pattern import compile_pattern

Case = tuple[Any, Any, bool]

EXACT: list[Case] = [
    ({"a": ["x"]}, {"a": "x"}, True),
    ({"a": ["x"]}, {"a": "X"}, False),
    ({"a": ["x"]}, {"A": "x"}, False),
    ({"a": ["x", "y"]}, {"a": "y"}, True),
    ({"a": [""]}, {"a": ""}, True),
    ({"a": [""]}, {}, False),
    ({"a": ["1"]}, {"a": 1}, False),
    ({"a": [1]}, {"a": "1"}, False),
    ({"a": [300]}, {"a": 300.0}, True),
    ({"a": [3.018e2]}, {"a": 301.8}, True),
    ({"a": [0]}, {"a": False}, False),
    ({"a": [1]}, {"a": True}, False),
    ({"a": [True]}, {"a": True}, True),
    ({"a": [True]}, {"a": 1}, False),
    ({"a": [True]}, {"a": "true"}, False),
    ({"a": [False]}, {"a": None}, False),
    ({"a": [None]}, {"a": None}, True),
    ({"a": [None]}, {}, False),
    ({"a": [None]}, {"a": []}, False),
    ({"a": [None]}, {"a": ""}, False),
    ({"a": ["x"], "b": ["y"]}, {"a": "x", "b": "y"}, True),
    ({"a": ["x"], "b": ["y"]}, {"a": "x", "b": "z"}, False),
    ({"a": {"b": ["x"]}}, {"a": {"b": "x", "c": 1}}, True),
    ({"a": {"b": ["x"]}}, {"a": "x"}, False),
    ({"a": ["x"]}, {"a": {"x": 1}}, False),
]

ARRAYS: list[Case] = [
    ({"a": ["x"]}, {"a": ["w", "x"]}, True),
    ({"a": ["x", "w"]}, {"a": ["x"]}, True),
    ({"a": ["x"]}, {"a": []}, False),
    ({"a": ["x"]}, {"a": [["w"], [["x"]]]}, True),
    ({"a": {"b": ["x"]}}, {"a": [{"b": "w"}, {"b": "x"}]}, True),
    ({"a": {"b": ["x"]}}, {"a": [[{"b": "w"}], [{"b": "x"}]]}, True),
    ({"a": {"b": ["x"], "c": ["y"]}}, {"a": [{"b": "x", "c": "y"}]}, True),
    ({"a": {"b": ["x"], "c": ["y"]}}, {"a": [{"b": "x", "c": "n"}, {"b": "n", "c": "y"}]}, False),
    ({"a": {"b": {"c": ["x"]}, "d": ["y"]}}, {"a": [{"b": [{"c": "w"}, {"c": "x"}], "d": "y"}]}, True),
    ({"a": {"b": {"c": ["x"], "d": ["y"]}}}, {"a": [{"b": [{"c": "x"}]}, {"b": [{"d": "y"}]}]}, False),
]

DOTS: list[Case] = [
    ({"a": {"b": ["x"]}}, {"a.b": "x"}, True),
    ({"a.b": ["x"]}, {"a": {"b": "x"}}, True),
    ({"a.b": ["x"]}, {"a.b": "x"}, True),
    ({"a": {"b": ["x"]}}, {"a.b": {"c": "x"}}, False),
    ({"a.b": {"c": ["x"]}}, {"a": {"b": "x"}}, False),
    ({"a.b": {"c": ["x"]}}, {"a": {"b": {"c": "x"}}}, True),
    ({"a.b.c": ["x"]}, {"a.b": {"c": "x"}}, True),
    ({"a": [1], "a.b": [2]}, {"a": 1, "a.b": 2}, True),
    ({"a": [1]}, {"a": 1, "a.b": 2}, True),
    ({"a": {"b": [1]}, "a.c": [2]}, {"a": [{"b": 1}, {"c": 2}]}, False),
    ({"a": {"b": [1], "c": [2]}}, {"a": {"b": 1}, "a.c": 2}, True),
]

EXISTS: list[Case] = [
    ({"a": [{"exists": True}]}, {"a": 1}, True),
    ({"a": [{"exists": True}]}, {"a": None}, True),
    ({"a": [{"exists": True}]}, {"a": ""}, True),
    ({"a": [{"exists": True}]}, {}, False),
    ({"a": [{"exists": True}]}, {"a": {}}, False),
    ({"a": [{"exists": True}]}, {"a": {"b": 1}}, False),
    ({"a": [{"exists": True}]}, {"a": []}, False),
    ({"a": [{"exists": False}]}, {"b": 1}, True),
    ({"a": [{"exists": False}]}, {"a": None}, False),
    ({"a": [{"exists": False}]}, {"a": []}, True),
    ({"a": {"b": [{"exists": False}]}}, {}, True),
    ({"a": {"b": [{"exists": False}]}}, {"a": {"c": 1}}, True),
    ({"a": {"b": [{"exists": False}]}}, {"a": [[]]}, True),
    ({"a": [{"exists": False}, "x"]}, {"a": "x"}, True),
    ({"a": [{"exists": False}, "x"]}, {"a": "y"}, False),
]

TEXT: list[Case] = [
    ({"a": [{"prefix": "ab"}]}, {"a": "abc"}, True),
    ({"a": [{"prefix": "ab"}]}, {"a": "Abc"}, False),
    ({"a": [{"prefix": ""}]}, {"a": "any"}, True),
    ({"a": [{"prefix": "1"}]}, {"a": 12}, False),
    ({"a": [{"prefix": {"equals-ignore-case": "AB"}}]}, {"a": "aBc"}, True),
    ({"a": [{"prefix": {"equals-ignore-case": "AB"}}]}, {"a": "ba"}, False),
    ({"a": [{"suffix": "bc"}]}, {"a": "abc"}, True),
    ({"a": [{"suffix": "bc"}]}, {"a": "bcd"}, False),
    ({"a": [{"suffix": ""}]}, {"a": "any"}, True),
    ({"a": [{"suffix": {"equals-ignore-case": ".PNG"}}]}, {"a": "x.pnG"}, True),
    ({"a": [{"suffix": {"equals-ignore-case": ".PNG"}}]}, {"a": "png"}, False),
    ({"a": [{"equals-ignore-case": "abC"}]}, {"a": "ABc"}, True),
    ({"a": [{"equals-ignore-case": "abc"}]}, {"a": "abcd"}, False),
    ({"a": [{"equals-ignore-case": ""}]}, {"a": ""}, True),
    ({"a": [{"prefix": "a"}, {"suffix": "z"}, 5]}, {"a": "xz"}, True),
    ({"a": [{"prefix": "a"}, {"suffix": "z"}, 5]}, {"a": 5}, True),
    ({"a": [{"prefix": "a"}, {"suffix": "z"}, 5]}, {"a": "x"}, False),
]

WILDCARDS: list[Case] = [
    ({"a": [{"wildcard": "*"}]}, {"a": ""}, True),
    ({"a": [{"wildcard": "a*c"}]}, {"a": "ac"}, True),
    ({"a": [{"wildcard": "a*c"}]}, {"a": "abc"}, True),
    ({"a": [{"wildcard": "a*c"}]}, {"a": "abcd"}, False),
    ({"a": [{"wildcard": "aba*aba"}]}, {"a": "aba"}, False),
    ({"a": [{"wildcard": "a*b*c"}]}, {"a": "a-b-b-c"}, True),
    ({"a": [{"wildcard": "a*bc*c"}]}, {"a": "abc"}, False),
    ({"a": [{"wildcard": "*x*"}]}, {"a": "x"}, True),
    ({"a": [{"wildcard": "*x*"}]}, {"a": "y"}, False),
    ({"a": [{"wildcard": r"a\*c"}]}, {"a": "a*c"}, True),
    ({"a": [{"wildcard": r"a\*c"}]}, {"a": "abc"}, False),
    ({"a": [{"wildcard": r"a\\*"}]}, {"a": "a\\b"}, True),
    ({"a": [{"wildcard": "abc"}]}, {"a": "abc"}, True),
    ({"a": [{"wildcard": ""}]}, {"a": ""}, True),
    ({"a": [{"wildcard": "1*"}]}, {"a": 12}, False),
    ({"a": [{"wildcard": "arn:aws:events:*:*:event-bus/*"}]}, {"a": "arn:aws:events:r:1:event-bus/b"}, True),
]  # fmt: skip

NUMBERS: list[Case] = [
    ({"a": [{"numeric": ["=", 5]}]}, {"a": 5.0}, True),
    ({"a": [{"numeric": ["=", 5]}]}, {"a": "5"}, False),
    ({"a": [{"numeric": ["<", 5]}]}, {"a": 4.9}, True),
    ({"a": [{"numeric": ["<", 5]}]}, {"a": 5}, False),
    ({"a": [{"numeric": ["<=", 5]}]}, {"a": 5}, True),
    ({"a": [{"numeric": [">", 5]}]}, {"a": 5}, False),
    ({"a": [{"numeric": [">=", 5]}]}, {"a": 5}, True),
    ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 5}, True),
    ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 0}, False),
    ({"a": [{"numeric": [">=", -1.5, "<", 0]}]}, {"a": -1.5}, True),
    ({"a": [{"numeric": [">", 0]}]}, {"a": None}, False),
    ({"a": [{"numeric": [">", 0]}]}, {"a": True}, False),
    ({"a": [{"numeric": [">", 0]}]}, {"a": [-1, 2]}, True),
]

ADDRESSES: list[Case] = [
    ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "10.0.0.255"}, True),
    ({"a": [{"cidr": "10.0.0.7/24"}]}, {"a": "10.0.0.1"}, True),
    ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "10.0.1.0"}, False),
    ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "ten"}, False),
    ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": 10}, False),
    ({"a": [{"cidr": "2001:db8::/32"}]}, {"a": "2001:db8::1"}, True),
    ({"a": [{"cidr": "2001:db8::/32"}]}, {"a": "2001:db9::1"}, False),
    ({"a": [{"cidr": "::/0"}]}, {"a": "10.0.0.1"}, False),
]

ANYTHING_BUT: list[Case] = [
    ({"a": [{"anything-but": "x"}]}, {"a": "y"}, True),
    ({"a": [{"anything-but": "x"}]}, {"a": "x"}, False),
    ({"a": [{"anything-but": "x"}]}, {}, False),
    ({"a": [{"anything-but": "x"}]}, {"a": None}, True),
    ({"a": [{"anything-but": "x"}]}, {"a": 1}, True),
    ({"a": [{"anything-but": 0}]}, {"a": 0}, False),
    ({"a": [{"anything-but": 0}]}, {"a": 0.0}, False),
    ({"a": [{"anything-but": 0}]}, {"a": "0"}, True),
    ({"a": [{"anything-but": ["x", "y"]}]}, {"a": "y"}, False),
    ({"a": [{"anything-but": ["x", "y"]}]}, {"a": "z"}, True),
    ({"a": [{"anything-but": [1, 2]}]}, {"a": 2}, False),
    ({"a": [{"anything-but": ["x"]}]}, {"a": ["x", "z"]}, True),
    ({"a": [{"anything-but": {"prefix": "x"}}]}, {"a": "xy"}, False),
    ({"a": [{"anything-but": {"prefix": ["x", "y"]}}]}, {"a": "yx"}, False),
    ({"a": [{"anything-but": {"prefix": ["x", "y"]}}]}, {"a": "zx"}, True),
    ({"a": [{"anything-but": {"prefix": "1"}}]}, {"a": 1}, True),
    ({"a": [{"anything-but": {"prefix": "x"}}]}, {}, False),
    ({"a": [{"anything-but": {"suffix": "x"}}]}, {"a": "yx"}, False),
    ({"a": [{"anything-but": {"suffix": "x"}}]}, {"a": "xy"}, True),
    ({"a": [{"anything-but": {"equals-ignore-case": "Xy"}}]}, {"a": "xY"}, False),
    ({"a": [{"anything-but": {"equals-ignore-case": ["a", "b"]}}]}, {"a": "c"}, True),
    ({"a": [{"anything-but": {"wildcard": "*/lib/*"}}]}, {"a": "/usr/lib/a"}, False),
    ({"a": [{"anything-but": {"wildcard": ["a*", "b*"]}}]}, {"a": "c"}, True),
]

OR: list[Case] = [
    ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"b": "y"}, True),
    ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"a": "y", "b": "x"}, False),
    ({"c": [1], "$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"a": "x"}, False),
    ({"c": [1], "$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"a": "x", "c": 1}, True),
    ({"d": {"$or": [{"a": ["x"]}, {"b": [{"exists": False}]}]}}, {}, True),
    ({"d": {"$or": [{"a": ["x"]}, {"b": [{"exists": False}]}]}}, {"d": {"b": 1}}, False),
    ({"$or": [{"$or": [{"a": [1]}, {"a": [2]}]}, {"b": [3]}]}, {"a": 2}, True),
    ({"a": {"x": [1]}, "$or": [{"a": {"y": [2]}}, {"b": [1]}]}, {"a": [{"x": 1, "y": 2}]}, True),
    ({"a": {"x": [1]}, "$or": [{"a": {"y": [2]}}, {"b": [1]}]}, {"a": [{"x": 1}, {"y": 2}]}, False),
    ({"$or": ["x"]}, {"$or": "x"}, True),
]

TABLES = {
    "exact": EXACT, "arrays": ARRAYS, "dots": DOTS, "exists": EXISTS, "text": TEXT, "wildcard": WILDCARDS,
    "numeric": NUMBERS, "cidr": ADDRESSES, "anything-but": ANYTHING_BUT, "or": OR,
}  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "event", "passes"),
    [pytest.param(*case, id=f"{name}-{number}") for name, table in TABLES.items() for number, case in enumerate(table)],
)
def test_a_pattern_lets_pass_what_it_should(pattern: Any, event: Any, passes: bool) -> None:
    assert compile_pattern(json.dumps(pattern)).matches(event) is passes


def test_events_however_deep_are_held_against_a_pattern() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    assert compile_pattern('{"a": ["x"]}').matches({"a": deep})
    assert compile_pattern('{"a": {"b": [{"exists": false}]}}').matches({"a": deep})
    nested: Any = {"b": deep}
    for _ in range(99):
        nested = {"b": nested}
    pattern: Any = ["x"]
    for _ in range(99):
        pattern = {"b": pattern}
    assert not compile_pattern(json.dumps(pattern)).matches(nested)
