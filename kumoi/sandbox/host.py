"""The host of sandboxes: zygotes by interpreter, isolation as far as the machine permits it.

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
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kumoi.names import hex_id
from kumoi.sandbox.cgroups import CgroupPlace, make_place
from kumoi.sandbox.interface import Isolation, IsolationSetting, LogSink, Sandbox, SandboxSpec
from kumoi.sandbox.interpreters import Interpreter, Interpreters
from kumoi.sandbox.packages import link_packages, wants_sdk
from kumoi.sandbox.python_sandbox import PythonSandbox
from kumoi.sandbox.zygotes import FIRST_UID, USERS, Zygote, ZygoteFailed

logger = logging.getLogger(__name__)


class SandboxHost:
    """Makes sandboxes. `directory` is private to us; `now` stamps log lines (epoch seconds)."""

    def __init__(
        self, directory: Path, *, isolation: IsolationSetting = "auto", now: Callable[[], float] = time.time
    ) -> None:
        self._directory = directory
        self._setting = isolation
        self._now = now
        self._level: Isolation | None = None if isolation == "auto" else isolation
        self._interpreters = Interpreters()
        self._zygotes: dict[tuple[Path, bool], Zygote] = {}
        self._starting: dict[tuple[Path, bool], asyncio.Lock] = {}
        self._sandboxes: set[Sandbox] = set()
        self._users = set(range(USERS))
        self._cgroup: CgroupPlace | None = None
        self._sdk: dict[Path, bool] = {}
        self._warned: set[str] = set()

    @property
    def isolation(self) -> str:
        """The level in use; `auto` until the first sandbox has shown what the machine permits."""
        return self._level or "auto"

    async def start(self) -> None:
        """Prepare what every zygote needs; none is started yet."""
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True, mode=0o700)
        link_packages(self._directory / "packages")
        if sys.platform == "linux":
            self._cgroup = make_place()
        elif self._level is None:
            self._level = "process"

    async def prepare(self, runtime: str) -> None:
        """Start the zygote of a runtime in advance; RuntimeUnavailable when there is no interpreter for it."""
        await self._zygote(await self._interpreters.find(runtime), sdk=False)

    async def stop(self) -> None:
        """End every sandbox and every zygote."""
        for sandbox in list(self._sandboxes):
            await sandbox.stop()
        for zygote in self._zygotes.values():
            await zygote.stop()
        self._zygotes.clear()
        if self._cgroup is not None:
            await asyncio.to_thread(self._cgroup.remove)
        shutil.rmtree(self._directory, ignore_errors=True)

    async def create(self, spec: SandboxSpec, sink: LogSink) -> Sandbox:
        """A new sandbox, importing its handler already; RuntimeUnavailable or ZygoteFailed when it cannot be had."""
        interpreter = await self._interpreters.find(spec.runtime)
        self._warn_of_substitution(spec.runtime, interpreter)
        sdk = interpreter.minor >= 10 and await self._wants_sdk(spec)
        zygote = await self._zygote(interpreter, sdk=sdk)
        marker = b"\x1e" + os.urandom(15)
        name = f"sandbox-{hex_id(12)}"
        user = self._users.pop() if self._users else 0
        temporary = self._temporary(name)
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        read, write = os.pipe()

        def closed() -> None:
            self._sandboxes.discard(sandbox)
            self._users.add(user)
            if temporary is not None:
                shutil.rmtree(temporary, ignore_errors=True)

        try:
            await zygote.spawn(self._message(spec, name, marker, user, temporary), theirs, write)
        except BaseException:
            ours.close()
            os.close(read)
            self._users.add(user)
            raise
        finally:
            theirs.close()
            os.close(write)
        sandbox = await PythonSandbox.create(spec, ours, read, marker, sink, self._now, closed)
        self._sandboxes.add(sandbox)
        return sandbox

    def _message(
        self, spec: SandboxSpec, name: str, marker: bytes, user: int, temporary: Path | None
    ) -> dict[str, Any]:
        return {
            "name": name,
            "code": str(spec.code),
            "opt": str(spec.layers[0]) if spec.layers else "",
            "tmp_mb": spec.tmp_mb,
            "tmp": str(temporary or "/tmp"),  # noqa: S108  (the sandbox's own)
            "memory_mb": spec.memory_mb,
            "uid": FIRST_UID + user if os.geteuid() == 0 else None,
            "handler": spec.handler,
            "environment": dict(spec.environment),
            "log_format": spec.log_format,
            "log_level": spec.log_level,
            "marker": marker.hex(),
            "runtime_directory": str(self._directory / "packages"),
        }

    def _temporary(self, name: str) -> Path | None:
        """A directory in place of /tmp, where there is no mount namespace."""
        if self._level == "namespace":
            return None
        path = self._directory / "tmp" / name
        path.mkdir(parents=True)
        return path

    async def _wants_sdk(self, spec: SandboxSpec) -> bool:
        if spec.code not in self._sdk:
            self._sdk[spec.code] = await asyncio.to_thread(wants_sdk, spec.code, spec.layers)
        return self._sdk[spec.code]

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
                zygote = await Zygote.start(
                    interpreter, self._directory, isolation="namespace", sdk=sdk, cgroup=self._cgroup
                )
            except ZygoteFailed as error:
                logger.warning("functions run without namespaces, which is no security boundary: %s", error)
                self._level = "process"
            else:
                self._level = "namespace"
                return zygote
        return await Zygote.start(interpreter, self._directory, isolation=self._level, sdk=sdk, cgroup=self._cgroup)

    def _warn_of_substitution(self, runtime: str, interpreter: Interpreter) -> None:
        if runtime != f"python3.{interpreter.minor}" and runtime not in self._warned:
            self._warned.add(runtime)
            logger.warning("%s functions run on Python 3.%d: this machine has no other", runtime, interpreter.minor)
