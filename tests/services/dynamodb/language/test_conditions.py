"""Conditions: what they say of items, against a small oracle, and what is refused in DynamoDB's words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kumoi.services.dynamodb.language.conditions import parse_condition
from kumoi.services.dynamodb.language.placeholders import Names, Values
from kumoi.wire.errors import AwsError

ITEM: dict[str, Any] = {
    "s": {"S": "hello"},
    "n": {"N": "5"},
    "b": {"B": b"\x01\x02"},
    "t": {"BOOL": True},
    "ss": {"SS": ["x", "y"]},
    "l": {"L": [{"S": "a"}, {"N": "7"}]},
    "m": {"M": {"k": {"N": "1"}, "d.t": {"S": "dotted"}}},
    "e": {"S": "\U0001f600"},
}
VALUES: dict[str, Any] = {
    ":hello": {"S": "hello"},
    ":he": {"S": "he"},
    ":one": {"N": "1"},
    ":two": {"N": "2"},
    ":five": {"N": "5"},
    ":nine": {"N": "9"},
    ":x": {"S": "x"},
    ":set": {"SS": ["y", "x"]},
    ":S": {"S": "S"},
    ":bytes": {"B": b"\x02"},
    ":seven": {"N": "7"},
}


def holds(text: str, item: dict[str, Any] | None = ITEM, names: dict[str, str] | None = None) -> bool:
    return parse_condition(text, Names(names), Values(VALUES)).holds(item)


@pytest.mark.parametrize(
    "text",
    [
        "s = :hello",
        "s <> :he",
        "absent <> :he",
        "n > :one AND n < :nine",
        "n BETWEEN :one AND :five",
        "s IN (:x, :hello)",
        "NOT n = :one",
        "not (n = :one or s = :x)",
        "n = :one OR n = :two OR n = :five",
        "n = :five AND s = :hello OR n = :one",
        "n = :one OR s = :hello AND n = :five",
        "attribute_exists(m.k) and attribute_not_exists(m.z)",
        "attribute_type(s, :S)",
        "begins_with(s, :he)",
        "contains(s, :he)",
        "contains(ss, :x)",
        "contains(l, :seven)",
        "contains(b, :bytes)",
        "ss = :set",
        "size(s) = :five",
        "size(l) = :two",
        "size(e) = :two",
        "size (m) > :one",
        "l[1] = :seven",
        "m . k=:one",
        ":one < n",
        "(s) = (:hello)",
        "attribute_exists(s)",
    ],
)
def test_it_holds(text: str) -> None:
    assert holds(text)
    assert not holds(f"NOT ({text})") or text.startswith(("not", "NOT"))


@pytest.mark.parametrize(
    "text",
    [
        "absent = :hello",
        "absent < :nine",
        "absent IN (:x)",
        "s < :nine",
        "l[9] = :one",
        "n.k = :one",
        "size(n) > :one",
        "contains(n, :five)",
        "begins_with(n, :he)",
        "t = :one",
        "n BETWEEN :nine AND absent",
    ],
)
def test_it_does_not_hold(text: str) -> None:
    assert not holds(text)


def test_no_item_is_an_empty_one() -> None:
    assert holds("attribute_not_exists(s)", None)
    assert not holds("s = :hello", None)


def test_a_name_may_hold_dots_and_reserved_words() -> None:
    assert holds("m.#d = :x", {"m": {"M": {"d.t": {"S": "x"}}}}, {"#d": "d.t"})
    assert holds("#s = :x", {"status": {"S": "x"}}, {"#s": "status"})
    condition = parse_condition("#s = :x AND m.k = :one", Names({"#s": "status"}), Values(VALUES))
    assert condition.attributes == {"status", "m"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The expression can not be empty;"),
        ("  ", "The expression can not be empty;"),
        ("!!", 'Syntax error; token: "!", near: "!!"'),
        ("s =", 'Syntax error; token: "<EOF>", near: "="'),
        ("s", 'Syntax error; token: "<EOF>", near: "s"'),
        ("s = :x AND", 'Syntax error; token: "<EOF>", near: "AND"'),
        ("s = :x)", 'Syntax error; token: ")", near: ":x)"'),
        ("((s = :x))", "The expression has redundant parentheses;"),
        ("foo(s)", "Invalid function name; function: foo"),
        ("size(s)", "The function is not allowed to be used this way in an expression; function: size"),
        (
            "attribute_exists(s) = :x",
            "The function is not allowed to be used this way in an expression; function: attribute_exists",
        ),
        ("status = :x", "Attribute name is a reserved keyword; reserved keyword: status"),
        ("m.Count = :x", "Attribute name is a reserved keyword; reserved keyword: Count"),
        (
            "#nope = :x",
            "An expression attribute name used in the document path is not defined; attribute name: #nope",
        ),
        ("s = :nope", "An expression attribute value used in expression is not defined; attribute value: :nope"),
        (
            "size(s, n) = :x",
            "Incorrect number of operands for operator or function; operator or function: size, number of operands: 2",
        ),
        (
            "attribute_exists(:x)",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "begins_with(s, :one)",
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        (
            "s < :set",
            "Incorrect operand type for operator or function; operator or function: <, operand type: SS",
        ),
        (
            "s = s",
            "The first operand must be distinct from the remaining operands for this operator or function; "
            "operator: =, first operand: [s]",
        ),
        (
            "n BETWEEN :x AND :one",
            "The BETWEEN operator requires same data type for lower and upper bounds; "
            "lower bound operand: AttributeValue: {S:x}, upper bound operand: AttributeValue: {N:1}",
        ),
        (
            "n BETWEEN :two AND :one",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
            "lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
        ),
        (
            "attribute_type(s, :x)",
            "Invalid attribute type name found; type: x, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
        ),
        ("s = :x" + " " * 5000, "Expression size has exceeded the maximum allowed size; expression size: 5006"),
        (" AND ".join(["s = :x"] * 200), "The expression contains an excessive number of operators"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(AwsError) as refused:
        holds(text)
    assert (refused.value.code, refused.value.message) == (
        "ValidationException",
        f"Invalid ConditionExpression: {message}",
    )


def test_placeholders_are_well_formed_and_used() -> None:
    for names, message in (
        ({}, "ExpressionAttributeNames must not be empty"),
        ({"a": "x"}, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"'),
    ):
        with pytest.raises(AwsError, match=message):
            Names(names)
    for values, message in (
        ({}, "ExpressionAttributeValues must not be empty"),
        ({"a": {"S": "x"}}, 'ExpressionAttributeValues contains invalid key: Syntax error; key: "a"'),
        (
            {":a": {}},
            "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, .* for key :a",
        ),
    ):
        with pytest.raises(AwsError, match=message):
            Values(values)  # type: ignore[arg-type]
    names, values = Names({"#a": "x", "#b": "y"}), Values({":v": {"S": "x"}, ":w": {"S": "y"}})
    parse_condition("#a = :v", names, values)
    with pytest.raises(AwsError, match=r"unused in expressions: keys: \{#b\}"):
        names.check_used()
    with pytest.raises(AwsError, match=r"unused in expressions: keys: \{:w\}"):
        values.check_used()


# An oracle that shares nothing with the language: conditions made as trees, judged on plain Python values.

scalars = st.one_of(
    st.integers(-3, 3).map(lambda number: {"N": str(number)}), st.sampled_from("abc").map(lambda text: {"S": text})
)
attributes = st.sampled_from(["a1", "b1", "c1"])
items = st.dictionaries(attributes, scalars, max_size=3)
leaves = st.tuples(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), attributes, scalars) | st.tuples(
    st.just("exists"), attributes, st.none()
)
trees = st.recursive(
    leaves,
    lambda inner: st.tuples(st.sampled_from(["AND", "OR"]), inner, inner) | st.tuples(st.just("NOT"), inner, st.none()),
    max_leaves=6,
)


def written(tree: Any, values: dict[str, Any]) -> str:
    operator, left, right = tree
    if operator in ("AND", "OR"):
        return f"({written(left, values)}) {operator} ({written(right, values)})"
    if operator == "NOT":
        return f"NOT ({written(left, values)})"
    if operator == "exists":
        return f"attribute_exists({left})"
    placeholder = f":v{len(values)}"
    values[placeholder] = right
    return f"{left} {operator} {placeholder}"


def judged(tree: Any, item: dict[str, Any]) -> bool:
    operator, left, right = tree
    if operator == "AND":
        return judged(left, item) and judged(right, item)
    if operator == "OR":
        return judged(left, item) or judged(right, item)
    if operator == "NOT":
        return not judged(left, item)
    if operator == "exists":
        return left in item
    if left not in item:
        return bool(operator == "<>")
    ((kind, one),), ((other_kind, other),) = item[left].items(), right.items()
    if operator in ("=", "<>"):
        return ((kind, one) == (other_kind, other)) is (operator == "=")
    if kind != other_kind:
        return False
    if kind == "N":
        one, other = int(one), int(other)
    return bool({"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[operator])


@given(tree=trees, item=items)
def test_conditions_say_what_the_oracle_says(tree: Any, item: dict[str, Any]) -> None:
    values: dict[str, Any] = {}
    text = written(tree, values)
    condition = parse_condition(text, Names(None), Values(values or None))
    assert condition.holds(item) is judged(tree, item)
