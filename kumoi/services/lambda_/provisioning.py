"""Provisioned concurrency: environments of a version that are initialised ahead of need and stay.

`Provisioning` brings each version to the number it shall have; what is asked for is stored by the operations and told
here again when the platform starts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from kumoi.services.lambda_.pools import PoolKey

Boot = Callable[[PoolKey], Awaitable[str | None]]
"""Makes and initialises one environment, and puts it into its pool; answers why it failed, or None."""


class ProvisionedStatus(NamedTuple):
    """As GetProvisionedConcurrencyConfig tells it."""

    allocated: int
    available: int
    status: str
    reason: str | None


@dataclass(slots=True)
class _Target:
    wanted: int
    allocated: int = 0
    busy: int = 0
    failure: str | None = None
    booting: asyncio.Task[None] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Provisioning:
    """What is provisioned for each version, and how far it has come."""

    def __init__(self, boot: Boot) -> None:
        self._boot = boot
        self._targets: dict[PoolKey, _Target] = {}

    def want(self, key: PoolKey, count: int) -> bool:
        """Bring a version to `count` environments, in the background; whether there are more than that now."""
        if not count:
            target = self._targets.pop(key, None)
            if target is not None and target.booting is not None:
                target.booting.cancel()
            return target is not None
        target = self._targets.setdefault(key, _Target(count))
        target.wanted, target.failure = count, None
        self._fill(key, target)
        return target.allocated > count

    def status(self, key: PoolKey) -> ProvisionedStatus:
        """How far a version has come."""
        target = self._targets.get(key)
        if target is None:
            return ProvisionedStatus(0, 0, "IN_PROGRESS", None)
        allocated = min(target.allocated, target.wanted)
        if target.failure is not None:
            return ProvisionedStatus(allocated, allocated, "FAILED", target.failure)
        ready = target.allocated >= target.wanted
        return ProvisionedStatus(allocated, allocated, "READY" if ready else "IN_PROGRESS", None)

    def enter(self, key: PoolKey, *, provisioned: bool) -> float | None:
        """An invocation begins: the share of a version's environments that are in use then; None where it has none.

        One that is not `provisioned` has found all of them in use.
        """
        target = self._targets.get(key)
        if target is None or not provisioned:
            return None if target is None else 1.0
        target.busy += 1
        return min(target.busy / max(target.allocated, 1), 1.0)

    def leave(self, key: PoolKey) -> None:
        """An invocation on a provisioned environment has ended."""
        target = self._targets.get(key)
        if target is not None and target.busy:
            target.busy -= 1

    def surplus(self, key: PoolKey) -> bool:
        """Whether a version has an environment too many: it is given back."""
        target = self._targets.get(key)
        if target is None:
            return True
        if target.allocated > target.wanted:
            target.allocated -= 1
            return True
        return False

    def lost(self, key: PoolKey) -> None:
        """A provisioned environment has ended: another takes its place."""
        target = self._targets.get(key)
        if target is not None:
            target.allocated -= 1
            self._fill(key, target)

    async def stop(self) -> None:
        """Boot no more."""
        booting = [target.booting for target in self._targets.values() if target.booting is not None]
        self._targets.clear()
        for task in booting:
            task.cancel()
        await asyncio.gather(*booting, return_exceptions=True)

    def forget(self, account: str | None) -> None:
        """Drop what is provisioned for an account, or all."""
        for key in [key for key in self._targets if account in (None, key.account)]:
            self.want(key, 0)

    def _fill(self, key: PoolKey, target: _Target) -> None:
        if target.booting is None or target.booting.done():
            target.booting = asyncio.create_task(self._boot_all(key, target))

    async def _boot_all(self, key: PoolKey, target: _Target) -> None:
        while target.allocated < target.wanted and target.failure is None:
            failure = await self._boot(key)
            if failure is None:
                target.allocated += 1
            else:
                target.failure = failure
