"""Functions behind APIs: whoever takes too long is not waited for, and goes on."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from kumoi.doorway import Principal
from kumoi.http_api.functions import FunctionCaller, IntegrationFailed


def test_a_function_that_takes_too_long_goes_on() -> None:
    async def run() -> None:
        caller, may_end, ended = FunctionCaller(), asyncio.Event(), asyncio.Event()

        async def invoke(_who: Principal, *_: str, **params: Any) -> dict[str, Any]:
            if params["FunctionName"] == "slow":
                await may_end.wait()
                ended.set()
            return {"Payload": params["Payload"]}

        call: Any = SimpleNamespace(account="000000000000", node="apigatewayv2:a", to_as=invoke)
        with pytest.raises(IntegrationFailed) as failed:
            await caller.invoke(call, "slow", {"a": 1}, 0.05)
        assert failed.value.reason == "timeout" and "slow did not answer within 0.05 s" in str(failed.value)
        assert await caller.invoke(call, "quick", {"a": 1}, 30) == b'{"a":1}'
        may_end.set()
        await ended.wait()
        await caller.stop()

    asyncio.run(run())


def test_a_request_that_is_given_up_leaves_its_function_alone() -> None:
    async def run() -> None:
        caller, begun, may_end = FunctionCaller(), asyncio.Event(), asyncio.Event()
        ended: list[str] = []

        async def invoke(*_: Any, **params: Any) -> dict[str, Any]:
            begun.set()
            await may_end.wait()
            ended.append(params["FunctionName"])
            return {"Payload": b"null"}

        call: Any = SimpleNamespace(account="000000000000", node="apigatewayv2:a", to_as=invoke)
        request = asyncio.create_task(caller.invoke(call, "f", None, 30))
        await begun.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        may_end.set()
        while not ended:
            await asyncio.sleep(0)
        await caller.stop()
        assert ended == ["f"]

    asyncio.run(run())
