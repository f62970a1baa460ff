"""Zygotes: warm interpreters, one process each, that fork a keeper for every sandbox.

A zygote is started at its first use and again when it is gone. It ends when our end of its socket closes, so nothing
of it outlives Kumoi, even when Kumoi is killed.
"""

from __future__ import annotations

import array
import asyncio
import json
import logging
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kumoi.names import hex_id
from kumoi.sandbox.cgroups import CgroupPlace
from kumoi.sandbox.interface import Isolation
from kumoi.sandbox.interpreters import Interpreter

logger = logging.getLogger(__name__)

_PROGRAM = Path(__file__).with_name("python") / "__main__.py"
FIRST_UID = 2_000_000
USERS = 1100
START_SECONDS = 120.0


class ZygoteFailed(Exception):
    """A zygote could not be started; the text says why."""


class Zygote:
    """The parent's side of one zygote."""

    def __init__(self, process: asyncio.subprocess.Process, link: socket.socket) -> None:
        self._process = process
        self._link = link
        self._sending = asyncio.Lock()

    @classmethod
    async def start(
        cls,
        interpreter: Interpreter,
        directory: Path,
        *,
        isolation: Isolation,
        sdk: bool,
        cgroup: CgroupPlace | None,
        programs: Sequence[Path] = (),
    ) -> Zygote:
        """Start a zygote; ZygoteFailed when the machine refuses it the isolation asked for.

        `programs` are directories that sandboxes see beside the system's: where other runtimes are installed.
        """
        root = directory / f"root-{hex_id(8)}"
        root.mkdir(mode=0o755)
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                str(interpreter.path),
                "-I",
                "-S",
                str(_PROGRAM),
                str(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            theirs.close()
        ours.setblocking(False)
        settings = {
            "isolation": isolation,
            "sdk": sdk,
            "cgroup": None if cgroup is None else {"directory": str(cgroup.directory), "version": cgroup.version},
            "root": str(root),
            "users": [FIRST_UID, USERS],
            "runtime_directory": str(directory / "packages"),
            "programs": [str(program) for program in programs],
        }
        zygote = cls(process, ours)
        try:
            await zygote._greet(settings)
        except BaseException:
            await zygote.stop()
            raise
        return zygote

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None and self._link.fileno() >= 0

    async def spawn(self, spec: dict[str, Any], control: socket.socket, logs: Sequence[int]) -> None:
        """Ask for a sandbox; it speaks for itself on `control`. `logs`: the function's pipe and its extensions'."""
        message = json.dumps({"do": "spawn", "sandbox": spec}).encode()
        fds = array.array("i", [control.fileno(), *logs])
        content = struct.pack(">I", len(message)) + message
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]
        async with self._sending:  # one message after the other, however busy the zygote is
            sent = 0
            while not sent:
                try:
                    sent = self._link.sendmsg([content[:4]], ancillary)
                except BlockingIOError:
                    await self._writable()
            await asyncio.get_running_loop().sock_sendall(self._link, content[sent:])

    async def _writable(self) -> None:
        """Wait until the zygote has read on."""
        loop = asyncio.get_running_loop()
        room: asyncio.Future[None] = loop.create_future()

        def ready() -> None:
            loop.remove_writer(self._link)
            room.set_result(None)

        loop.add_writer(self._link, ready)
        await room

    async def stop(self) -> None:
        """End it and every process below it."""
        self._link.close()
        try:
            async with asyncio.timeout(5):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _greet(self, settings: dict[str, Any]) -> None:
        message = json.dumps(settings).encode()
        loop = asyncio.get_running_loop()
        greeting = b""
        try:
            async with asyncio.timeout(START_SECONDS):
                await loop.sock_sendall(self._link, struct.pack(">I", len(message)) + message)
                while not greeting.endswith(b"\n"):
                    piece = await loop.sock_recv(self._link, 4096)
                    if not piece:
                        raise ZygoteFailed("the interpreter ended while it started")
                    greeting += piece
        except (OSError, TimeoutError) as error:
            raise ZygoteFailed(f"the interpreter did not start: {error!r}") from None
        failure = json.loads(greeting)["error"]
        if failure is not None:
            raise ZygoteFailed(failure)
