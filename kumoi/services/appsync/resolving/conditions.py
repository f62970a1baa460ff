"""Conditions such as `{"n": {"gt": 1}, "or": […]}` as DynamoDB's expressions: `$util.transform`; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.typed import typed

_SYMBOLS = {"ne": "<>", "eq": "=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_OTHER = re.compile(r"[^A-Za-z0-9_]")


def expression(condition: Any) -> dict[str, Any]:
    """The expression, its names and its values; raises FieldError."""
    if not isinstance(condition, dict):
        raise FieldError("A condition has to be a map.", "MappingTemplate")
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    text = _all(condition, "", names, values)
    return {"expression": text, "expressionNames": names, "expressionValues": values}


def _all(condition: Mapping[str, Any], prefix: str, names: dict[str, str], values: dict[str, Any]) -> str:
    parts: list[str] = []
    for name, rule in condition.items():
        if rule is None:
            continue
        if name in ("and", "or"):
            rules = rule if isinstance(rule, list) else [rule]
            inner = [_all(one, f"{prefix}{name}_{at}_", names, values) for at, one in enumerate(rules)]
            given = [one for one in inner if one]
            if len(given) > 1:
                parts.append(f"({f' {name.upper()} '.join(given)})")
            else:
                parts += given  # DynamoDB refuses redundant parentheses
        elif name == "not":
            parts.append(f"(NOT {_all(rule, f'{prefix}not_', names, values)})")
        else:
            parts += _of_field(name, rule, prefix, names, values)
    joined = " AND ".join(parts)
    return f"({joined})" if len(parts) > 1 else joined


def _of_field(
    name: str, rule: Mapping[str, Any], prefix: str, names: dict[str, str], values: dict[str, Any]
) -> list[str]:
    plain = _OTHER.sub("_", name)
    alias = f"#{plain}"
    names[alias] = name

    def held(operator: str, value: Any) -> str:
        label = f":{prefix}{plain}_{operator}"
        values[label] = typed(value)
        return label

    parts: list[str] = []
    for operator, value in rule.items():
        if operator in _SYMBOLS:
            parts.append(f"({alias} {_SYMBOLS[operator]} {held(operator, value)})")
        elif operator == "between":
            parts.append(f"({alias} BETWEEN {held('between_1', value[0])} AND {held('between_2', value[1])})")
        elif operator == "in":
            options = ", ".join(held(f"in_{at}", one) for at, one in enumerate(value))
            parts.append(f"({alias} IN ({options}))")
        elif operator == "contains":
            parts.append(f"contains({alias}, {held(operator, value)})")
        elif operator == "notContains":
            parts.append(f"(NOT contains({alias}, {held(operator, value)}))")
        elif operator == "beginsWith":
            parts.append(f"(begins_with({alias}, {held(operator, value)}))")
        elif operator == "attributeExists":
            parts.append(f"({'attribute_exists' if value else 'attribute_not_exists'}({alias}))")
        elif operator == "attributeType":
            parts.append(f"(attribute_type({alias}, {held(operator, value)}))")
        elif operator == "size":
            parts += (
                f"(size({alias}) {_SYMBOLS[inner]} {held(f'size_{inner}', one)})"
                for inner, one in value.items()
                if inner in _SYMBOLS
            )
        else:
            raise FieldError(f"Unsupported operator: {operator}", "MappingTemplate")
    return parts
