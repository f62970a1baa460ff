"""The host of sandboxes: zygotes by interpreter, workers of Node.js in advance, isolation as far as it is permitted.

`auto` tries namespaces and settles for `process` where the machine refuses; the level in use is `isolation`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kumoi.names import hex_id
from kumoi.sandbox import programs, trust
from kumoi.sandbox.breaks import cannot_break
from kumoi.sandbox.cgroups import CgroupPlace, make_place
from kumoi.sandbox.connections import DatabaseConnections
from kumoi.sandbox.control import Control, SandboxGone
from kumoi.sandbox.interface import Isolation, IsolationSetting, LogSink, Sandbox, SandboxSpec
from kumoi.sandbox.interpreters import Interpreter, Interpreters
from kumoi.sandbox.kept_sandbox import KeptSandbox
from kumoi.sandbox.node_programs import NodeProgram, NodePrograms
from kumoi.sandbox.packages import link_packages, wants_sdk
from kumoi.sandbox.programs import PATH_LISTS, Places, Program
from kumoi.sandbox.runtime_link import Channel
from kumoi.sandbox.shell import Shell
from kumoi.sandbox.watch import Watch
from kumoi.sandbox.zygotes import FIRST_UID, USERS, Zygote, ZygoteFailed

logger = logging.getLogger(__name__)

OWN_RUNTIME = f"python3.{sys.version_info.minor}"
_COMPILE = "import compileall, os, sys; os.nice(19); compileall.compile_dir(sys.argv[1], quiet=2)"
_NOT_FOR_EXTENSIONS = (
    "_HANDLER",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
)


class SandboxHost:
    """Makes sandboxes. `directory` is private to us; `now` stamps log lines (epoch seconds).

    `databases` says how many connections a database takes, by `host:port`.
    `authority` answers the file of an authority that functions are to trust; it is called on a thread.
    """

    def __init__(
        self,
        directory: Path,
        *,
        isolation: IsolationSetting = "auto",
        now: Callable[[], float] = time.time,
        databases: Mapping[str, int] | None = None,
        authority: Callable[[], Path] | None = None,
    ) -> None:
        self._directory = directory
        self._packages = directory / "packages"
        self._setting = isolation
        self._now = now
        self._authority = authority
        self._trusted = asyncio.Lock()
        self._level: Isolation | None = None if isolation == "auto" else isolation
        self._interpreters = Interpreters()
        self._nodes = NodePrograms()
        self._zygotes: dict[tuple[Path, bool], Zygote] = {}
        self._starting: dict[tuple[Path, bool], asyncio.Lock] = {}
        self._sandboxes: set[KeptSandbox] = set()
        self._watch = Watch()
        self._spares: dict[Path, asyncio.Task[Shell]] = {}
        self._users = set(range(USERS))
        self._cgroup: CgroupPlace | None = None
        self._sdk: dict[tuple[Path, Path | None], bool] = {}
        self._warned: set[str] = set()
        self._databases = databases or {}
        self._connections: DatabaseConnections | None = None

    @property
    def isolation(self) -> str:
        """The level in use; `auto` until the first sandbox has shown what the machine permits."""
        return self._level or "auto"

    @property
    def declares_databases(self) -> bool:
        """Whether databases were declared whose connections sandboxes may use up."""
        return bool(self._databases)

    async def crowded(self) -> str:
        """A warning where sandboxes hold as many connections to a declared database as it takes; mostly nothing."""
        if not self._databases:
            return ""
        if self._connections is None:
            own_users = os.geteuid() == 0 and self._level == "namespace"
            self._connections = DatabaseConnections(self._databases, own_users=own_users)
        return await self._connections.warning(len(self._sandboxes))

    async def start(self) -> None:
        """Prepare what every zygote needs; none is started yet."""
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True, mode=0o700)
        link_packages(self._packages, NodePrograms.shared_modules())
        if sys.platform == "linux":
            self._cgroup = make_place()
        elif self._level is None:
            self._level = "process"

    async def prepare(self, runtime: str) -> None:
        """Start in advance what a runtime's sandboxes begin with; RuntimeUnavailable when it cannot run here."""
        if runtime.startswith("nodejs"):
            self._spare(await self._nodes.find(runtime))
        elif runtime.startswith("provided"):
            await self._zygote(await self._interpreters.find(OWN_RUNTIME), sdk=False)
        else:
            await self._zygote(await self._interpreters.find(runtime), sdk=False)

    async def precompile(self, runtime: str, directory: Path) -> None:
        """Compile a Python function's modules ahead of its first import, unhurried; nothing for other runtimes."""
        if not runtime.startswith("python"):
            return
        interpreter = await self._interpreters.find(runtime)
        command = [str(interpreter.path), "-I", "-c", _COMPILE, str(directory)]
        compiling = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL
        )
        try:
            await compiling.wait()
        except asyncio.CancelledError:
            compiling.kill()
            await compiling.wait()
            raise

    async def stop(self) -> None:
        """End every sandbox and every zygote."""
        await asyncio.gather(*(sandbox.stop() for sandbox in list(self._sandboxes)))
        for spare in self._spares.values():
            spare.cancel()
            for shell in await asyncio.gather(spare, return_exceptions=True):
                if isinstance(shell, Shell):
                    shell.close()
        self._spares.clear()
        for zygote in self._zygotes.values():
            await zygote.stop()
        self._zygotes.clear()
        if self._cgroup is not None:
            await asyncio.to_thread(self._cgroup.remove)
        shutil.rmtree(self._directory, ignore_errors=True)

    async def create(self, spec: SandboxSpec, sink: LogSink) -> Sandbox:
        """A new sandbox, initialising already; RuntimeUnavailable or ZygoteFailed when it cannot be had."""
        if spec.runtime.startswith("nodejs"):
            return await self._create_node(spec, sink)
        if spec.runtime.startswith("provided"):
            zygote = await self._zygote(await self._interpreters.find(OWN_RUNTIME), sdk=False)
            return await self._create(spec, sink, zygote, lambda places, _: programs.provided(spec, places))
        interpreter = await self._interpreters.find(spec.runtime)
        if spec.runtime != f"python3.{interpreter.minor}":
            self._warn(spec.runtime, f"Python 3.{interpreter.minor}")
        zygote = await self._zygote(interpreter, sdk=interpreter.minor >= 10 and await self._wants_sdk(spec))

        def python(places: Places, settings: dict[str, Any]) -> Program:
            own = f"/var/lang/bin/python3.{interpreter.minor}"
            return programs.python(spec, places, own if self._level == "namespace" else str(interpreter.path), settings)

        return await self._create(spec, sink, zygote, python)

    async def _create_node(self, spec: SandboxSpec, sink: LogSink) -> Sandbox:
        """A worker that has started already becomes the function, and another one is started for the next."""
        node = await self._nodes.find(spec.runtime)
        if spec.runtime != f"nodejs{node.major}.x":
            self._warn(spec.runtime, f"Node.js {node.major}")
        zygote = await self._zygote(await self._interpreters.find(OWN_RUNTIME), sdk=False)
        if not programs.may_start_in_advance(spec):
            return await self._create(spec, sink, zygote, lambda places, _: programs.node(spec, places, node.path))
        spare = self._spare(node)
        self._spares.pop(node.path)
        shell = await spare
        self._spare(node)
        places = self._places(spec)
        try:
            return await self._become(spec, sink, shell, programs.node(spec, places, node.path), places)
        except SandboxGone as error:
            raise ZygoteFailed(f"a Node.js worker could not become the function: {error}") from None

    async def _create(
        self, spec: SandboxSpec, sink: LogSink, zygote: Zygote, program: Callable[[Places, dict[str, Any]], Program]
    ) -> Sandbox:
        """A sandbox whose keeper knows its function from the start."""
        places = self._places(spec)
        extensions = bool(programs.extensions(spec, places))
        problem = cannot_break(spec, self._level or "process", extensions=extensions)
        if problem is not None:
            raise ZygoteFailed(problem)
        shell = self._shell(extensions=extensions)
        return await self._become(
            spec, sink, shell, program(places, self._settings(spec, shell, places)), places, zygote
        )

    async def _become(
        self,
        spec: SandboxSpec,
        sink: LogSink,
        shell: Shell,
        program: Program,
        places: Places,
        zygote: Zygote | None = None,
    ) -> Sandbox:
        """Make a shell the function's sandbox; `zygote` forks its keeper when it has none yet."""
        extensions = programs.extensions(spec, places)
        sandbox = KeptSandbox(spec, program, shell, sink, extensions, self._watch)
        try:
            port = await sandbox.listen()
            message = self._message(spec, shell, program, places, port, extensions)
            if zygote is not None:
                await shell.spawn(zygote, message)
            await sandbox.start(message, self._now)
        except BaseException:
            await sandbox.stop()
            raise
        self._sandboxes.add(sandbox)
        sandbox.on_stop = lambda: self._sandboxes.discard(sandbox)
        return sandbox

    def _spare(self, node: NodeProgram) -> asyncio.Task[Shell]:
        """The worker that waits for the next function, or is being started."""
        spare = self._spares.get(node.path)
        if spare is None or (spare.done() and (spare.cancelled() or spare.exception() or not spare.result().alive)):
            spare = self._spares[node.path] = asyncio.create_task(self._start_spare(node))
            spare.add_done_callback(_seen)
        return spare

    async def _start_spare(self, node: NodeProgram) -> Shell:
        zygote = await self._zygote(await self._interpreters.find(OWN_RUNTIME), sdk=False)
        runtime = "/var/runtime" if self._level == "namespace" else str(self._packages)
        command = programs.node_command(Places("", "", runtime), node.path)
        shell = self._shell(extensions=True)
        environment = {"PATH": os.defpath, **self._trust(runtime)}
        await shell.spawn(zygote, {"program": command, "environment": environment})
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            shell.connection = await Control.open(shell.control)
            shell.connection.start_runtime(theirs)
        finally:
            theirs.close()
        _, shell.channel = await asyncio.get_running_loop().create_connection(Channel, sock=ours)
        return shell

    def _shell(self, *, extensions: bool) -> Shell:
        name = f"sandbox-{hex_id(12)}"
        number = self._users.pop() if self._users else None
        temporary = self._temporary(name)

        def release() -> None:
            if number is not None:
                self._users.add(number)
            if temporary is not None:
                shutil.rmtree(temporary, ignore_errors=True)

        user = FIRST_UID + (number or 0) if os.geteuid() == 0 and self._level == "namespace" else None
        return Shell(name, user, temporary, extensions=extensions, release=release)

    def _message(
        self, spec: SandboxSpec, shell: Shell, program: Program, places: Places, port: int, extensions: list[str]
    ) -> dict[str, Any]:
        """What the keeper is told of the function."""
        environment = {
            **self._trust(places.runtime),
            **spec.environment,
            **dict(program.variables),
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        }
        if shell.temporary is not None:
            environment |= {"LAMBDA_TASK_ROOT": places.task, "TMPDIR": str(shell.temporary)}
            environment |= {name: places.local_list(environment[name]) for name in PATH_LISTS if name in environment}
        return {
            **self._settings(spec, shell, places),
            "code": str(spec.code),
            "opt": str(spec.opt or ""),
            "tmp_mb": spec.tmp_mb,
            "memory_mb": spec.memory_mb,
            "offline": spec.offline,
            "nameless": spec.nameless,
            "environment": environment,
            "program": list(program.command),
            "extensions": extensions,
            "extension_environment": {
                name: value for name, value in environment.items() if name not in _NOT_FOR_EXTENSIONS
            },
        }

    def _trust(self, runtime: str) -> dict[str, str]:
        return {} if self._authority is None else trust.variables(runtime)

    def _settings(self, spec: SandboxSpec, shell: Shell, places: Places) -> dict[str, Any]:
        """What a runtime of ours must know beside its environment."""
        return {
            "handler": spec.handler,
            "log_format": spec.log_format,
            "log_level": spec.log_level,
            "clock_skew": spec.clock_skew,
            "marker": shell.marker.hex(),
            "task": places.task,
            "opt_seen": places.opt,
            "runtime_directory": places.runtime,
        }

    def _places(self, spec: SandboxSpec) -> Places:
        return Places.of(spec, self._level or "process", self._packages)

    def _temporary(self, name: str) -> Path | None:
        """A directory in place of /tmp, where there is no mount namespace."""
        if self._level == "namespace":
            return None
        path = self._directory / "tmp" / name
        path.mkdir(parents=True)
        if os.geteuid() == 0:
            path.chmod(0o1777)
        return path

    async def _wants_sdk(self, spec: SandboxSpec) -> bool:
        key = (spec.code, spec.opt)
        if key not in self._sdk:
            self._sdk[key] = await asyncio.to_thread(wants_sdk, spec.code, spec.opt)
        return self._sdk[key]

    async def _zygote(self, interpreter: Interpreter, *, sdk: bool) -> Zygote:
        """The zygote of an interpreter, with or without the SDK loaded; started when it is not running."""
        key = (interpreter.path, sdk)
        async with self._starting.setdefault(key, asyncio.Lock()):
            zygote = self._zygotes.get(key)
            if zygote is None or not zygote.alive:
                zygote = self._zygotes[key] = await self._start_zygote(interpreter, sdk=sdk)
        return zygote

    async def _start_zygote(self, interpreter: Interpreter, *, sdk: bool) -> Zygote:
        if self._level is None:
            try:
                zygote = await self._fork_server(interpreter, "namespace", sdk=sdk)
            except ZygoteFailed as error:
                logger.warning("functions run without namespaces, which is no security boundary: %s", error)
                self._level = "process"
            else:
                self._level = "namespace"
                return zygote
        return await self._fork_server(interpreter, self._level, sdk=sdk)

    async def _fork_server(self, interpreter: Interpreter, level: Isolation, *, sdk: bool) -> Zygote:
        async with self._trusted:
            if self._authority is not None and not (self._packages / trust.OWN).exists():
                await asyncio.to_thread(lambda ask: trust.write_trust(self._packages, ask()), self._authority)
        return await Zygote.start(
            interpreter,
            self._directory,
            isolation=level,
            sdk=sdk,
            cgroup=self._cgroup,
            programs=await asyncio.to_thread(NodePrograms.shown),
        )

    def _warn(self, runtime: str, used: str) -> None:
        if runtime not in self._warned:
            self._warned.add(runtime)
            logger.warning("%s functions run on %s: this machine has no other", runtime, used)


def _seen(task: asyncio.Task[Shell]) -> None:
    """A worker that could not be started in advance is reported by whoever needs it."""
    if not task.cancelled():
        task.exception()
