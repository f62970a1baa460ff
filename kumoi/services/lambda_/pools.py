"""Execution environments by version: which are idle, which are kept ready, which have to go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from kumoi.sandbox import Sandbox
from kumoi.services.lambda_.execution_log import ExecutionLog
from kumoi.services.lambda_.platform_log import PlatformLog

logger = logging.getLogger(__name__)

IDLE_SECONDS = 600.0
FREEZE_SECONDS = 0.1
_REAP_SECONDS = 15.0


class PoolKey(NamedTuple):
    """Which environments can serve an invocation, but for the revision."""

    account: str
    region: str
    name: str
    version: str


class Revision(NamedTuple):
    """What an environment was made from: the record's revision and, with hot reload, when its files last changed."""

    id: str
    files_changed: float


@dataclass(slots=True)
class ExecutionEnvironment:
    """A sandbox with its log; `idle_since` in the loop's seconds. `provisioned`: kept ready, never reaped.

    `access_key` is the one of the credentials within.
    """

    key: PoolKey
    revision: Revision
    sandbox: Sandbox
    log: ExecutionLog
    platform_log: PlatformLog
    access_key: str
    provisioned: bool = False
    idle_since: float = 0.0
    frozen: bool = False


@dataclass(slots=True)
class Pool:
    """The environments of one version: the idle ones (the last is the warmest), and how many there are in all."""

    idle: list[ExecutionEnvironment] = field(default_factory=list)
    count: int = 0


class Pools:
    """All execution environments of a platform; at most `most` at a time."""

    def __init__(self, most: int, ended: Callable[[ExecutionEnvironment], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._most = most
        self._ended = ended
        self._pools: dict[PoolKey, Pool] = {}
        self._count = 0
        self._stopping: set[asyncio.Task[None]] = set()
        self._reaper: asyncio.TimerHandle | None = None
        self._freezer: asyncio.TimerHandle | None = None

    def take(self, key: PoolKey, revision: Revision) -> ExecutionEnvironment | None:
        """The warmest idle environment of a revision; those of other revisions end."""
        pool = self._pools.get(key)
        while pool is not None and pool.idle:
            environment = pool.idle.pop()
            if environment.revision == revision and environment.sandbox.alive:
                environment.frozen = False
                return environment
            self.end(environment)
        return None

    def make_room(self) -> None:
        """One more is about to be made: past the bound, the one that has been idle the longest ends."""
        if self._count < self._most:
            return
        idle = [one for one in self._idle() if not one.provisioned]
        if idle:
            oldest = min(idle, key=lambda one: one.idle_since)
            self._pools[oldest.key].idle.remove(oldest)
            self.end(oldest)

    def added(self, key: PoolKey) -> None:
        """One more is being made."""
        self._count += 1
        self._pools.setdefault(key, Pool()).count += 1

    def lost(self, key: PoolKey) -> None:
        """One is gone, or could not be made."""
        self._count -= 1
        pool = self._pools[key]
        pool.count -= 1
        if not pool.count:
            del self._pools[key]

    def put(self, environment: ExecutionEnvironment) -> None:
        """An invocation has ended: the environment can take the next one."""
        if not environment.sandbox.alive:
            self.end(environment)
            return
        loop = self._loop
        environment.idle_since = loop.time()
        self._pools[environment.key].idle.append(environment)
        if self._reaper is None:
            self._reaper = loop.call_later(_REAP_SECONDS, self._reap)
        if self._freezer is None:
            self._freezer = loop.call_later(FREEZE_SECONDS, self._freeze)

    def end(self, environment: ExecutionEnvironment) -> None:
        """End an environment that is in no pool any more."""
        self.lost(environment.key)
        self._ended(environment)
        task = asyncio.create_task(self._stop(environment))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)

    def retire(self, chosen: Callable[[ExecutionEnvironment], bool]) -> None:
        """End the idle environments that `chosen` says."""
        for pool in list(self._pools.values()):
            for environment in [one for one in pool.idle if chosen(one)]:
                pool.idle.remove(environment)
                self.end(environment)

    async def stop(self) -> None:
        """End every idle environment, and wait for all that are ending."""
        for timer in (self._reaper, self._freezer):
            if timer is not None:
                timer.cancel()
        self.retire(lambda _: True)
        if self._stopping:
            await asyncio.gather(*self._stopping)

    def _idle(self) -> Iterator[ExecutionEnvironment]:
        for pool in self._pools.values():
            yield from pool.idle

    def _reap(self) -> None:
        self._reaper = None
        expired = asyncio.get_running_loop().time() - IDLE_SECONDS
        self.retire(lambda one: one.idle_since < expired and not one.provisioned)
        if self._count:
            self._reaper = asyncio.get_running_loop().call_later(_REAP_SECONDS, self._reap)

    def _freeze(self) -> None:
        """Hold what has been idle for a moment: late enough to cost a busy function nothing."""
        self._freezer = None
        loop = asyncio.get_running_loop()
        since = loop.time() - FREEZE_SECONDS
        waiting = False
        for environment in self._idle():
            if environment.frozen:
                continue
            if environment.idle_since > since:
                waiting = True
            else:
                environment.frozen = True
                environment.sandbox.freeze()
        if waiting:
            self._freezer = loop.call_later(FREEZE_SECONDS, self._freeze)

    @staticmethod
    async def _stop(environment: ExecutionEnvironment) -> None:
        await environment.sandbox.stop()
        await environment.log.close()
