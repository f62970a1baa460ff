"""Statements for the RDS Data API: which variables of a map each statement is given, and as what."""

from __future__ import annotations

import asyncio
from typing import Any

from kumoi.services.appsync.resolving.relational import ask


def parameters(statement: str, **variables: Any) -> dict[str, Any]:
    asked: list[dict[str, Any]] = []

    async def execute(_operation: str, **params: Any) -> dict[str, Any]:
        asked.append(params)
        return {}

    asyncio.run(ask(execute, {}, {"statements": [statement], "variableMap": variables}))
    return {one["name"]: one["value"] for one in asked[0]["parameters"]}


def test_a_statement_gets_the_variables_that_it_names() -> None:
    given = {":ID": 1, ":OTHER": 2, "text": "a cast is no variable"}
    assert parameters("select :ID::text from t where id = :ID", **given) == {"ID": {"longValue": 1}}


def test_values_keep_their_types() -> None:
    given = {":a": None, ":b": True, ":c": 2, ":d": 1.5, ":e": "x", ":f": {"k": [1]}, ":g": 3.0}
    assert parameters("select :a, :b, :c, :d, :e, :f, :g", **given) == {
        "a": {"isNull": True},
        "b": {"booleanValue": True},
        "c": {"longValue": 2},
        "d": {"doubleValue": 1.5},
        "e": {"stringValue": "x"},
        "f": {"stringValue": '{"k":[1]}'},
        "g": {"longValue": 3},
    }
