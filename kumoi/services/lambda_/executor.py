"""Runs invocations: admits them, finds or makes an execution environment for each, and takes it back.

In: a call, a version of a function, a payload. Out: how the invocation ended. The limits are AWS's (`concurrency.py`)
and the host's (`admission.py`); idle environments wait in `pools.py`; how one is made says `environments.py`.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import msgspec
from msgspec.structs import replace

from kumoi.doorway import Call, Fault
from kumoi.sandbox import Invocation, Outcome, ResponseSink
from kumoi.services.lambda_ import tracing
from kumoi.services.lambda_.admission import Admission
from kumoi.services.lambda_.code import newest_change
from kumoi.services.lambda_.concurrency import Concurrency
from kumoi.services.lambda_.environments import EnvironmentMaker, Worse
from kumoi.services.lambda_.execution_log import Tail
from kumoi.services.lambda_.faults import (
    constrained,
    damaged,
    fault_of,
    made_up,
    may_strike,
    strike_sandbox,
    timed_out,
)
from kumoi.services.lambda_.lineage import check_loop, entered, mark_of
from kumoi.services.lambda_.log_lines import billed_milliseconds
from kumoi.services.lambda_.lookup import find_published, reserved_in
from kumoi.services.lambda_.network import in_subnets, unreached
from kumoi.services.lambda_.pools import ExecutionEnvironment, PoolKey, Pools, Revision
from kumoi.services.lambda_.provisioning import ProvisionedStatus, Provisioning
from kumoi.services.lambda_.records import Function
from kumoi.state import State

MOST_ENVIRONMENTS = 1000
_CONSTRAINED = ("memory", "disk", "skew", "cut", "nameless")
"""Faults for which an environment is made that serves one invocation."""
FREE_TMP_MB = 512
"""What a function has of /tmp without being billed for it."""


class Request(msgspec.Struct, frozen=True, gc=False):
    """An invocation as it was asked for. `function_arn` is the ARN as the caller named the function."""

    function: Function
    function_arn: str
    payload: bytes
    recursive_loop: str
    reserved: int | None = None
    client_context: bytes | None = None
    tenant_id: str | None = None
    wants_tail: bool = False


class Result(msgspec.Struct, frozen=True):
    """How an invocation ended, and the tail of its log where that was wanted."""

    outcome: Outcome
    log_tail: Tail | None


class Executor:
    """All invocations of a platform."""

    def __init__(self, maker: EnvironmentMaker, state: State, admission: Admission) -> None:
        self._maker = maker
        self._state = state
        self._admission = admission
        self._concurrency = Concurrency()
        self._pools = Pools(MOST_ENVIRONMENTS, self._ended)
        self._provisioning = Provisioning(self._boot)
        self._settling: set[asyncio.Task[None]] = set()
        self._streaming: set[asyncio.Task[Result]] = set()
        self._ahead: set[asyncio.Task[None]] = set()
        self._databases = maker.declares_databases

    async def invoke(self, call: Call, request: Request, sink: ResponseSink | None = None) -> Result:
        """Run one invocation to its end; what the function does wrong is in the outcome, not an exception.

        Raises TooManyRequestsException past AWS's limits, RecursiveInvocationException in a loop of functions,
        InvalidRuntimeException for what cannot run here.
        """
        function = request.function
        if call.trace.lineage:
            mark = mark_of(call.account, call.region, function.name)
            check_loop(call, request.function_arn, mark, request.recursive_loop)
        if call.trace.sampled or function.tracing_mode == "Active":
            await tracing.begin(call, function, request.function_arn)
        key = PoolKey(call.account, call.region, function.name, function.version)
        account_reserved, hops = 0, call.doorway.hops.recorded
        if self._concurrency.must_know_reserved(call.account, call.region):
            account_reserved = await reserved_in(self._state.at(call.account, call.region))
        running = self._concurrency.enter(key[:3], request.reserved, account_reserved)
        try:
            if not self._admission.admitted():
                await self._admission.enter()
            try:
                fault, environment = None, None
                if may_strike(call, function):
                    fault = await fault_of(call, function, request.function_arn, self._maker)
                elif not function.code.directory:
                    environment = self._pools.take(key, Revision(function.revision_id, 0.0))
                if environment is None:
                    environment = await self._environment(key, function, fault)
                share = self._provisioning.enter(key, provisioned=environment.provisioned)
                try:
                    if fault is None:
                        result = await self._run(environment, call, request, sink)
                    else:
                        result = await self._struck(environment, call, request, sink, fault)
                finally:
                    if environment.provisioned:
                        self._provisioning.leave(key)
                    self._release(environment, fault)
            finally:
                self._admission.leave()
        finally:
            self._concurrency.leave(running, request.reserved)
        if self._databases:
            call.warning = await self._maker.crowded()
        if not call.warning and in_subnets(function):
            call.warning = await unreached(call, function, hops)
        if result.outcome.error_type is not None:
            call.outcome = result.outcome.error_type
        self._bill(call, function, result.outcome, provisioned=environment.provisioned)
        if share is not None:
            how = "provisioned" if environment.provisioned else "spillover"
            call.units[f"lambda:{how}/{request.function_arn.rpartition(':')[2]}"] = share
        return result

    @staticmethod
    def _bill(call: Call, function: Function, outcome: Outcome, *, provisioned: bool) -> None:
        """Meter how long an invocation took, and what it is billed by: whole milliseconds of its memory, and of a /tmp
        above 512 MB. A call is one invocation.
        """
        milliseconds = billed_milliseconds(outcome.duration, outcome.init_duration)
        kind = "provisioned" if provisioned else "arm" if "arm64" in function.architectures else "x86"
        call.units |= {
            "lambda:millisecond": outcome.duration * 1000,
            "lambda:invocations": 1,
            "lambda:billed-millisecond": milliseconds,
            f"lambda:MB-millisecond-{kind}": milliseconds * function.memory_size,
            "lambda:used-MB": outcome.max_memory_mb,
        }
        if function.tmp_size > FREE_TMP_MB:
            call.meter("lambda:tmp-MB-millisecond", milliseconds * (function.tmp_size - FREE_TMP_MB))

    def start(self, call: Call, request: Request, sink: ResponseSink) -> asyncio.Task[Result]:
        """Begin an invocation that goes on even when nobody reads its response any more."""
        task = asyncio.create_task(self.invoke(call, request, sink))
        self._streaming.add(task)
        task.add_done_callback(self._streaming.discard)
        task.add_done_callback(_seen)
        return task

    def expect(self, function: Function) -> None:
        """Invocations of a function are to be expected: do ahead what can be done."""
        task = asyncio.create_task(self._maker.prepare(function))
        self._ahead.add(task)
        task.add_done_callback(self._ahead.discard)

    def retire(self, account: str, region: str, name: str) -> None:
        """End the idle environments of a function that changed or is gone; busy ones end when they are done."""
        self._pools.retire(lambda one: one.key[:3] == (account, region, name) and not one.provisioned)

    async def provision(self, account: str, region: str, name: str, version: str, count: int) -> None:
        """Keep `count` environments of a version ready from now on; they are made in the background."""
        key = PoolKey(account, region, name, version)
        if self._provisioning.want(key, count):
            self._pools.retire(lambda one: one.key == key and one.provisioned and self._provisioning.surplus(key))

    def provisioned_status(self, account: str, region: str, name: str, version: str) -> ProvisionedStatus:
        """How many environments of a version are kept ready."""
        return self._provisioning.status(PoolKey(account, region, name, version))

    async def forget(self, account: str | None) -> None:
        """End the idle environments of an account, or all."""
        self._provisioning.forget(account)
        self._pools.retire(lambda one: account in (None, one.key.account))

    async def stop(self) -> None:
        """End every idle environment and wait for those under way to end."""
        self._admission.stop()
        await self._provisioning.stop()
        for task in (*self._streaming, *self._ahead):
            task.cancel()
        await asyncio.gather(*self._streaming, *self._ahead, *self._settling, return_exceptions=True)
        await self._pools.stop()

    async def _environment(self, key: PoolKey, function: Function, fault: Fault | None) -> ExecutionEnvironment:
        revision = await self._revision(function) if function.code.directory else Revision(function.revision_id, 0.0)
        if fault is not None:
            if fault.action == "cold":
                self._pools.retire(lambda one: one.key == key)
            if fault.action in _CONSTRAINED:
                return await self._make(key, revision, function, "on-demand", partial(constrained, fault))
        environment = self._pools.take(key, revision)
        return environment or await self._make(key, revision, function, "on-demand")

    async def _revision(self, function: Function) -> Revision:
        changed = 0.0
        if function.code.directory:
            changed = await asyncio.to_thread(newest_change, Path(function.code.directory))
        return Revision(function.revision_id, changed)

    async def _make(
        self, key: PoolKey, revision: Revision, function: Function, kind: str, worse: Worse | None = None
    ) -> ExecutionEnvironment:
        self._pools.make_room()
        self._pools.added(key)
        try:
            return await self._maker.make(key, revision, function, kind, worse)
        except BaseException:
            self._pools.lost(key)
            raise

    async def _struck(
        self,
        environment: ExecutionEnvironment,
        call: Call,
        request: Request,
        sink: ResponseSink | None,
        fault: Fault,
    ) -> Result:
        """Run an invocation as a declared fault has it."""
        call.fault = fault.id
        if fault.action in ("cold", *_CONSTRAINED):
            return await self._run(environment, call, request, sink)
        if fault.action in ("truncate", "corrupt"):
            result = await self._run(environment, call, request, None)
            return Result(damaged(fault, result.outcome), result.log_tail)
        if fault.action in ("kill", "freeze", "cpu"):
            striking = asyncio.create_task(strike_sandbox(fault, environment.sandbox, call.doorway.clock))
            try:
                return await self._run(environment, call, request, sink)
            finally:
                striking.cancel()
                await asyncio.wait([striking])  # or what it holds is let go after the environment was frozen
        timeout = float(request.function.timeout)
        pause = min(fault.delay_ms / 1000, timeout)
        await call.doorway.clock.sleep(pause)
        if pause == timeout:
            return Result(timed_out(call.request_id, timeout), None)
        if fault.action != "delay" and fault.phase == "before":
            return Result(made_up(fault, pause), None)
        shown = sink if fault.action == "delay" else None
        result = await self._run(environment, call, request, shown, timeout - pause)
        outcome = result.outcome
        if fault.action != "delay":
            return Result(made_up(fault, pause + outcome.duration), result.log_tail)
        if outcome.status == "timeout":
            return Result(timed_out(call.request_id, timeout), result.log_tail)
        return Result(replace(outcome, duration=pause + outcome.duration), result.log_tail)

    async def _run(
        self,
        environment: ExecutionEnvironment,
        call: Call,
        request: Request,
        sink: ResponseSink | None,
        timeout: float | None = None,
    ) -> Result:
        log = environment.log
        trace = tracing.of_function(call)
        log.begin(trace, tail=request.wants_tail)
        environment.platform_log.start(call.request_id, trace)
        began = 0.0 if call.traced is None else call.now
        lineage = entered(call.trace.lineage, mark_of(*environment.key[:3]))
        lineages = call.doorway.tracing.lineages
        if call.trace.lineage:
            lineages[environment.access_key] = lineage
        try:
            outcome = await environment.sandbox.invoke(
                Invocation(
                    request_id=call.request_id,
                    payload=request.payload,
                    timeout=float(request.function.timeout) if timeout is None else timeout,
                    function_arn=request.function_arn,
                    trace_header=tracing.header(call, lineage),
                    client_context=request.client_context,
                    tenant_id=request.tenant_id,
                ),
                sink,
            )
        finally:
            if call.trace.lineage:
                del lineages[environment.access_key]
        environment.platform_log.done(call.request_id, outcome, trace if call.traced else None)
        log.settle()
        if call.traced is not None:
            tracing.ran(call.traced, began, call.now, outcome)
        return Result(outcome, log.tail)

    def _release(self, environment: ExecutionEnvironment, fault: Fault | None = None) -> None:
        """Take an environment back; one whose extensions are still busy, as soon as they are done."""
        if fault is not None and fault.action in _CONSTRAINED:
            self._pools.end(environment)
            return
        if environment.sandbox.settled:
            self._pools.put(environment)
            return
        task = asyncio.create_task(self._settle(environment))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def _settle(self, environment: ExecutionEnvironment) -> None:
        try:
            await environment.sandbox.settle()
        finally:
            self._pools.put(environment)

    def _ended(self, environment: ExecutionEnvironment) -> None:
        if environment.provisioned:
            self._provisioning.lost(environment.key)

    async def _boot(self, key: PoolKey) -> str | None:
        """Make and initialise one provisioned environment of a version."""
        function = await find_published(self._state.at(key.account, key.region), key.name, key.version)
        if function is None:
            return "FUNCTION_ERROR_INIT_FAILURE"
        environment = await self._make(key, await self._revision(function), function, "provisioned-concurrency")
        failure = await environment.sandbox.initialise()
        if failure is not None:
            self._pools.end(environment)
            return "FUNCTION_ERROR_INIT_FAILURE"
        environment.provisioned = True
        self._pools.put(environment)
        return None


def _seen(task: asyncio.Task[Result]) -> None:
    """A failure of an invocation whose reader has left is nobody's."""
    if not task.cancelled():
        task.exception()
