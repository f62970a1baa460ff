"""Which of a mutation's results a subscription wants: pure rules over plain values.

A subscription's arguments are compared with the members of the result. An enhanced filter, set by the resolver of the
subscription's field, takes their place: groups of conditions, of which one whole group has to hold. Source: "Enhanced
subscription filtering" and "Extensions" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from kumoi.services.appsync.resolving.outcomes import FieldError

MAX_GROUPS = 10
MAX_DEPTH = 5
MAX_PATH = 256
MAX_LIST = 5
MAX_ANY = 20
ANYTHING: tuple[Condition, ...] = ()
"""The group that always holds."""


class Condition(NamedTuple):
    """A member of the result (a path of names), an operator, and what the member is compared with."""

    path: tuple[str, ...]
    operator: str
    value: Any


class Filter(NamedTuple):
    """Groups of conditions; it holds where all conditions of one group do."""

    groups: tuple[tuple[Condition, ...], ...]

    def holds(self, payload: Any) -> bool:
        """Whether a result is wanted."""
        return any(
            all(_OPERATORS[one.operator](_member(payload, one.path), one.value) for one in group)
            for group in self.groups
        )


def of_arguments(arguments: Mapping[str, Any]) -> Filter:
    """The filter that a subscription's arguments are: each has to equal the member of its name."""
    return Filter((tuple(Condition((name,), "eq", value) for name, value in arguments.items()),))


def parsed(given: Any) -> Filter:
    """An enhanced filter as resolvers set it: `{"filterGroup": [{"filters": […]}]}`, or that as text.

    None, and a filter without groups, wants everything. Raises FieldError.
    """
    if isinstance(given, str):
        try:
            given = orjson.loads(given)
        except orjson.JSONDecodeError:
            raise _bad("it is not JSON") from None
    if given is None:
        return Filter((ANYTHING,))
    groups = given.get("filterGroup") if isinstance(given, dict) else None
    if not isinstance(groups, list):
        raise _bad("filterGroup has to be a list")
    if len(groups) > MAX_GROUPS:
        raise _bad(f"filterGroup has more than {MAX_GROUPS} elements")
    made = tuple(_group(one) for one in groups)
    return Filter(made or (ANYTHING,))


def _group(given: Any) -> tuple[Condition, ...]:
    filters = given.get("filters") if isinstance(given, dict) else None
    if not isinstance(filters, list):
        raise _bad("filters has to be a list")
    return tuple(_condition(one) for one in filters)


def _condition(given: Any) -> Condition:
    if not isinstance(given, dict) or not isinstance(given.get("fieldName"), str):
        raise _bad("fieldName has to be a string")
    name, operator, value = given["fieldName"], str(given.get("operator")), given.get("value")
    path = tuple(name.split("."))
    if len(name) > MAX_PATH or len(path) > MAX_DEPTH or "" in path:
        raise _bad(f"fieldName has to be up to {MAX_DEPTH} names and {MAX_PATH} characters: {name[:MAX_PATH]}")
    if operator not in _OPERATORS:
        raise _bad(f"unsupported operator {operator}")
    most = {"in": MAX_LIST, "notIn": MAX_LIST, "between": 2, "containsAny": MAX_ANY}.get(operator)
    if most is None:
        if isinstance(value, list | dict):
            raise _bad(f"the value of {operator} has to be a scalar")
    elif not isinstance(value, list) or len(value) > most or (operator == "between" and len(value) < most):
        raise _bad(f"the value of {operator} has to be a list of {'' if operator == 'between' else 'up to '}{most}")
    return Condition(path, operator, value)


def _bad(why: str) -> FieldError:
    return FieldError(f"Invalid subscription filter: {why}.", "BadRequestException")


def _member(payload: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(payload, dict):
            return None
        payload = payload.get(name)
    return payload


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _ordered(rule: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A comparison of numbers, or of strings; other values compare as nothing."""

    def compare(found: Any, value: Any) -> bool:
        if not (_number(found) and _number(value)) and not (isinstance(found, str) and isinstance(value, str)):
            return False
        return rule(found, value)

    return compare


_AT_LEAST = _ordered(lambda found, value: found >= value)
_AT_MOST = _ordered(lambda found, value: found <= value)


def _among(found: Any, values: Any) -> bool:
    return any(_same(found, one) for one in values)


def _contains(found: Any, value: Any) -> bool:
    if isinstance(found, str):
        return isinstance(value, str) and value in found
    return isinstance(found, list) and any(_same(one, value) for one in found)


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": _same,
    "ne": lambda found, value: not _same(found, value),
    "le": _AT_MOST,
    "lt": _ordered(lambda found, value: found < value),
    "ge": _AT_LEAST,
    "gt": _ordered(lambda found, value: found > value),
    "contains": _contains,
    "notContains": lambda found, value: not _contains(found, value),
    "beginsWith": lambda found, value: isinstance(found, str) and isinstance(value, str) and found.startswith(value),
    "in": _among,
    "notIn": lambda found, values: not _among(found, values),
    "between": lambda found, values: _AT_LEAST(found, values[0]) and _AT_MOST(found, values[1]),
    "containsAny": lambda found, values: any(_contains(found, one) for one in values),
}


def transformed(condition: Any, ignored: Any = None, rules: Any = None) -> dict[str, Any]:
    """`util.transform.toSubscriptionFilter`: a condition such as `{"n": {"gt": 1}, "or": […]}` as a filter.

    Members in `ignored` are left out; `rules`, another condition, are joined to every group. Raises FieldError.
    """
    left_out = frozenset(str(one) for one in ignored or ())
    groups = _product(_alternatives(condition, left_out), _alternatives(rules, frozenset()))
    shown = [
        {"filters": [{"fieldName": name, "operator": operator, "value": value} for name, operator, value in group]}
        for group in groups
        if group
    ]
    return {"filterGroup": shown}


_Alternatives = list[list[tuple[str, str, Any]]]


def _alternatives(condition: Any, ignored: frozenset[str]) -> _Alternatives:
    """The groups, one of which has to hold, that a condition comes to."""
    groups: _Alternatives = [[]]
    if condition is None:
        return groups
    if not isinstance(condition, dict):
        raise _bad("a condition has to be a map")
    for name, rule in condition.items():
        if rule is None or name in ignored:
            continue
        if name in ("and", "or"):
            parts = [_alternatives(one, ignored) for one in (rule if isinstance(rule, list) else [rule])]
            if name == "and":
                for part in parts:
                    groups = _product(groups, part)
            elif parts:
                groups = _product(groups, [group for part in parts for group in part])
        elif isinstance(rule, dict):
            groups = [[*group, *((name, str(operator), value) for operator, value in rule.items())] for group in groups]
        else:
            raise _bad(f"the rule of {name} has to be a map")
        if len(groups) > MAX_GROUPS:
            raise _bad(f"it has more than {MAX_GROUPS} alternatives")
    return groups


def _product(some: _Alternatives, others: _Alternatives) -> _Alternatives:
    if len(some) * len(others) > MAX_GROUPS:
        raise _bad(f"it has more than {MAX_GROUPS} alternatives")
    return [[*one, *other] for one in some for other in others]
