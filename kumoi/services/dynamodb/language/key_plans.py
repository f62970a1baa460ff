"""Key conditions that were asked before: which placeholders stand for the keys is known by their text.

An application asks a few key conditions again and again with other values. A plan comes of the whole reading with marks
in the place of values, so that it says what that says. Where the values' types decide (BETWEEN, begins_with), or
something is refused, there is none: then all is read anew, and refused in the order in which DynamoDB does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from kumoi.services.dynamodb.language.key_conditions import KeyCondition, parse_key_condition
from kumoi.services.dynamodb.language.placeholders import Names, Values
from kumoi.services.dynamodb.language.values import Item, Value, normalise
from kumoi.wire.errors import AwsError

_OF_ANY_TYPE = frozenset(("", "=", "<", "<=", ">", ">="))
_MARK = "placeholder"


class KeyPlan(NamedTuple):
    """The placeholder of the partition key's value; the sort key's operator ("" for none) and its operand's."""

    hash: str
    operator: str
    operand: str


class _Marks(Values):
    """Values that tell which placeholder they stand for."""

    def get(self, placeholder: str) -> Value | None:
        """The mark of a placeholder."""
        return {_MARK: placeholder}


def planned(
    text: str, names: Mapping[str, str] | None, values: Item | None, hash_name: str, range_name: str
) -> KeyCondition | None:
    """What `parse_key_condition` makes of an expression that uses all names and values; None leaves it to that."""
    plan = _plan(text, None if names is None else tuple(names.items()), hash_name, range_name)
    if plan is None or values is None:
        return None
    hash_value = values.get(plan.hash)
    if hash_value is None or len(values) != (1 if plan.operand in ("", plan.hash) else 2):
        return None
    try:
        if not plan.operator:
            return KeyCondition(normalise(hash_value))
        operand = values.get(plan.operand)
        if operand is None:
            return None
        return KeyCondition(normalise(hash_value), plan.operator, (normalise(operand),))
    except AwsError:
        return None


@lru_cache(4096)
def _plan(text: str, names: tuple[tuple[str, str], ...] | None, hash_name: str, range_name: str) -> KeyPlan | None:
    try:
        known = Names(None if names is None else dict(names))
        condition = parse_key_condition(text, known, _Marks(None), hash_name, range_name)
        known.check_used()
    except AwsError:
        return None
    if condition.range_operator not in _OF_ANY_TYPE:
        return None
    operand = condition.range_values[0][_MARK] if condition.range_values else ""
    return KeyPlan(condition.hash_value[_MARK], condition.range_operator, operand)
