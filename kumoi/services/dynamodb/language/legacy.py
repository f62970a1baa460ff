"""The parameters that expressions replaced, as the same conditions, key conditions, updates and projections.

Source: "Legacy conditional parameters" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kumoi.services.dynamodb.errors import invalid, invalid_values
from kumoi.services.dynamodb.language.conditions import (
    ORDER_TESTS,
    Condition,
    Test,
    begins_with,
    contains,
    is_between,
)
from kumoi.services.dynamodb.language.key_conditions import KeyCondition, Term, key_condition_of
from kumoi.services.dynamodb.language.projections import Projection
from kumoi.services.dynamodb.language.updates import Action, UpdateActions
from kumoi.services.dynamodb.language.values import SETS, Item, Value, compare, equal, kind_of, normalise

_SIGNS = {"EQ": "=", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">", "BETWEEN": "BETWEEN", "BEGINS_WITH": "begins_with"}
_ARGUMENTS = {"NULL": 0, "NOT_NULL": 0, "BETWEEN": 2}
_ORDERING = frozenset(("LE", "LT", "GE", "GT", "IN", "BETWEEN", "CONTAINS", "NOT_CONTAINS"))
_COMPARABLE = frozenset(("S", "N", "B"))


def parse_expected(expected: Mapping[str, Mapping[str, Any]], operator: str | None) -> Condition:
    """Expected with its ConditionalOperator as a condition."""
    tests = [_expectation(name, given) for name, given in expected.items()]
    return _joined(expected, tests, operator)


def parse_filter(filters: Mapping[str, Mapping[str, Any]], operator: str | None) -> Condition:
    """QueryFilter or ScanFilter with its ConditionalOperator as a condition."""
    tests = [_comparison(name, *_arguments(given)) for name, given in filters.items()]
    return _joined(filters, tests, operator)


def parse_key_conditions(conditions: Mapping[str, Mapping[str, Any]], hash_name: str, range_name: str) -> KeyCondition:
    """KeyConditions as a key condition."""
    terms = []
    for name, given in conditions.items():
        operator, values = _arguments(given)
        if operator not in _SIGNS:
            raise invalid("Attempted conditional constraint is not an indexable operation")
        terms.append(Term(name, _SIGNS[operator], tuple(values)))
    return key_condition_of(terms, hash_name, range_name)


def parse_attribute_updates(updates: Mapping[str, Mapping[str, Any]]) -> UpdateActions:
    """AttributeUpdates as an update."""
    return UpdateActions(
        [_action(name, given) for name, given in updates.items()], mismatch="Type mismatch for attribute to update"
    )


def parse_attributes_to_get(attributes: Sequence[str]) -> Projection:
    """AttributesToGet as a projection."""
    seen: set[str] = set()
    for name in attributes:
        if name in seen:
            raise invalid_values(f"Duplicate value in attribute name: {name}")
        seen.add(name)
    return Projection((name,) for name in attributes)


def _joined(names: Mapping[str, Any], tests: Sequence[Test], operator: str | None) -> Condition:
    join: Callable[..., bool] = any if operator == "OR" else all
    return Condition(frozenset(names), lambda item: join(test(item) for test in tests))


def _expectation(name: str, given: Mapping[str, Any]) -> Test:
    """One attribute's expectation: Value and Exists, or a comparison."""
    value, exists = given.get("Value"), given.get("Exists")
    operator, values = given.get("ComparisonOperator"), given.get("AttributeValueList")
    if value is not None and values is not None:
        raise invalid_values(f"Value and AttributeValueList cannot be used together for Attribute: {name}")
    if exists is not None and operator is not None:
        raise invalid_values(f"Exists and ComparisonOperator cannot be used together for Attribute: {name}")
    if operator is not None:
        if value is None and values is None and operator not in ("NULL", "NOT_NULL"):
            raise invalid_values(
                f"Value or AttributeValueList must be used with ComparisonOperator: {operator} for Attribute: {name}"
            )
        listed = [value] if value is not None else values
        return _comparison(name, *_arguments({"ComparisonOperator": operator, "AttributeValueList": listed}))
    if values is not None:
        raise invalid_values(f"AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}")
    if exists is False:
        if value is not None:
            raise invalid_values(f"Value cannot be used when Exists is false for Attribute: {name}")
        return lambda item: name not in item
    if value is None:
        shown = "null" if exists is None else "true"
        raise invalid_values(f"Value must be provided when Exists is {shown} for Attribute: {name}")
    return _comparison(name, "EQ", [normalise(value)])


def _arguments(given: Mapping[str, Any]) -> tuple[str, list[Value]]:
    """The operator and its values, of the right number and types."""
    operator: str = given["ComparisonOperator"]
    values = [normalise(value) for value in given.get("AttributeValueList") or ()]
    wanted = _ARGUMENTS.get(operator, 1)
    if len(values) != wanted and not (operator == "IN" and values):
        raise invalid_values(f"Invalid number of argument(s) for the {operator} ComparisonOperator")
    if len({kind_of(value) for value in values}) > 1:
        raise invalid_values("AttributeValues inside AttributeValueList must be of same type")
    for kind in {kind_of(value) for value in values}:
        if (operator in _ORDERING and kind not in _COMPARABLE) or (
            operator == "BEGINS_WITH" and kind not in ("S", "B")
        ):
            raise invalid_values(f"ComparisonOperator {operator} is not valid for {kind} AttributeValue type")
    if operator == "BETWEEN" and (compare(values[0], values[1]) or 0) > 0:
        raise invalid(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
        )
    return operator, values


def _comparison(name: str, operator: str, values: Sequence[Value]) -> Test:
    if operator == "NULL":
        return lambda item: name not in item
    if operator == "NOT_NULL":
        return lambda item: name in item
    if operator == "NE":
        return lambda item: name not in item or not equal(item[name], values[0])
    if operator == "NOT_CONTAINS":
        return lambda item: name not in item or not contains(item[name], values[0])
    decide = _DECIDE[operator]
    return lambda item: name in item and decide(item[name], values)


def _ordered(sign: str) -> Callable[[Value, Sequence[Value]], bool]:
    holds = ORDER_TESTS[sign]
    return lambda value, values: (order := compare(value, values[0])) is not None and holds(order)


_DECIDE: Mapping[str, Callable[[Value, Sequence[Value]], bool]] = {
    "EQ": lambda value, values: equal(value, values[0]),
    "IN": lambda value, values: any(equal(value, one) for one in values),
    "BETWEEN": lambda value, values: is_between(value, *values),
    "BEGINS_WITH": lambda value, values: begins_with(value, values[0]),
    "CONTAINS": lambda value, values: contains(value, values[0]),
    **{operator: _ordered(_SIGNS[operator]) for operator in ("LE", "LT", "GE", "GT")},
}


def _action(name: str, given: Mapping[str, Any]) -> Action:
    kind, value = given.get("Action", "PUT"), given.get("Value")
    if value is None:
        if kind != "DELETE":
            raise invalid_values("Only DELETE action is allowed when no attribute value is specified")
        return Action("REMOVE", (name,), None)
    canonical = normalise(value)

    def give(_item: Item) -> Value:
        return canonical

    if kind == "PUT":
        return Action("SET", (name,), give)
    content = kind_of(canonical)
    if content not in SETS and not (kind == "ADD" and content in ("N", "L")):
        raise invalid_values(
            f"{kind} action {'with value ' if kind == 'DELETE' else ''}is not supported for the type {content}"
        )
    return Action(kind, (name,), give)
