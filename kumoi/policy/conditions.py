"""Condition operators: how the values of a key in a request's context are held against those of a policy.

Source: "IAM JSON policy elements: Condition operators" and "Multivalued context keys" of the IAM user guide.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from kumoi.policy.patterns import Context, any_of, substituted

Condition = Callable[[Context], bool]
Comparison = Callable[[str, str], bool]
"""Whether a value of the request satisfies a value of the policy."""


class UnknownOperator(ValueError):
    """There is no condition operator of that name."""


def compile_condition(operator: str, key: str, values: Sequence[str]) -> Condition:
    """One key under one operator; UnknownOperator when there is none of that name."""
    quantifier, _, rest = operator.rpartition(":")
    if quantifier and quantifier.lower() not in ("forallvalues", "foranyvalue"):
        raise UnknownOperator(operator)
    name = rest.lower()
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    key = key.lower()
    if name == "null":
        wanted = {value.lower() for value in values}
        return lambda context: ("false" if context.get(key) else "true") in wanted
    negated, matches = _matcher(name, values, operator)
    quantifier = quantifier.lower()

    def holds(value: str, context: Context) -> bool:
        return matches(value, context) is not negated

    def condition(context: Context) -> bool:
        found = context.get(key)
        if not found:
            if quantifier == "forallvalues":
                return True
            return if_exists or (negated and quantifier != "foranyvalue")
        if quantifier == "forallvalues":
            return all(holds(value, context) for value in found)
        if negated and not quantifier:
            return all(holds(value, context) for value in found)
        return any(holds(value, context) for value in found)

    return condition


def _matcher(name: str, values: Sequence[str], operator: str) -> tuple[bool, Callable[[str, Context], bool]]:
    """(whether the operator is a negation, whether a value matches one of the policy's)."""
    if name in ("stringlike", "stringnotlike"):
        return "not" in name, any_of(values)
    if name in ("arnequals", "arnlike", "arnnotequals", "arnnotlike"):
        return "not" in name, _arns(values)
    plain = _COMPARISONS.get(name)
    if plain is None:
        raise UnknownOperator(operator)
    negated, compare = plain

    def matches(value: str, context: Context) -> bool:
        for wanted in values:
            text = substituted(wanted, context)
            if text is not None and compare(value, text):
                return True
        return False

    return negated, matches


def _arns(values: Sequence[str]) -> Callable[[str, Context], bool]:
    """ARNs are compared part by part: a wildcard does not reach over a colon."""
    tests = [[any_of([part]) for part in value.split(":", 5)] for value in values]

    def matches(value: str, context: Context) -> bool:
        parts = value.split(":", 5)
        return len(parts) == 6 and any(
            len(test) == 6 and all(one(part, context) for one, part in zip(test, parts, strict=True)) for test in tests
        )

    return matches


def _numbers(compare: Callable[[Decimal, Decimal], bool]) -> Comparison:
    def compared(value: str, wanted: str) -> bool:
        try:
            return compare(Decimal(value), Decimal(wanted))
        except InvalidOperation:
            return False

    return compared


def _dates(compare: Callable[[float, float], bool]) -> Comparison:
    def compared(value: str, wanted: str) -> bool:
        left, right = _moment(value), _moment(wanted)
        return left is not None and right is not None and compare(left, right)

    return compared


def _moment(text: str) -> float | None:
    """An epoch time, or an ISO 8601 date, in epoch seconds."""
    if re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]+)?", text):
        return float(text)
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def _in_network(value: str, wanted: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _same_bytes(value: str, wanted: str) -> bool:
    try:
        return base64.b64decode(value, validate=True) == base64.b64decode(wanted, validate=True)
    except binascii.Error:
        return False


_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "lessthan": lambda one, other: bool(one < other),
    "lessthanequals": lambda one, other: bool(one <= other),
    "greaterthan": lambda one, other: bool(one > other),
    "greaterthanequals": lambda one, other: bool(one >= other),
    "equals": lambda one, other: bool(one == other),
}

_COMPARISONS: Mapping[str, tuple[bool, Comparison]] = {
    "stringequals": (False, str.__eq__),
    "stringnotequals": (True, str.__eq__),
    "stringequalsignorecase": (False, lambda value, wanted: value.lower() == wanted.lower()),
    "stringnotequalsignorecase": (True, lambda value, wanted: value.lower() == wanted.lower()),
    "bool": (False, lambda value, wanted: value.lower() == wanted.lower()),
    "binaryequals": (False, _same_bytes),
    "ipaddress": (False, _in_network),
    "notipaddress": (True, _in_network),
    **{f"numeric{name}": (False, _numbers(compare)) for name, compare in _ORDERS.items()},
    **{f"date{name}": (False, _dates(compare)) for name, compare in _ORDERS.items()},
    "numericnotequals": (True, _numbers(_ORDERS["equals"])),
    "datenotequals": (True, _dates(_ORDERS["equals"])),
}
