"""Updates: what they make of items, and what is refused in DynamoDB's words."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.services.dynamodb.language.placeholders import Names, Values
from kumoi.services.dynamodb.language.updates import parse_update
from kumoi.wire.errors import AwsError

ITEM: dict[str, Any] = {
    "pk": {"S": "k"},
    "n": {"N": "5"},
    "l": {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}]},
    "m": {"M": {"x": {"N": "1"}, "y": {"M": {}}}},
    "ss": {"SS": ["a", "b"]},
}
VALUES: dict[str, Any] = {
    ":one": {"N": "1"},
    ":s": {"S": "new"},
    ":list": {"L": [{"S": "z"}]},
    ":ab": {"SS": ["b", "c"]},
    ":all": {"SS": ["a", "b"]},
    ":half": {"N": "0.5"},
}


def updated(text: str, item: dict[str, Any] = ITEM) -> dict[str, Any]:
    before = repr(item)
    after, _ = parse_update(text, Names(None), Values(VALUES)).apply(item)
    assert repr(item) == before, "an item is never changed in place"
    return after


def texts(item: dict[str, Any]) -> list[str]:
    return [one["S"] for one in item["l"]["L"]]


def test_values_are_set_from_the_item_as_it_was() -> None:
    assert updated("SET n = n + :one, o = n")["n"] == {"N": "6"}
    assert updated("SET n = n + :one, o = n")["o"] == {"N": "5"}
    assert updated("set n = :one - n")["n"] == {"N": "-4"}
    assert updated("SET n = (n + :half)")["n"] == {"N": "5.5"}
    assert updated("SET a = if_not_exists(a, :s), n = if_not_exists(n, :one)") == {**ITEM, "a": {"S": "new"}}
    assert updated("SET c = if_not_exists(c, :one) + :one")["c"] == {"N": "2"}
    assert texts(updated("SET l = list_append(l, :list)")) == ["a", "b", "c", "z"]
    assert texts(updated("SET l = list_append(:list, l)")) == ["z", "a", "b", "c"]
    assert updated("SET m.x = :s, m.y.deep = :one")["m"] == {"M": {"x": {"S": "new"}, "y": {"M": {"deep": {"N": "1"}}}}}


def test_positions_of_lists() -> None:
    assert texts(updated("SET l[1] = :s")) == ["a", "new", "c"]
    assert texts(updated("SET l[9] = :s")) == ["a", "b", "c", "new"]
    assert texts(updated("REMOVE l[0], l[2]")) == ["b"]
    assert texts(updated("REMOVE l[2], l[0], l[9]")) == ["b"]
    assert texts(updated("SET l[5] = :s REMOVE l[0]")) == ["b", "c", "new"]


def test_numbers_and_sets_are_added_and_deleted() -> None:
    assert updated("ADD n :one, fresh :half") == {**ITEM, "n": {"N": "6"}, "fresh": {"N": "0.5"}}
    assert updated("ADD ss :ab, new_set :ab")["ss"] == {"SS": ["a", "b", "c"]}
    assert updated("ADD ss :ab, new_set :ab")["new_set"] == {"SS": ["b", "c"]}
    assert updated("DELETE ss :ab")["ss"] == {"SS": ["a"]}
    assert "ss" not in updated("DELETE ss :all")
    assert updated("DELETE nothing :ab") == ITEM
    assert updated("REMOVE n, m.y, nothing") == {
        **{name: value for name, value in ITEM.items() if name != "n"},
        "m": {"M": {"x": {"N": "1"}}},
    }


def test_what_was_touched_is_told() -> None:
    after, touched = parse_update("SET m.x = :s REMOVE l[0]", Names(None), Values({":s": {"S": "new"}})).apply(ITEM)
    assert touched is not None
    assert touched.of(after) == {"m": {"M": {"x": {"S": "new"}}}, "l": {"L": [{"S": "b"}]}}
    assert touched.of(ITEM) == {"m": {"M": {"x": {"N": "1"}}}, "l": {"L": [{"S": "a"}]}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("INVALID SYNTAX", 'Invalid UpdateExpression: Syntax error; token: "INVALID", near: "INVALID SYNTAX"'),
        ("", "Invalid UpdateExpression: The expression can not be empty;"),
        ("SET a = ", 'Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "="'),
        ("SET a = :s + :one - :one", 'Invalid UpdateExpression: Syntax error; token: "-", near: ":one - :one"'),
        ("ADD n pk", 'Invalid UpdateExpression: Syntax error; token: "pk", near: "n pk"'),
        (
            "SET a = :s SET b = :s",
            'Invalid UpdateExpression: The "SET" section can only be used once in an update expression;',
        ),
        (
            "SET name = :s",
            "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: name",
        ),
        ("SET a = nope(b)", "Invalid UpdateExpression: Invalid function name; function: nope"),
        (
            "SET a = #x",
            "Invalid UpdateExpression: An expression attribute name used in the document path is not defined; "
            "attribute name: #x",
        ),
        (
            "SET a = :nope",
            "Invalid UpdateExpression: An expression attribute value used in expression is not defined; "
            "attribute value: :nope",
        ),
        (
            "SET a = :s, a.b = :s",
            "Invalid UpdateExpression: Two document paths overlap with each other; "
            "must remove or rewrite one of these paths; path one: [a], path two: [a, b]",
        ),
        (
            "SET a[0] = :s, a.b = :s",
            "Invalid UpdateExpression: Two document paths conflict with each other; "
            "must remove or rewrite one of these paths; path one: [a, [0]], path two: [a, b]",
        ),
        (
            "ADD a :s",
            "Invalid UpdateExpression: Incorrect operand type for operator or function; "
            "operator: ADD, operand type: STRING",
        ),
        (
            "DELETE a :one",
            "Invalid UpdateExpression: Incorrect operand type for operator or function; "
            "operator: DELETE, operand type: NUMBER",
        ),
        (
            "SET a = n + :s",
            "Invalid UpdateExpression: Incorrect operand type for operator or function; "
            "operator or function: +, operand type: S",
        ),
        (
            "SET a = list_append(l)",
            "Invalid UpdateExpression: Incorrect number of operands for operator or function; "
            "operator or function: list_append, number of operands: 1",
        ),
        ("SET a = nothing", "The provided expression refers to an attribute that does not exist in the item"),
        ("SET a = pk + :one", "An operand in the update expression has an incorrect data type"),
        ("SET a = list_append(pk, :list)", "An operand in the update expression has an incorrect data type"),
        ("ADD ss :one", "An operand in the update expression has an incorrect data type"),
        ("SET n.x = :s", "The document path provided in the update expression is invalid for update"),
        ("SET gone.x = :s", "The document path provided in the update expression is invalid for update"),
        ("REMOVE gone.x", "The document path provided in the update expression is invalid for update"),
        ("SET m[0] = :s", "The document path provided in the update expression is invalid for update"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(AwsError) as refused:
        updated(text)
    assert refused.value.message == message
