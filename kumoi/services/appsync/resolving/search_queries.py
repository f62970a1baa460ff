"""Conditions such as `{"votes": {"gte": 1}, "or": […]}` as queries of OpenSearch: `toElasticsearchQueryDSL`; pure.

Several rules, of one field or of several, have all to hold. Source: "Transformation helpers in $util.transform";
`search.js` has the same for code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kumoi.services.appsync.resolving.outcomes import FieldError

_DEEPEST = 50


def query(condition: Any) -> dict[str, Any]:
    """The query; raises FieldError."""
    return _all(_clauses(condition, 0))


def _clauses(condition: Any, depth: int) -> list[dict[str, Any]]:
    if not isinstance(condition, Mapping) or depth > _DEEPEST:
        raise FieldError("A condition has to be a map, and nest a few levels only.", "MappingTemplate")
    found = []
    for name, rule in condition.items():
        if rule is None:
            continue
        if name in ("and", "or"):
            rules = rule if isinstance(rule, list) else [rule]
            inner = [_all(_clauses(one, depth + 1)) for one in rules]
            found.append(_any(inner) if name == "or" else _all(inner))
        elif name == "not":
            found.append(_not(_all(_clauses(rule, depth + 1))))
        else:
            found.append(_all(_of_field(str(name), rule)))
    return found


def _of_field(name: str, rule: Any) -> list[dict[str, Any]]:
    if not isinstance(rule, Mapping):
        raise FieldError(f"The rule of {name} has to be a map.", "MappingTemplate")
    found = []
    for operator, value in rule.items():
        made = _OPERATORS.get(operator)
        if made is None:
            raise FieldError(f"Unsupported operator: {operator}", "MappingTemplate")
        found.append(made(name, value))
    return found


def _all(clauses: list[dict[str, Any]]) -> dict[str, Any]:
    if not clauses:
        return {"match_all": {}}
    return clauses[0] if len(clauses) == 1 else {"bool": {"must": clauses}}


def _any(clauses: list[dict[str, Any]]) -> dict[str, Any]:
    return {"bool": {"should": clauses, "minimum_should_match": 1}}


def _not(clause: dict[str, Any]) -> dict[str, Any]:
    return {"bool": {"must_not": clause}}


def _simple(kind: str) -> Callable[[str, Any], dict[str, Any]]:
    return lambda name, value: {kind: {name: value}}


def _bounded(bound: str) -> Callable[[str, Any], dict[str, Any]]:
    return lambda name, value: {"range": {name: {bound: value}}}


def _between(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise FieldError("range takes a list of two values.", "MappingTemplate")
    return {"range": {name: {"gte": value[0], "lte": value[1]}}}


def _exists(name: str, value: Any) -> dict[str, Any]:
    found = {"exists": {"field": name}}
    return found if value else _not(found)


_OPERATORS: dict[str, Callable[[str, Any], dict[str, Any]]] = {
    "eq": _simple("term"),
    "ne": lambda name, value: _not({"term": {name: value}}),
    "gt": _bounded("gt"),
    "gte": _bounded("gte"),
    "lt": _bounded("lt"),
    "lte": _bounded("lte"),
    "range": _between,
    "match": _simple("match"),
    "matchPhrase": _simple("match_phrase"),
    "matchPhrasePrefix": _simple("match_phrase_prefix"),
    "multiMatch": lambda name, value: {"multi_match": {"query": value, "fields": [name]}},
    "exists": _exists,
    "wildcard": _simple("wildcard"),
    "regexp": _simple("regexp"),
}
