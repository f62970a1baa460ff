"""The processes that queries of others run in, so that none of them can hold the platform up or take its memory.

One that is idle takes the next task, else one is started. A task that is cancelled ends with its process; where a
process ends under its task, the task has failed. Idle ones are ended after a while.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from kumoi.lake.parquet import QueryFailed
from kumoi.lake.worker import BROKEN, DONE, LENGTH, Request

_IDLE_SECONDS = 300.0
_ROOT = Path(__file__).resolve().parents[2]


class Workers:
    """Runs tasks in processes."""

    def __init__(self) -> None:
        self._idle: list[Process] = []
        self._resting: asyncio.TimerHandle | None = None

    async def run(self, request: Request) -> bytes:
        """What a task answers. QueryFailed when it cannot, also for want of memory; RuntimeError when it is broken."""
        content = await asyncio.to_thread(pickle.dumps, request)
        self._idle = [one for one in self._idle if one.returncode is None]
        process = self._idle.pop() if self._idle else await _start()
        try:
            kind, answer = await _exchange(process, content)
        except (EOFError, ConnectionError):
            await _end(process)
            raise QueryFailed(
                f"The process of the query ended ({process.returncode}): it may have needed too much memory."
            ) from None
        except BaseException:
            await _end(process)
            raise
        self._idle.append(process)
        self._rest_later()
        if kind == DONE:
            return answer
        raise (RuntimeError if kind == BROKEN else QueryFailed)(answer.decode())

    async def close(self) -> None:
        """End all processes that are idle."""
        if self._resting is not None:
            self._resting.cancel()
        idle, self._idle = self._idle, []
        await asyncio.gather(*map(_end, idle))

    def _rest_later(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
        self._resting = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self._rest)

    def _rest(self) -> None:
        idle, self._idle = self._idle, []
        for process in idle:
            assert process.stdin is not None
            process.stdin.close()


async def _start() -> Process:
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-c",
        "from kumoi.lake.worker import main; main()",
        stdin=PIPE,
        stdout=PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        start_new_session=True,
    )


async def _exchange(process: Process, content: bytes) -> tuple[bytes, bytes]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(LENGTH.pack(len(content)) + content)
    await process.stdin.drain()
    head = await process.stdout.readexactly(1 + LENGTH.size)
    return head[:1], await process.stdout.readexactly(LENGTH.unpack(head[1:])[0])


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
