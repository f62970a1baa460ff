"""Condition operators: how the values of a key in a request's context are held against those of a policy.

Source: "IAM JSON policy elements: Condition operators" and "Multivalued context keys" of the IAM user guide.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from kumoi.policy.patterns import Context, Test, any_of, substituted

Condition = Callable[[Context], bool]


class UnknownOperator(ValueError):
    """There is no condition operator of that name."""


def compile_condition(name: str, key: str, values: Sequence[str], *, variables: bool = True) -> Condition:
    """One key under one operator; UnknownOperator when there is none of that name."""
    quantifier, _, rest = name.lower().rpartition(":")
    if quantifier not in ("", "forallvalues", "foranyvalue"):
        raise UnknownOperator(name)
    kind = rest.removesuffix("ifexists")
    if_exists = kind != rest
    key = key.lower()
    if kind == "null":
        wanted = {value.lower() for value in values}
        return lambda context: ("false" if context.get(key) else "true") in wanted
    negated = "not" in kind
    matches = _matcher(kind, values, variables)
    without = quantifier == "forallvalues" or if_exists or (negated and quantifier != "foranyvalue")
    every = quantifier == "forallvalues" or (negated and not quantifier)

    def condition(context: Context) -> bool:
        found = context.get(key)
        if not found:
            return without
        for value in found:
            holds = matches(value, context) is not negated
            if holds is not every:
                return holds
        return every

    return condition


def _matcher(name: str, values: Sequence[str], variables: bool) -> Test:
    """Whether a value of the request matches one of the policy's."""
    if name in ("stringlike", "stringnotlike"):
        return any_of(values, variables=variables)
    if name in ("arnequals", "arnlike", "arnnotequals", "arnnotlike"):
        return _arns(values, variables)
    found = _COMPARISONS.get(name)
    if found is None:
        raise UnknownOperator(name)
    read, read_wanted, compare = found
    varying = [value for value in values if variables and "${" in value]
    fixed = [wanted for value in values if value not in varying and (wanted := read_wanted(value)) is not None]

    def matches(value: str, context: Context) -> bool:
        one = read(value)
        if one is None:
            return False
        for wanted in fixed:
            if compare(one, wanted):
                return True
        for text in varying:
            filled = substituted(text, context)
            wanted = None if filled is None else read_wanted(filled)
            if wanted is not None and compare(one, wanted):
                return True
        return False

    return matches


def _arns(values: Sequence[str], variables: bool) -> Test:
    """ARNs are compared part by part: a wildcard does not reach over a colon."""
    tests = [[any_of([part], variables=variables) for part in value.split(":", 5)] for value in values]

    def matches(value: str, context: Context) -> bool:
        parts = value.split(":", 5)
        return len(parts) == 6 and any(
            len(test) == 6 and all(one(part, context) for one, part in zip(test, parts, strict=True)) for test in tests
        )

    return matches


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _moment(text: str) -> float | None:
    """An epoch time, or an ISO 8601 date, in epoch seconds."""
    if re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]+)?", text):
        return float(text)
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


Read = Callable[[str], Any]
"""A value of a text; None for what is none of its kind."""

Compared = tuple[Read, Read, Callable[[Any, Any], bool]]
"""How the request's value is read, how the policy's, and when the one satisfies the other."""


def _same(read: Read) -> Compared:
    return read, read, operator.eq


_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "lessthan": operator.lt,
    "lessthanequals": operator.le,
    "greaterthan": operator.gt,
    "greaterthanequals": operator.ge,
    "equals": operator.eq,
    "notequals": operator.eq,
}

_COMPARISONS: Mapping[str, Compared] = {
    "stringequals": _same(str),
    "stringnotequals": _same(str),
    "stringequalsignorecase": _same(str.lower),
    "stringnotequalsignorecase": _same(str.lower),
    "bool": _same(str.lower),
    "binaryequals": _same(_bytes),
    "ipaddress": (_address, _network, lambda address, network: address in network),
    "notipaddress": (_address, _network, lambda address, network: address in network),
    **{f"numeric{name}": (_number, _number, compare) for name, compare in _ORDERS.items()},
    **{f"date{name}": (_moment, _moment, compare) for name, compare in _ORDERS.items()},
}
