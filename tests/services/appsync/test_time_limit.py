"""A query whose time is over."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from kumoi.services.appsync.execution import running
from kumoi.services.appsync.execution.documents import read
from kumoi.services.appsync.kept import Kept
from kumoi.services.appsync.schema.compiled import compiled
from kumoi.time_limit import TimeLimit


def test_a_query_is_told_that_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck:
        def __init__(self, *_: object) -> None: ...

        async def run(self, *_: object) -> None:
            await asyncio.Event().wait()

    async def program(*_: object) -> Any:
        return SimpleNamespace(introspection=None)

    found = compiled("type Query { hello: String }")
    document = read(found, "{ hello }")
    kept = Kept()
    kept.time_limit = TimeLimit(0.05)
    asked: Any = SimpleNamespace(variables={}, caller=None, api=SimpleNamespace(properties={}))
    bound: Any = SimpleNamespace(schema=found, program=program)
    monkeypatch.setattr(running, "Execution", Stuck)
    answer = asyncio.run(running.run(asked, bound, kept, document, document.operations[0]))
    assert answer["data"] is None
    assert answer["errors"][0]["errorType"] == "ExecutionTimeout"
