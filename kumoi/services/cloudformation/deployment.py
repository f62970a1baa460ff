"""One operation on one stack, from its first resource to its last event: create, update, roll back, delete.

Resources are brought to what is wanted (`making.py`), taken away (`taking_away.py`) and changed back
(`going_back.py`), in the order of their needs (`walk.py`); each step is stored (`journal.py`). Source: "Stack failure
options" and "Understand update behaviors of stack resources" of the user guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson

from kumoi.doorway import Doorway
from kumoi.doorway.resource_types import ResourceType
from kumoi.services.cloudformation import going_back, importing
from kumoi.services.cloudformation.acting import Acting
from kumoi.services.cloudformation.journal import Journal
from kumoi.services.cloudformation.making import bring_to, scope_for
from kumoi.services.cloudformation.outputs import check_exports, outputs_of
from kumoi.services.cloudformation.records import Source, Stack
from kumoi.services.cloudformation.scope import wanted_resources
from kumoi.services.cloudformation.taking_away import clean_up, delete
from kumoi.services.cloudformation.types import Types
from kumoi.services.cloudformation.walk import Cancelled, Failed
from kumoi.wire.errors import AwsError

KEEPING = "DO_NOTHING"


class Deployment:
    """An operation on a stack."""

    def __init__(self, doorway: Doorway, stack: Stack, types: Mapping[str, ResourceType]) -> None:
        self._journal = Journal(doorway, stack)
        tags = (stack.wanted or stack.source).tags
        self._acting = Acting(self._journal, Types(types, tags))

    @property
    def stack(self) -> Stack:
        """The stack as it is now."""
        return self._journal.stack

    def call_off(self) -> None:
        """Begin nothing more; what is under way comes to its end and is rolled back."""
        self._acting.called_off = True

    async def create(self) -> None:
        """Make a new stack's resources; what fails is handled as the stack says."""
        await self._journal.open()
        assert self.stack.wanted is not None
        reason = await self._bring_to(self.stack.wanted)
        if reason is None:
            await self._finish("CREATE_COMPLETE", self.stack.wanted)
        elif self.stack.on_failure == KEEPING:
            await self._journal.become("CREATE_FAILED", reason)
        else:
            await self._journal.become("ROLLBACK_IN_PROGRESS", f"{reason}Rollback requested by user.")
            await self.roll_back_creation()

    async def roll_back_creation(self) -> None:
        """Undo a creation that failed or was interrupted."""
        journal = self._journal
        await journal.open()
        try:
            await delete(self._acting, list(journal.live), rolling_back=True)
        except Failed as failure:
            await journal.become("ROLLBACK_FAILED", str(failure))
            return
        await journal.become("ROLLBACK_COMPLETE")
        if self.stack.on_failure == "DELETE":
            await self.delete()

    async def update(self) -> None:
        """Bring the resources to what is wanted; back to what was, when that fails (unless that is not wanted)."""
        journal = self._journal
        await journal.open()
        assert self.stack.wanted is not None
        reason = await self._bring_to(self.stack.wanted)
        if reason is None:
            await journal.become("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            await self.complete_update()
        elif self.stack.on_failure == KEEPING and not self._acting.called_off:
            await journal.become("UPDATE_FAILED", reason)
        else:
            await journal.become("UPDATE_ROLLBACK_IN_PROGRESS", reason)
            await self.roll_back()

    async def complete_update(self) -> None:
        """What an update does once every resource is as it should be: take away what is wanted no more."""
        await self._journal.open()
        source = self.stack.wanted
        assert source is not None
        scope = await scope_for(self._acting, source)
        await clean_up(self._acting, set(wanted_resources(orjson.loads(source.processed), scope)))
        await self._finish("UPDATE_COMPLETE", source)

    async def roll_back(self, skipped: Iterable[str] = ()) -> None:
        """Undo an update that failed or was interrupted; `skipped` resources are left as they are."""
        journal = self._journal
        await journal.open()
        try:
            if self.stack.status != "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS":
                await going_back.change_back(self._acting, skipped)
                await journal.become("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
            await going_back.clean_up(self._acting)
        except Failed as failure:
            await journal.become("UPDATE_ROLLBACK_FAILED", str(failure))
            return
        await journal.become("UPDATE_ROLLBACK_COMPLETE", wanted=None, policy_once=None)

    async def take_in(self, imports: Mapping[str, str]) -> None:
        """Import resources (logical name to physical id); should that fail, those taken in are let go."""
        journal = self._journal
        await journal.open()
        source = self.stack.wanted
        assert source is not None
        scope = await scope_for(self._acting, source)
        try:
            await importing.take_in(self._acting, source, scope, imports)
            await check_exports(journal.state, self.stack, outputs_of(orjson.loads(source.processed), scope))
        except Failed as failure:
            await self._let_go(str(failure))
        except AwsError as error:
            await self._let_go(error.message)
        else:
            await self._finish("IMPORT_COMPLETE", source)

    async def _let_go(self, reason: str) -> None:
        await self._journal.become("IMPORT_ROLLBACK_IN_PROGRESS", reason)
        await self.let_go()

    async def let_go(self) -> None:
        """Undo an import that failed or was interrupted."""
        await self._journal.open()
        await importing.let_go(self._acting)
        await self._journal.become("IMPORT_ROLLBACK_COMPLETE", wanted=None)

    async def delete(self, retained: Iterable[str] = ()) -> None:
        """Delete the resources, but for those that are to be retained, and the stack."""
        journal = self._journal
        await journal.open()
        if self.stack.status != "DELETE_IN_PROGRESS":
            await journal.become("DELETE_IN_PROGRESS")
        try:
            await delete(self._acting, list(journal.live), rolling_back=False, retained=retained)
        except Failed as failure:
            await journal.become("DELETE_FAILED", str(failure))
            return
        await journal.become("DELETE_COMPLETE", deleted=journal.now)

    async def _bring_to(self, source: Source) -> str | None:
        """Bring the resources to what a source wants; why that failed, or None."""
        scope = await scope_for(self._acting, source)
        try:
            await bring_to(self._acting, source, scope)
            await check_exports(self._journal.state, self.stack, outputs_of(orjson.loads(source.processed), scope))
        except Failed as failure:
            return str(failure)
        except AwsError as error:
            return f"{error.message} "
        except Cancelled:
            return "User Initiated. "
        return None

    async def _finish(self, status: str, source: Source) -> None:
        """The operation is done: outputs are kept, what was wanted is what the stack is made from."""
        journal = self._journal
        template = orjson.loads(source.processed)
        scope = await scope_for(self._acting, source)
        for resource in wanted_resources(template, scope).values():
            scope.evaluate(resource.get("Properties", {}))  # for what it imports
        await journal.finish(
            status,
            source=source,
            wanted=None,
            policy_once=None,
            outputs=outputs_of(template, scope),
            imports=tuple(sorted(scope.imports)),
            previous=self.stack.source,
            drift="NOT_CHECKED",
        )
