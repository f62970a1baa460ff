"""What changes make of versioned items: update expressions, and merges. Pure tables."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.tables.merging import merged
from kumoi.services.appsync.resolving.tables.table import bracketed
from kumoi.services.appsync.resolving.tables.updates import applied, changes_of

ITEM: dict[str, Any] = {
    "id": {"S": "1"},
    "n": {"N": "5"},
    "l": {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}]},
    "m": {"M": {"x": {"N": "1"}}},
    "s": {"SS": ["a", "b"]},
}
VALUES: dict[str, Any] = {
    ":n": {"N": "2"},
    ":t": {"S": "t"},
    ":l": {"L": [{"S": "z"}]},
    ":s": {"SS": ["b", "c"]},
    ":ab": {"SS": ["a", "b"]},
}


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("SET #t = :t", {"t": {"S": "t"}}),
        ("SET n = n + :n", {"n": {"N": "7"}}),
        ("set n = :n - n, k = n", {"n": {"N": "-3"}, "k": {"N": "5"}}),
        ("SET k = if_not_exists(k, :n) + :n", {"k": {"N": "4"}}),
        ("SET l = list_append(l, :l)", {"l": {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}, {"S": "z"}]}}),
        (
            "SET m.#t = :t, l[1] = :t",
            {"m": {"M": {"x": {"N": "1"}, "t": {"S": "t"}}}, "l": {"L": [{"S": "a"}, {"S": "t"}, {"S": "c"}]}},
        ),
        ("SET l[9] = :t", {"l": {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}, {"S": "t"}]}}),
        ("REMOVE l[0], l[1], m.x", {"l": {"L": [{"S": "c"}]}, "m": {"M": {}}}),
        ("ADD n :n, s :s, k :n", {"n": {"N": "7"}, "s": {"SS": ["a", "b", "c"]}, "k": {"N": "2"}}),
        ("DELETE s :s SET k = :n", {"s": {"SS": ["a"]}, "k": {"N": "2"}}),
        ("DELETE s :ab", {"s": None}),
    ],
)
def test_update_expressions_applied(text: str, changed: dict[str, Any]) -> None:
    made = applied(changes_of(text, {"#t": "t"}, VALUES), ITEM)
    assert made == {name: value for name, value in {**ITEM, **changed}.items() if value is not None}
    assert ITEM["n"] == {"N": "5"}


@pytest.mark.parametrize(
    "text",
    [
        "SET",
        "SET n",
        "SET n = :nope",
        "SET #nope = :n",
        "PUT n = :n",
        "SET n = nope",
        "SET t.u = :n",
        "SET n = :t + :n",
        "ADD l :l",
        "SET n = (:n",
        "SET l[x] = :n",
        "SET n = list_append(n, :l)",
        "SET n = ;",
        "SET n = :n,",
    ],
)
def test_what_is_no_update_expression(text: str) -> None:
    with pytest.raises(FieldError) as refused:
        applied(changes_of(text, {}, VALUES), ITEM)
    assert refused.value.kind == "DynamoDB:ValidationException"


def test_a_change_of_an_older_version_is_merged() -> None:
    existing = {"a": {"N": "1"}, "l": {"L": [{"N": "1"}]}, "m": {"M": {"x": {"N": "1"}}}, "s": {"NS": ["1", "2"]}}
    incoming = {
        "a": {"N": "2"},
        "b": {"N": "9"},
        "l": {"L": [{"N": "2"}]},
        "m": {"M": {"x": {"S": "no"}, "y": {"N": "2"}}},
        "s": {"NS": ["2.0", "3"]},
    }
    assert merged(existing, incoming) == {
        "a": {"N": "1"},
        "b": {"N": "9"},
        "l": {"L": [{"N": "1"}, {"N": "2"}]},
        "m": {"M": {"x": {"N": "1"}, "y": {"N": "2"}}},
        "s": {"NS": ["1", "2", "3"]},
    }


@pytest.mark.parametrize(
    ("text", "made"),
    [("a = b", "(a = b)"), ("(a = b)", "(a = b)"), ("(a) AND (b)", "((a) AND (b))"), ("size(a) > b", "(size(a) > b)")],
)
def test_brackets_that_are_not_redundant(text: str, made: str) -> None:
    assert bracketed(text) == made
