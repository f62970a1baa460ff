"""The engine: the operations on stacks that are under way, one a stack, and those a crash interrupted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from kumoi.doorway import Doorway
from kumoi.services.cloudformation.deployment import KEEPING, Deployment
from kumoi.services.cloudformation.journal import set_status
from kumoi.services.cloudformation.lookup import live_stacks
from kumoi.services.cloudformation.records import Stack
from kumoi.state import Transaction, transactional

logger = logging.getLogger(__name__)

SOON_SECONDS = 2.0
"""How long an answer waits for its operation, so that most clients find it done at their first look."""

Run = Callable[[Deployment], Awaitable[None]]


_FAILED = {
    "CREATE": "CREATE_FAILED",
    "ROLLBACK": "ROLLBACK_FAILED",
    "UPDATE": "UPDATE_ROLLBACK_FAILED",
    "DELETE": "DELETE_FAILED",
    "IMPORT": "IMPORT_ROLLBACK_FAILED",
}
"""What a stack is when Kumoi itself failed, by how its status began: none of them needs what is lost."""


class _Running(NamedTuple):
    deployment: Deployment
    task: asyncio.Task[None]


class Engine:
    """All deployments of a platform."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._running: dict[str, _Running] = {}

    async def run(self, stack: Stack, run: Run) -> None:
        """Begin an operation; returns when it is done, or goes on for longer."""
        await asyncio.wait([self.begin(stack, run)], timeout=SOON_SECONDS)

    async def finish(self, stack: Stack, run: Run) -> None:
        """Begin an operation and wait for its end; it is cancelled with whoever waits."""
        await self.begin(stack, run)

    def begin(self, stack: Stack, run: Run) -> asyncio.Task[None]:
        """Begin an operation; its task."""
        deployment = Deployment(self._doorway, stack, self._doorway.registry.resource_types)
        task = asyncio.create_task(self._carry_out(deployment, run))
        self._running[stack.id] = _Running(deployment, task)
        task.add_done_callback(lambda _: self._over(stack.id, task))
        return task

    def _over(self, stack_id: str, task: asyncio.Task[None]) -> None:
        found = self._running.get(stack_id)
        if found is not None and found.task is task:
            del self._running[stack_id]

    async def ended(self, stack_id: str) -> None:
        """Return once nothing is under way for a stack."""
        while (found := self._running.get(stack_id)) is not None:
            await asyncio.wait([found.task])

    def call_off(self, stack_id: str) -> None:
        """Have an update begin nothing more and be rolled back."""
        found = self._running.get(stack_id)
        if found is not None:
            found.deployment.call_off()

    async def abort(self, stack_id: str) -> None:
        """Stop what is under way for a stack where it is."""
        await self._cancel([one for one in self._running if one == stack_id])

    async def resume(self) -> None:
        """Go on where an earlier process ended: what was under way is rolled back, what was nearly done is finished."""
        for stack in await _interrupted(self._doorway.state.at("", "")):
            stack, run = await self._resumption(stack)
            if run is not None:
                self.begin(stack, run)

    async def _resumption(self, stack: Stack) -> tuple[Stack, Run | None]:
        match stack.status:
            case "DELETE_IN_PROGRESS":
                return stack, Deployment.delete
            case "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
                return stack, Deployment.complete_update
            case "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS":
                return stack, Deployment.roll_back
            case "ROLLBACK_IN_PROGRESS":
                return stack, Deployment.roll_back_creation
            case "IMPORT_IN_PROGRESS" | "IMPORT_ROLLBACK_IN_PROGRESS":
                return await self._interrupted(stack, "IMPORT_ROLLBACK_IN_PROGRESS"), Deployment.let_go
            case "CREATE_IN_PROGRESS" if stack.on_failure == KEEPING:
                return await self._interrupted(stack, "CREATE_FAILED"), None
            case "CREATE_IN_PROGRESS":
                return await self._interrupted(stack, "ROLLBACK_IN_PROGRESS"), Deployment.roll_back_creation
            case _:
                return await self._interrupted(stack, "UPDATE_ROLLBACK_IN_PROGRESS"), Deployment.roll_back

    async def stop(self) -> None:
        """Stop; what is under way is rolled back at the next start."""
        await self._cancel(list(self._running))

    async def forget(self, account: str | None) -> None:
        """Stop what is under way for an account, or for all."""
        await self._cancel([one for one in self._running if account is None or one.split(":")[4] == account])

    async def _cancel(self, stack_ids: list[str]) -> None:
        tasks = [self._running[one].task for one in stack_ids]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _interrupted(self, stack: Stack, status: str) -> Stack:
        state = self._doorway.state.at(stack.account, stack.region)
        reason = "The deployment was interrupted: Kumoi ended in the middle of it."
        return await set_status(state, stack, status, self._doorway.clock.now(), reason)

    async def _carry_out(self, deployment: Deployment, run: Run) -> None:
        stack = deployment.stack
        try:
            await run(deployment)
        except Exception as error:
            logger.exception("the deployment of %s failed", stack.name)
            state = self._doorway.state.at(stack.account, stack.region)
            failed = _FAILED[deployment.stack.status.partition("_")[0]]
            told = f"Kumoi failed at this deployment ({type(error).__name__}); its log says why."
            await set_status(state, deployment.stack, failed, self._doorway.clock.now(), told)


@transactional
async def _interrupted(tx: Transaction) -> list[Stack]:
    found: list[Stack] = []
    for place in await places(tx):
        found += [
            stack
            for stack in await live_stacks(tx.at(*place))
            if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS"
        ]
    return found


PLACES = "cloudformation.place"


async def places(tx: Transaction) -> list[tuple[str, str]]:
    """The accounts and regions that have stacks."""
    return [(str(row.key[1]), str(row.key[2])) for row in await tx.at("", "").range((PLACES,))]


async def note_place(tx: Transaction) -> None:
    """Remember that this account and region has stacks."""
    await tx.at("", "").put((PLACES, tx.account, tx.region), b"")
