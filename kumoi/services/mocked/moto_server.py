"""moto's server as a child process: started when first asked, ended with the platform; a reset ends it, too.

A process of its own keeps its memory (some 300 MB), its imports and its global state away from the platform.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path

from kumoi.http_client import HttpAnswer, HttpClient, Unreachable
from kumoi.wire.errors import aws_error

_START_SECONDS = 60.0
_ANSWER_SECONDS = 60.0
_MOST = 64 * 1024 * 1024
_ACCOUNT = "x-moto-account-id"
_PROGRAM = """
import os, signal
told = os.dup(1)
os.dup2(2, 1)
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
os.environ["MOTO_PORT"] = str(server.get_host_and_port()[1])
os.write(told, os.environ["MOTO_PORT"].encode() + b"\\n")
while True:
    signal.pause()
"""
"""Takes a port that the system gives, and tells it once it listens: one chosen for it could be another's by then."""


class MotoServer:
    """moto, as far as it runs. Its log is a file in `directory`."""

    def __init__(self, http: HttpClient, directory: Path) -> None:
        self._http = http
        self._directory = directory
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0
        self._starting = asyncio.Lock()

    async def ask(
        self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes, account: str
    ) -> HttpAnswer:
        """Hand a request on, in the name of an account; ServiceUnavailable when moto does not answer."""
        await self._start()
        url = f"http://127.0.0.1:{self._port}{target}"
        try:
            return await self._http.send(
                method, url, [*headers, (_ACCOUNT, account)], body, seconds=_ANSWER_SECONDS, most=_MOST
            )
        except Unreachable as problem:
            raise aws_error("ServiceUnavailable", f"moto did not answer: {problem}", status=503) from None

    async def stop(self) -> None:
        """End it, and all that it kept."""
        async with self._starting:
            await self._end()

    async def _start(self) -> None:
        async with self._starting:
            if self._process is not None and self._process.returncode is None:
                return
            with (self._directory / "moto.log").open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-c", _PROGRAM),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                )
            try:
                self._port = await self._told_port(self._process)
            except BaseException:
                await self._end()
                raise

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.terminate()
            await process.wait()

    async def _told_port(self, process: asyncio.subprocess.Process) -> int:
        """The port that it listens on, once it does; ServiceUnavailable when it ends, or takes too long."""
        assert process.stdout is not None
        problem = "moto does not start"
        try:
            async with asyncio.timeout(_START_SECONDS):
                if told := await process.stdout.readline():
                    return int(told)
        except TimeoutError:
            problem = f"moto did not start within {_START_SECONDS:g} s"
        raise aws_error("ServiceUnavailable", f"{problem}; {self._directory / 'moto.log'} says why", status=503)
