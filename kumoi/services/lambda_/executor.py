"""Runs invocations: a pool of execution environments for each version of a function.

An environment serves one invocation at a time. The one used last is taken first (its pages are warm); when none is
free a new one starts, as long as the host has room; past that, invocations queue: a 429 only ever comes from limits
that AWS has too. Idle environments end after ten minutes, or when the host needs their room.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from kumoi.doorway import Call, Doorway, Identity, Principal, Trace
from kumoi.names import arn, hex_id
from kumoi.sandbox import (
    Invocation,
    Outcome,
    RuntimeUnavailable,
    Sandbox,
    SandboxHost,
    SandboxSpec,
    ZygoteFailed,
)
from kumoi.services.lambda_ import log_lines
from kumoi.services.lambda_.code import CodeStore, newest_change
from kumoi.services.lambda_.configuration import runtime_version_arn
from kumoi.services.lambda_.environment import Credentials, compose
from kumoi.services.lambda_.execution_log import ExecutionLog
from kumoi.services.lambda_.records import Function
from kumoi.wire.errors import aws_error

logger = logging.getLogger(__name__)

IDLE_SECONDS = 600.0
_REAP_SECONDS = 15.0
_CREDENTIALS_SECONDS = 36 * 3600.0


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


class Result(NamedTuple):
    """How an invocation ended, and the tail of its log."""

    outcome: Outcome
    log_tail: bytes


@dataclass(slots=True)
class ExecutionEnvironment:
    """A sandbox with its log; `idle_since` in the loop's seconds."""

    key: PoolKey
    revision: Revision
    sandbox: Sandbox
    log: ExecutionLog
    idle_since: float = 0.0


@dataclass(slots=True)
class Pool:
    """The idle environments of one version (the last one is the warmest), and who waits for one."""

    idle: list[ExecutionEnvironment] = field(default_factory=list)
    waiting: deque[asyncio.Future[ExecutionEnvironment | None]] = field(default_factory=deque)


class Executor:
    """All execution environments of a platform. `capacity` bounds how many there are at once."""

    def __init__(
        self, doorway: Doorway, identity: Identity, host: SandboxHost, code: CodeStore, capacity: int | None = None
    ) -> None:
        self._doorway = doorway
        self._identity = identity
        self._host = host
        self._code = code
        self._capacity = capacity or 8 * (os.cpu_count() or 2)
        self._count = 0
        self._pools: dict[PoolKey, Pool] = {}
        self._queue: deque[PoolKey] = deque()
        self._stopping: set[asyncio.Task[None]] = set()
        self._reaper: asyncio.TimerHandle | None = None

    async def invoke(self, call: Call, function: Function, invoked_arn: str, payload: bytes, **extra: bytes) -> Result:
        """Run one invocation to its end; what the function does wrong is in the outcome, not an exception.

        `extra` may hold `client_context` (JSON). `invoked_arn` is the ARN as the caller named the function.
        """
        key = PoolKey(call.account, call.region, function.name, function.version)
        code = await self._code.unpacked(function.code)
        revision = Revision(function.revision_id, await self._files_changed(function))
        environment = await self._acquire(key, revision, function, code)
        try:
            result = await self._run(environment, call, function, invoked_arn, payload, extra.get("client_context"))
        finally:
            self._release(environment)
        seconds = result.outcome.duration + (result.outcome.init_duration or 0.0)
        call.meter("lambda:GB-second", seconds * function.memory_size / 1024)
        return result

    def retire(self, account: str, region: str, name: str) -> None:
        """End the idle environments of a function that changed or is gone; busy ones end when they are done."""
        for key, pool in self._pools.items():
            if key[:3] == (account, region, name):
                for environment in pool.idle:
                    self._end(environment)
                pool.idle.clear()

    async def forget(self, account: str | None) -> None:
        """End the idle environments of an account, or all."""
        for key, pool in self._pools.items():
            if account in (None, key.account):
                for environment in pool.idle:
                    self._end(environment)
                pool.idle.clear()

    async def stop(self) -> None:
        """End every idle environment and wait for those under way to end."""
        if self._reaper is not None:
            self._reaper.cancel()
        await self.forget(None)
        if self._stopping:
            await asyncio.gather(*self._stopping)

    async def _files_changed(self, function: Function) -> float:
        if not function.code.directory:
            return 0.0
        return await asyncio.to_thread(newest_change, Path(function.code.directory))

    async def _acquire(self, key: PoolKey, revision: Revision, function: Function, code: Path) -> ExecutionEnvironment:
        pool = self._pools.setdefault(key, Pool())
        while True:
            while pool.idle:
                environment = pool.idle.pop()
                if environment.revision == revision and environment.sandbox.alive:
                    return environment
                self._end(environment)
            if self._count < self._capacity or self._evict():
                return await self._create(key, revision, function, code)
            waiter: asyncio.Future[ExecutionEnvironment | None] = asyncio.get_running_loop().create_future()
            pool.waiting.append(waiter)
            self._queue.append(key)
            handed = await waiter
            if handed is not None:
                if handed.revision == revision and handed.sandbox.alive:
                    return handed
                self._end(handed)

    async def _create(self, key: PoolKey, revision: Revision, function: Function, code: Path) -> ExecutionEnvironment:
        self._count += 1
        try:
            day = datetime.fromtimestamp(self._doorway.clock.now(), UTC).strftime("%Y/%m/%d")
            prefix = "" if function.logging.group == f"/aws/lambda/{key.name}" else key.name
            stream = f"{day}/{prefix}[{key.version}]{hex_id(32)}"
            log = ExecutionLog(
                self._doorway, key.account, key.region, f"lambda:{key.name}", function.logging.group, stream
            )
            environment = compose(
                function, key.region, stream, self._credentials(key, function), self._doorway.endpoint
            )
            spec = SandboxSpec(
                runtime=function.runtime,
                handler=function.handler,
                code=code,
                opt=None,
                environment=environment,
                memory_mb=function.memory_size,
                tmp_mb=function.tmp_size,
                log_format=function.logging.format,
            )
            self._log_init(log, function, key.region)
            sandbox = await self._host.create(spec, log.lines)
        except BaseException as error:
            self._count -= 1
            self._wake()
            if isinstance(error, RuntimeUnavailable):
                raise aws_error("InvalidRuntimeException", str(error), Type="User") from None
            if isinstance(error, ZygoteFailed):
                raise aws_error("ServiceException", f"No execution environment could be started: {error}") from error
            raise
        self._arm_reaper()
        return ExecutionEnvironment(key, revision, sandbox, log)

    def _log_init(self, log: ExecutionLog, function: Function, region: str) -> None:
        version_arn = runtime_version_arn(function.runtime, region)
        if function.logging.format == "JSON":
            record = {
                "initializationType": "on-demand",
                "phase": "init",
                "runtimeVersion": function.runtime,
                "runtimeVersionArn": version_arn,
                "functionName": function.name,
                "functionVersion": function.version,
            }
            log.platform(log_lines.platform_event("initStart", self._doorway.clock.now(), record))
        else:
            log.platform(log_lines.init_start(function.runtime, version_arn))

    def _credentials(self, key: PoolKey, function: Function) -> Credentials:
        role = function.role.rpartition("/")[2]
        assumed = arn("sts", "", key.account, f"assumed-role/{role}/{key.name}")
        principal = Principal(key.account, assumed, f"AROA{role[:16].upper()}:{key.name}", f"lambda:{key.name}")
        issued = self._identity.issue(principal, _CREDENTIALS_SECONDS)
        return Credentials(issued.access_key, issued.secret, issued.token)

    async def _run(
        self,
        environment: ExecutionEnvironment,
        call: Call,
        function: Function,
        invoked_arn: str,
        payload: bytes,
        client_context: bytes | None,
    ) -> Result:
        log, json = environment.log, function.logging.format == "JSON"
        log.begin(Trace(call.trace.root, call.span, call.trace.sampled))
        if json:
            record = {"requestId": call.request_id, "version": function.version}
            log.platform(log_lines.platform_event("start", call.now, record))
        else:
            log.platform(log_lines.start(call.request_id, function.version))
        outcome = await environment.sandbox.invoke(
            Invocation(
                request_id=call.request_id,
                payload=payload,
                timeout=float(function.timeout),
                function_arn=invoked_arn,
                trace_header=call.trace.header(call.span),
                client_context=client_context,
            )
        )
        usage = log_lines.Report(
            call.request_id,
            outcome.duration,
            outcome.init_duration,
            function.memory_size,
            outcome.max_memory_mb,
            outcome.status,
            outcome.error_type,
        )
        if json:
            log.platform(log_lines.platform_event("report", call.now, log_lines.report_record(usage)))
        else:
            log.platform(log_lines.end(call.request_id))
            log.platform(log_lines.report(usage))
        log.settle()
        return Result(outcome, log.tail())

    def _release(self, environment: ExecutionEnvironment) -> None:
        pool = self._pools.setdefault(environment.key, Pool())
        environment.idle_since = asyncio.get_running_loop().time()
        while pool.waiting:
            waiter = pool.waiting.popleft()
            if not waiter.done():
                waiter.set_result(environment)
                return
        pool.idle.append(environment)
        if self._queue and self._evict():
            self._wake()

    def _wake(self) -> None:
        """Let the longest-waiting invocation try again: there is room for its environment."""
        while self._queue:
            pool = self._pools[self._queue.popleft()]
            while pool.waiting:
                waiter = pool.waiting.popleft()
                if not waiter.done():
                    waiter.set_result(None)
                    return

    def _evict(self) -> bool:
        """End the environment that has been idle the longest; whether there was one."""
        pools = [pool for pool in self._pools.values() if pool.idle]
        if not pools:
            return False
        oldest = min(pools, key=lambda pool: pool.idle[0].idle_since)
        self._end(oldest.idle.pop(0))
        return True

    def _end(self, environment: ExecutionEnvironment) -> None:
        self._count -= 1
        task = asyncio.create_task(self._stop(environment))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)

    async def _stop(self, environment: ExecutionEnvironment) -> None:
        await environment.sandbox.stop()
        await environment.log.close()

    def _arm_reaper(self) -> None:
        if self._reaper is None:
            self._reaper = asyncio.get_running_loop().call_later(_REAP_SECONDS, self._reap)

    def _reap(self) -> None:
        self._reaper = None
        expired = asyncio.get_running_loop().time() - IDLE_SECONDS
        for key, pool in list(self._pools.items()):
            while pool.idle and pool.idle[0].idle_since < expired:
                self._end(pool.idle.pop(0))
            if not pool.idle and not pool.waiting:
                del self._pools[key]
        if self._count:
            self._arm_reaper()
