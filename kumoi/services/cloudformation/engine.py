"""The engine: the operations on stacks that are under way, one a stack, and those a crash interrupted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from kumoi.doorway import Doorway
from kumoi.services.cloudformation.deployment import Deployment, set_status
from kumoi.services.cloudformation.records import Stack, stacks
from kumoi.state import Transaction, transactional

logger = logging.getLogger(__name__)

SOON_SECONDS = 2.0
"""How long an answer waits for its operation, so that most clients find it done at their first look."""

Run = Callable[[Deployment], Awaitable[None]]


class Engine:
    """All deployments of a platform."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self, stack: Stack, run: Run) -> None:
        """Begin an operation; returns when it is done, or goes on for longer."""
        task = asyncio.create_task(self._carry_out(stack, run))
        self._running[stack.id] = task
        task.add_done_callback(lambda _: self._running.pop(stack.id, None))
        await asyncio.wait([task], timeout=SOON_SECONDS)

    async def ended(self, stack_id: str) -> None:
        """Return once nothing is under way for a stack."""
        task = self._running.get(stack_id)
        if task is not None:
            await asyncio.wait([task])

    async def resume(self) -> None:
        """Roll back what an earlier process left in the middle; a deletion goes on."""
        for stack in await _interrupted(self._doorway.state.at("", "")):
            if stack.status == "DELETE_IN_PROGRESS":
                await self.run(stack, Deployment.delete)
            elif stack.status in ("CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"):
                await self.run(await self._interrupted(stack, "ROLLBACK_IN_PROGRESS"), Deployment.roll_back_creation)
            else:
                await self.run(await self._interrupted(stack, "UPDATE_ROLLBACK_IN_PROGRESS"), Deployment.roll_back)

    async def stop(self) -> None:
        """Stop; what is under way is rolled back at the next start."""
        await self._cancel(list(self._running))

    async def forget(self, account: str | None) -> None:
        """Stop what is under way for an account, or for all."""
        await self._cancel([one for one in self._running if account is None or one.split(":")[4] == account])

    async def _cancel(self, stack_ids: list[str]) -> None:
        tasks = [self._running[one] for one in stack_ids]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _interrupted(self, stack: Stack, status: str) -> Stack:
        state = self._doorway.state.at(stack.account, stack.region)
        reason = "The deployment was interrupted: Kumoi ended in the middle of it."
        return await set_status(state, stack, status, self._doorway.clock.now(), reason)

    async def _carry_out(self, stack: Stack, run: Run) -> None:
        deployment = Deployment(self._doorway, stack, self._doorway.registry.resource_types)
        try:
            await run(deployment)
        except Exception as error:
            logger.exception("the deployment of %s failed", stack.name)
            state = self._doorway.state.at(stack.account, stack.region)
            failed = "DELETE_FAILED" if deployment.stack.status.startswith("DELETE") else "CREATE_FAILED"
            if deployment.stack.status.startswith("UPDATE"):
                failed = "UPDATE_FAILED"
            told = f"Kumoi failed at this deployment ({type(error).__name__}); its log says why."
            await set_status(state, deployment.stack, failed, self._doorway.clock.now(), told)


@transactional
async def _interrupted(tx: Transaction) -> list[Stack]:
    found: list[Stack] = []
    for place in await places(tx):
        found += [
            stack
            for stack in await stacks.list(tx.at(*place))
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
