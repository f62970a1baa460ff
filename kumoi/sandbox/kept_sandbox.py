"""A sandbox: a keeper, the runtime (and extensions) it starts, and our connections to them.

The runtime is started when the sandbox is, initialises at once, and is started again for the invocation after one that
ended it (a time-out, an exit, a kill): /tmp and the log stream stay.
"""

from __future__ import annotations

import asyncio
import math
import os
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from kumoi.sandbox.api_link import ApiLink
from kumoi.sandbox.control import Control, SandboxGone
from kumoi.sandbox.ends import error_payload, exit_reason, time_out
from kumoi.sandbox.extensions import Extensions
from kumoi.sandbox.interface import Invocation, LogSink, Outcome, ResponseSink, SandboxSpec
from kumoi.sandbox.log_pipe import LogPipe
from kumoi.sandbox.programs import Program
from kumoi.sandbox.python import frames
from kumoi.sandbox.runtime_api import ApiListener
from kumoi.sandbox.runtime_link import Answer, Channel, Initialised, NotTaken, RuntimeEnded, RuntimeLink
from kumoi.sandbox.shell import Shell
from kumoi.sandbox.telemetry import Telemetry
from kumoi.sandbox.watch import QUIET_SECONDS, Watch

MEASURE_SECONDS = 0.05
"""Between two looks at the memory that programs of other languages hold, within an invocation or over many."""
SHUTDOWN_SECONDS = 2.0


class ExtensionFailed(Exception):
    """An extension has ended or reported an error; the text is Lambda's name for it."""


class KeptSandbox:
    """One execution environment; made by the host from a shell."""

    def __init__(
        self, spec: SandboxSpec, program: Program, shell: Shell, sink: LogSink, extensions: Sequence[str], watch: Watch
    ) -> None:
        self._spec = spec
        self._program = program
        self._shell = shell
        self._sink = sink
        self._telemetry = Telemetry()
        self._external = [os.path.basename(path) for path in extensions]  # noqa: PTH119  (a path of the sandbox)
        self._extensions = Extensions(spec.environment, self._external, self._telemetry)
        self._api = ApiLink(self._extensions)
        self._listener: ApiListener | None = None
        self._logs: list[LogPipe] = []
        self._link: RuntimeLink | None = None
        self._init_frame: dict[str, Any] = {}
        self._starting: asyncio.Task[None] | None = None
        self._ready: float | None = None
        self._watch = watch
        self._quick = True
        self._timeout = 0.0
        self._asked: Channel | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._measuring: asyncio.TimerHandle | None = None
        self._measured = -math.inf
        self.began = 0.0
        self._stopped = False
        self._abandoned = False
        self._frozen = False
        self.on_stop: Callable[[], None] = lambda: None

    async def listen(self) -> int:
        """Open the Runtime API; its port."""
        self._listener = await ApiListener.open(self._api, self._shell.user)
        return self._listener.port

    async def start(self, message: dict[str, Any], now: Callable[[], float]) -> None:
        """Connect with the keeper, become `message`'s function where it was started in advance, start the runtime."""
        shell = self._shell
        self._init_frame = {name: message[name] for name in ("environment", "task", "handler", "marker")}
        self._init_frame |= {"log_format": self._spec.log_format, "log_level": self._spec.log_level}
        self._init_frame |= {"clock_skew": self._spec.clock_skew}
        self._logs = [LogPipe(shell.logs[0], shell.marker, self._function_lines, now)]
        if len(shell.logs) > 1:
            self._logs.append(LogPipe(shell.logs[1], shell.marker, self._extension_lines, now))
        if shell.connection is None:
            shell.connection = await Control.open(shell.control)
        else:
            await shell.connection.furnish(message)
        self._control.on_end = self._runtime_ended
        self._control.on_extension_end = self._extensions.ended
        await self._start()

    @property
    def alive(self) -> bool:
        """Whether it can take another invocation."""
        connection = self._shell.connection
        return not (self._stopped or self._abandoned or connection is None or connection.closed)

    @property
    def settled(self) -> bool:
        """Whether no extension is still busy with an invocation, or is gone with all the rest."""
        return not self._extensions.any or self._extensions.idle or self._link is None or not self.alive

    @property
    def observed(self) -> bool:
        """Whether an extension wants to be told of platform events."""
        return bool(self._telemetry.subscriptions)

    def tell(self, event: dict[str, Any]) -> None:
        """A platform event for extensions that subscribed to it."""
        self._telemetry.add("platform", event)

    async def invoke(self, invocation: Invocation, sink: ResponseSink | None = None) -> Outcome:
        """Run one invocation to its answer."""
        if self._frozen:
            self._frozen = False
            self._telemetry.resume()
            self._control.order(b"T")
        self._quick = invocation.timeout > 2 * QUIET_SECONDS
        self.began, self._timeout = time.monotonic(), invocation.timeout
        self._watch.begin(self)
        if self._program.kind == "api" and self.began - self._measured >= MEASURE_SECONDS:
            self._measured = self.began
            self._control.order(b"M")
        try:
            return await self._invoke(invocation, sink)
        except BaseException:  # nobody waits for the answer any more: the next invocation must not get it
            self._abandoned = True
            raise
        finally:
            self._watch.end(self)
            self._asked = None
            if not self._quick:
                self._unwatch()
            self._read_logs()

    async def settle(self) -> None:
        """Wait until extensions are done; one that takes longer than the function may is ended with all the rest."""
        try:
            async with asyncio.timeout(max(self.began + self._timeout - time.monotonic(), 0.0)):
                await self._extensions.settled()
        except TimeoutError:
            await self._kill()

    def freeze(self) -> None:
        """Hold every process until the next invocation."""
        if self.alive and not self._frozen:
            self._read_logs()
            self._telemetry.pause()
            self._frozen = self._control.order(b"Z")

    def hold(self) -> None:
        """Hold every process in the middle of an invocation."""
        if self.alive:
            self._control.order(b"Z")

    def resume(self) -> None:
        """Let them go on."""
        if self.alive:
            self._control.order(b"T")

    def kill(self) -> None:
        """Kill the processes in the middle of an invocation."""
        if self.alive and self._link is not None:
            self._control.order(b"K")

    async def initialise(self) -> str | None:
        """Wait for the end of the initialisation, ahead of any invocation; the name of what went wrong, or None."""
        if self._program.problem:
            return "Runtime.InvalidEntrypoint"
        try:
            async with asyncio.timeout(self._spec.init_timeout):
                initialised = await self._initialised(time.monotonic())
        except TimeoutError:
            await self._kill()
            return "Sandbox.Timedout"
        except ExtensionFailed:
            await self._kill()
            return "Extension.Crash"
        except (RuntimeEnded, SandboxGone, OSError):
            await self._kill()
            return "Runtime.ExitError"
        if initialised.error_type is None:
            self._ready = initialised.seconds
        else:
            await self._kill()
        return initialised.error_type

    async def stop(self) -> None:
        """End every process of it."""
        if self._stopped:
            return
        self._stopped = True
        connection = self._shell.connection
        if connection is not None and self._extensions.any and not connection.closed:
            await self._shut_down()
        if self._starting is not None:
            self._starting.cancel()
        if self._link is not None:
            self._link.close()
        if self._listener is not None:
            self._listener.close()
        self._telemetry.clear()
        for log in self._logs:
            log.close()
        if self._logs and connection is not None:
            connection.close()
            self._shell.release()
        else:
            self._shell.close()
        self.on_stop()

    @property
    def _control(self) -> Control:
        assert self._shell.connection is not None, "a sandbox is used once it has started"
        return self._shell.connection

    async def _start(self) -> None:
        """Start extensions and the runtime; with extensions, the runtime waits until they have registered."""
        self._ready = None
        self._extensions.restart()
        if self._external:
            self._control.order(b"E")
            self._starting = asyncio.create_task(self._start_after_extensions())
        else:
            await self._start_runtime()

    async def _start_after_extensions(self) -> None:
        await self._extensions.registered()
        if self._extensions.failure is None:
            await self._start_runtime()

    async def _start_runtime(self) -> None:
        adopted, self._shell.channel = self._shell.channel, None
        init_frame = self._init_frame
        if adopted is None:
            init_frame = {**init_frame, "environment": None}  # it was started with it
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            try:
                if self._program.kind == "api":
                    self._api.restart()
                self._control.start_runtime(theirs)
            finally:
                theirs.close()
            if self._program.kind == "api":
                ours.close()
                self._link = self._api
                return
            _, adopted = await asyncio.get_running_loop().create_connection(Channel, sock=ours)
        self._link = adopted
        if self._program.awaits_init:
            adopted.send(frames.INIT, init_frame)

    async def _invoke(self, invocation: Invocation, sink: ResponseSink | None) -> Outcome:
        init: float | None = None
        try:
            if self._program.problem:
                return self._failed(invocation, "Runtime.InvalidEntrypoint", self._program.problem, {})
            if self._link is None and self._starting is None:
                await self._start()
            if self._ready is None:
                initialised = await self._initialise(invocation)
                init = initialised.seconds
                if initialised.error_type is not None:
                    end = await self._kill()
                    return Outcome(initialised.payload, initialised.error_type, init, None, self._mb(end), "error")
                self._ready = init
                self.began = time.monotonic()
            if self._extensions.any:
                self._extensions.invoked(invocation)
            if isinstance(self._link, Channel):
                self._asked = self._link
                if not self._quick:
                    self._expire_in_time()
                answer = await self._link.invoke(invocation, sink)
            else:
                async with asyncio.timeout(invocation.timeout):
                    answer = await self._answer(invocation, sink)
        except TimeoutError:
            return await self._timed_out(invocation, init)
        except ExtensionFailed as error:
            return self._failed(invocation, "Extension.Crash", str(error), await self._kill())
        except (RuntimeEnded, SandboxGone, OSError):
            return await self._exited(invocation, init)
        end = await self._kill() if answer.ends else {}
        return Outcome(
            answer.payload,
            answer.error_type,
            answer.duration,
            init,
            self._mb(end, answer.peak_kb),
            "error" if answer.error_type else "success",
            answer.content_type,
            answer.streamed,
        )

    def _expire_in_time(self) -> None:
        """Have who waits for the answer learn of it when there is none in time."""
        loop = asyncio.get_running_loop()
        if self._asked is not None:
            left = self.began + self._timeout - time.monotonic()
            self._expiry = loop.call_at(loop.time() + left, self._asked.expire)

    async def _answer(self, invocation: Invocation, sink: ResponseSink | None) -> Answer:
        """The runtime's answer. One that ended before it took the invocation is started again for it."""
        if self._link is None:
            raise RuntimeEnded
        try:
            return await self._link.invoke(invocation, sink)
        except NotTaken:
            await self._kill()
            await self._start()
            initialised = await self._initialised(time.monotonic())
            if initialised.error_type is not None:
                return Answer(initialised.payload, initialised.error_type, initialised.seconds, ends=True)
            return await self._link.invoke(invocation, sink)

    async def _initialise(self, invocation: Invocation) -> Initialised:
        """Wait until everything is ready, or why it is not. One past its limit is done once more, on the clock."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._spec.init_timeout):
                return await self._initialised(began)
        except TimeoutError:
            await self._kill()
            await self._start()
        async with asyncio.timeout(invocation.timeout):
            return await self._initialised(time.monotonic())

    async def _initialised(self, began: float) -> Initialised:
        if self._starting is not None:
            await asyncio.shield(self._starting)
            self._starting = None
        if self._extensions.failure is not None:
            raise ExtensionFailed(self._extensions.failure)
        if self._link is None:
            raise RuntimeEnded
        initialised = await self._link.initialised()
        if not self._extensions.any:
            return initialised
        await self._extensions.ready()
        if self._extensions.failure is not None:
            raise ExtensionFailed(self._extensions.failure)
        return initialised._replace(seconds=max(initialised.seconds, time.monotonic() - began))

    async def _timed_out(self, invocation: Invocation, init: float | None) -> Outcome:
        end = await self._kill()
        kind = "Sandbox.Timedout"
        payload = error_payload(invocation.request_id, kind, time_out(invocation.timeout))
        return Outcome(payload, kind, invocation.timeout, init, self._mb(end), "timeout")

    async def _exited(self, invocation: Invocation, init: float | None) -> Outcome:
        end = await self._kill()  # it may only have closed, or spoilt, its channel
        if self._program.kind == "api" and self._control.failure:
            return self._failed(invocation, "Runtime.InvalidEntrypoint", self._control.failure, end)
        outcome = self._failed(invocation, "Runtime.ExitError", exit_reason(end), end, init)
        return replace(outcome, error_type="Runtime.OutOfMemory") if end.get("over") else outcome

    def _failed(
        self, invocation: Invocation, kind: str, reason: str, end: dict[str, Any], init: float | None = None
    ) -> Outcome:
        payload = error_payload(invocation.request_id, kind, reason)
        return Outcome(payload, kind, time.monotonic() - self.began, init, self._mb(end), "failure")

    async def _kill(self) -> dict[str, Any]:
        """Kill every process and forget the runtime; how it ended."""
        if self._starting is not None:
            self._starting.cancel()
            self._starting = None
        started, self._link = self._link, None
        if not self._control.order(b"K"):
            await self.stop()
            return {}
        end = await self._control.end() if started is not None else {}
        if started is not None:
            started.close()
            if "exited" not in end:
                await self.stop()
        return end

    def _runtime_ended(self) -> None:
        """The keeper says so. A runtime that speaks frames is heard out first: its channel closes by itself."""
        if self._program.kind == "api":
            self._api.end()

    async def _shut_down(self) -> None:
        """Give extensions their last event and two seconds."""
        if self._frozen:
            self._telemetry.resume()
            self._control.order(b"T")
        if self._extensions.shut_down("spindown", SHUTDOWN_SECONDS):
            self._control.order(b"Q")
            try:
                async with asyncio.timeout(SHUTDOWN_SECONDS):
                    await self._telemetry.flush()
                    await self._extensions.gone()
            except TimeoutError:
                return

    def lasts(self) -> None:
        """An invocation takes longer: read its log from now on, look at its memory, and mind its time-out."""
        self._quick = False
        for log in self._logs:
            log.watch()
        if self._expiry is None:
            self._expire_in_time()
        self._measuring = asyncio.get_running_loop().call_later(MEASURE_SECONDS, self._measure)

    def _unwatch(self) -> None:
        for timer in (self._measuring, self._expiry):
            if timer is not None:
                timer.cancel()
        self._measuring = self._expiry = None

    def _read_logs(self) -> None:
        """Hand over what was written; without extensions, nobody writes from now on whom it could hold up."""
        for log in self._logs:
            if self._extensions.any:
                log.drain()
            else:
                log.rest()

    def _measure(self) -> None:
        """Have the keeper look at the memory while an invocation runs."""
        if self._control.order(b"M"):
            self._measuring = asyncio.get_running_loop().call_later(MEASURE_SECONDS, self._measure)

    def _mb(self, end: dict[str, Any], told_kb: int = 0) -> int:
        """The most memory held, in whole MB, at least 1: as the runtime told, or as it was measured."""
        return max(int(end.get("peak_kb", 0)), self._control.peak_kb, told_kb) // 1024 or 1

    def _function_lines(self, when: float, lines: Sequence[str]) -> Any:
        if self._telemetry.subscriptions:
            self._telemetry.lines("function", when, lines)
        return self._sink(when, lines)

    def _extension_lines(self, when: float, lines: Sequence[str]) -> Any:
        if self._telemetry.subscriptions:
            self._telemetry.lines("extension", when, lines)
        return self._sink(when, lines)
