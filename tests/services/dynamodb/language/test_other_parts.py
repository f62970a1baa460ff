"""Projections, key conditions, and the legacy parameters."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.services.dynamodb.language import legacy
from kumoi.services.dynamodb.language.key_conditions import KeyCondition, parse_key_condition
from kumoi.services.dynamodb.language.placeholders import Names, Values
from kumoi.services.dynamodb.language.projections import parse_projection
from kumoi.wire.errors import AwsError

ITEM: dict[str, Any] = {
    "a": {"S": "1"},
    "l": {"L": [{"S": "x"}, {"M": {"k": {"S": "y"}}}, {"S": "z"}]},
    "m": {"M": {"k": {"S": "v"}, "o": {"S": "w"}}},
}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a", {"a": {"S": "1"}}),
        ("a, nothing", {"a": {"S": "1"}}),
        ("m.k", {"m": {"M": {"k": {"S": "v"}}}}),
        ("m.k, m.o", {"m": ITEM["m"]}),
        ("l[2], l[0]", {"l": {"L": [{"S": "x"}, {"S": "z"}]}}),
        ("l[1].k, l[9]", {"l": {"L": [{"M": {"k": {"S": "y"}}}]}}),
        ("m.nothing, a.b", {}),
        ("#x.k", {"m": {"M": {"k": {"S": "v"}}}}),
    ],
)
def test_a_projection_is_the_part_that_is_named(text: str, part: dict[str, Any]) -> None:
    assert parse_projection(text, Names({"#x": "m"})).of(ITEM) == part


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("!!", 'Syntax error; token: "!", near: "!!"'),
        ("a,", 'Syntax error; token: "<EOF>", near: ","'),
        ("name", "Attribute name is a reserved keyword; reserved keyword: name"),
        (
            "a, a",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; "
            "path one: [a], path two: [a]",
        ),
        (
            "m[0], m.k",
            "Two document paths conflict with each other; must remove or rewrite one of these paths; "
            "path one: [m, [0]], path two: [m, k]",
        ),
    ],
)
def test_projections_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(AwsError) as refused:
        parse_projection(text, Names(None))
    assert refused.value.message == f"Invalid ProjectionExpression: {message}"


A, B = {"S": "a"}, {"S": "b"}


def key(text: str, range_name: str = "sk") -> KeyCondition:
    return parse_key_condition(
        text, Names({"#p": "pk"}), Values({":a": A, ":b": B, ":n": {"N": "1"}}), "pk", range_name
    )


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("pk = :a", KeyCondition(A)),
        (":a = #p", KeyCondition(A)),
        ("(pk = :a) AND (sk >= :b)", KeyCondition(A, ">=", (B,))),
        ("sk < :b AND pk = :a", KeyCondition(A, "<", (B,))),
        ("pk = :a and :b <= sk", KeyCondition(A, ">=", (B,))),
        ("pk = :a AND sk BETWEEN :a AND :b", KeyCondition(A, "BETWEEN", (A, B))),
        ("pk = :a AND begins_with(sk, :b)", KeyCondition(A, "begins_with", (B,))),
    ],
)
def test_a_key_condition_names_a_partition_and_a_range(text: str, condition: KeyCondition) -> None:
    assert key(text) == condition


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pk = :a OR sk = :b", "Invalid operator used in KeyConditionExpression: OR"),
        ("NOT pk = :a", "Invalid operator used in KeyConditionExpression: NOT"),
        ("pk IN (:a)", "Invalid operator used in KeyConditionExpression: IN"),
        ("pk <> :a", "Invalid operator used in KeyConditionExpression: <>"),
        ("pk = :a AND contains(sk, :b)", "Invalid operator used in KeyConditionExpression: contains"),
        ("pk = :a AND size(sk) = :n", "KeyConditionExpressions cannot contain nested operations"),
        (
            "pk = :a AND :a BETWEEN sk AND :b",
            "Invalid condition in KeyConditionExpression: "
            "BETWEEN operator must have the key attribute as its first operand",
        ),
        ("pk = sk", "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"),
        (":a = :b", "Invalid condition in KeyConditionExpression: No key attribute specified"),
        (
            "pk.x = :a",
            "Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes",
        ),
        (
            "pk = :a AND pk = :b",
            "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key",
        ),
        (
            "pk = :a AND sk = :b AND x = :b",
            "The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)",
        ),
        ("sk = :a", "Query condition missed key schema element: pk"),
        ("pk = :a AND x = :b", "Query condition missed key schema element: sk"),
        ("pk > :a", "Query key condition not supported"),
        (
            "pk = :a AND begins_with(sk, :n)",
            "Invalid KeyConditionExpression: Incorrect operand type for operator or function; "
            "operator or function: begins_with, operand type: N",
        ),
    ],
)
def test_key_conditions_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(AwsError) as refused:
        key(text)
    assert refused.value.message == message


def test_a_table_without_a_sort_key_has_one_condition() -> None:
    with pytest.raises(AwsError, match="Query key condition not supported"):
        key("pk = :a AND sk = :b", "")


def value(operator: str, *values: Any) -> dict[str, Any]:
    return {"ComparisonOperator": operator, "AttributeValueList": list(values)}


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ({"a": value("EQ", {"S": "1"})}, True),
        ({"a": value("NE", {"S": "1"})}, False),
        ({"x": value("NE", {"S": "1"})}, True),
        ({"a": value("IN", {"S": "0"}, {"S": "1"})}, True),
        ({"a": value("BETWEEN", {"S": "0"}, {"S": "2"})}, True),
        ({"a": value("BEGINS_WITH", {"S": "1"})}, True),
        ({"x": value("NULL")}, True),
        ({"a": value("NOT_NULL")}, True),
        ({"l": value("CONTAINS", {"S": "x"})}, True),
        ({"x": value("NOT_CONTAINS", {"S": "x"})}, True),
        ({"a": value("LT", {"S": "2"}), "x": value("NOT_NULL")}, False),
    ],
)
def test_legacy_filters_hold_as_conditions_do(given: dict[str, Any], held: bool) -> None:
    assert legacy.parse_filter(given, None).holds(ITEM) is held


def test_legacy_conditions_may_be_alternatives() -> None:
    given = {"a": value("EQ", {"S": "1"}), "x": value("NOT_NULL")}
    assert legacy.parse_filter(given, "OR").holds(ITEM)
    assert legacy.parse_expected({"x": {"Exists": False}, "a": {"Value": {"S": "1"}}}, None).holds(ITEM)
    assert not legacy.parse_expected({"x": {"Exists": False}}, None).holds({"x": A})


INVALID = "One or more parameter values were invalid: "


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"Value": A, "AttributeValueList": [A]},
            "Value and AttributeValueList cannot be used together for Attribute: a",
        ),
        (
            {"Exists": True, "ComparisonOperator": "EQ"},
            "Exists and ComparisonOperator cannot be used together for Attribute: a",
        ),
        (
            {"ComparisonOperator": "LT"},
            "Value or AttributeValueList must be used with ComparisonOperator: LT for Attribute: a",
        ),
        (value("EQ"), "Invalid number of argument(s) for the EQ ComparisonOperator"),
        (value("IN", A, {"N": "1"}), "AttributeValues inside AttributeValueList must be of same type"),
        ({"AttributeValueList": [A]}, "AttributeValueList can only be used with a ComparisonOperator for Attribute: a"),
        ({}, "Value must be provided when Exists is null for Attribute: a"),
        ({"Exists": True}, "Value must be provided when Exists is true for Attribute: a"),
        ({"Exists": False, "Value": A}, "Value cannot be used when Exists is false for Attribute: a"),
        (value("LT", {"SS": ["a"]}), "ComparisonOperator LT is not valid for SS AttributeValue type"),
    ],
)
def test_expectations_that_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(AwsError) as refused:
        legacy.parse_expected({"a": given}, None)
    assert refused.value.message == INVALID + message


def test_legacy_updates() -> None:
    update = legacy.parse_attribute_updates(
        {
            "a": {"Value": {"S": "2"}},
            "n": {"Action": "ADD", "Value": {"N": "1"}},
            "m": {"Action": "DELETE"},
            "l": {"Action": "ADD", "Value": {"L": [{"S": "end"}]}},
        }
    )
    after, _ = update.apply(ITEM)
    assert after == {"a": {"S": "2"}, "n": {"N": "1"}, "l": {"L": [*ITEM["l"]["L"], {"S": "end"}]}}
    for given, message in (
        ({"Action": "PUT"}, "Only DELETE action is allowed when no attribute value is specified"),
        ({"Action": "DELETE", "Value": A}, "DELETE action with value is not supported for the type S"),
        ({"Action": "ADD", "Value": A}, "ADD action is not supported for the type S"),
    ):
        with pytest.raises(AwsError) as refused:
            legacy.parse_attribute_updates({"a": given})
        assert refused.value.message == INVALID + message
    with pytest.raises(AwsError, match="Duplicate value in attribute name: a"):
        legacy.parse_attributes_to_get(["a", "a"])
