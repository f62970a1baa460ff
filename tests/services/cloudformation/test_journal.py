"""What is written down of an operation on a stack: on a store of one's own."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from kumoi.clock import Clock
from kumoi.services.cloudformation import journal
from kumoi.services.cloudformation.journal import Journal
from kumoi.services.cloudformation.records import Source, Stack, StackResource
from kumoi.state.sqlite import SqliteState

STACK = Stack(
    id="arn:aws:cloudformation:us-east-1:000000000000:stack/s/1",
    name="s",
    account="000000000000",
    region="us-east-1",
    status="IMPORT_IN_PROGRESS",
    created=0.0,
    source=Source(template="{}", processed="{}"),
)


def resource(name: str) -> StackResource:
    return StackResource(stack=STACK.id, name=name, type="AWS::SQS::Queue", status="", when=0.0, fresh=True)


def test_an_operation_is_done_for_all_resources_or_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that counts as done while the stack is not is neither taken away nor let go after a crash."""

    async def main() -> None:
        clock = Clock()
        state = await SqliteState.open(None, clock=clock)
        doorway: Any = SimpleNamespace(state=state, clock=clock)
        written = Journal(doorway, STACK)
        for name in ("a", "b"):
            await written.keep(resource(name))

        async def crash(*_: Any, **__: Any) -> None:
            raise SystemError

        async def fresh() -> list[bool]:
            read = Journal(doorway, STACK)
            await read.open()
            return [one.fresh for one in read.live.values()]

        with monkeypatch.context() as patched, pytest.raises(SystemError):
            patched.setattr(journal, "set_status", crash)
            await written.finish("IMPORT_COMPLETE")
        assert await fresh() == [True, True]
        await written.finish("IMPORT_COMPLETE")
        assert (await fresh(), written.stack.status) == ([False, False], "IMPORT_COMPLETE")
        await state.close()

    asyncio.run(main())
