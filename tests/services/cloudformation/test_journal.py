"""What is written down of an operation on a stack: on a store of one's own."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from kumoi.clock import Clock
from kumoi.services.cloudformation import journal
from kumoi.services.cloudformation.journal import Journal
from kumoi.services.cloudformation.operations import change_sets as change_sets_module
from kumoi.services.cloudformation.records import ChangeSet, Source, Stack, StackResource, change_sets, stacks
from kumoi.state.sqlite import SqliteState
from kumoi.wire import AwsError

STACK = Stack(
    id="arn:aws:cloudformation:us-east-1:000000000000:stack/s/1",
    name="s",
    account="000000000000",
    region="us-east-1",
    status="IMPORT_IN_PROGRESS",
    created=0.0,
    source=Source(template="{}", processed="{}"),
)


async def crash(*_: Any, **__: Any) -> None:
    raise SystemError


def resource(name: str) -> StackResource:
    return StackResource(stack=STACK.id, name=name, type="AWS::SQS::Queue", status="", when=0.0, fresh=True)


def test_a_change_set_is_carried_out_or_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends its beginning: a crash, or another operation that was quicker."""

    async def main() -> None:
        state = await SqliteState.open(None, clock=Clock())
        place = state.at("1", "r")
        made = ChangeSet(
            id="c", name="c", stack=STACK.id, kind="UPDATE", status="", execution="", created=0.0, source=STACK.source
        )

        def execute(allowed: tuple[str, ...]) -> Any:
            given: Any = (STACK.id, allowed, "{}", "UPDATE_IN_PROGRESS", 0.0, {})
            return change_sets_module._execute(place, *given)

        await place.run(stacks.put, STACK)
        await place.run(change_sets.put, made)
        with pytest.raises(AwsError):
            await execute(())
        with monkeypatch.context() as patched, pytest.raises(SystemError):
            patched.setattr(change_sets, "delete_all", crash)
            await execute((STACK.status,))
        assert await place.run(change_sets.list, STACK.id) == [made]
        found = await place.run(stacks.get, STACK.id)
        assert found == STACK
        begun = await execute((STACK.status,))
        assert (begun.status, await place.run(change_sets.list, STACK.id)) == ("UPDATE_IN_PROGRESS", [])
        await state.close()

    asyncio.run(main())


def test_an_operation_is_done_for_all_resources_or_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that counts as done while the stack is not is neither taken away nor let go after a crash."""

    async def main() -> None:
        clock = Clock()
        state = await SqliteState.open(None, clock=clock)
        doorway: Any = SimpleNamespace(state=state, clock=clock)
        written = Journal(doorway, STACK)
        for name in ("a", "b"):
            await written.keep(resource(name))

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
