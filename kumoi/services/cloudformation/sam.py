"""SAM templates: translated by AWS's own translator in a child process, which stays for ten minutes after its last use.

The process takes half a second to be ready, so it is begun as soon as a template is likely to come: deployers look for
the stack first, and send what they have packaged afterwards. What nobody needed in the end stays for a minute.

Source: "AWS SAM specification" of the SAM developer guide.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from kumoi.wire.errors import AwsError, aws_error

SERVERLESS = "AWS::Serverless-2016-10-31"
IDLE_SECONDS = 600.0
UNUSED_SECONDS = 60.0
LONGEST_SECONDS = 60.0
_MOST_BYTES = 64 * 1024 * 1024
logger = logging.getLogger(__name__)
_PROGRAM = Path(__file__).with_name("sam_program.py")


class SamTranslator:
    """The translating process: started when it is needed, one template at a time."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._ending: asyncio.TimerHandle | None = None
        self._beginning: asyncio.Task[None] | None = None

    def expect(self) -> None:
        """A SAM template is likely to come: have the process begin now."""
        if self._process is None and not self._turn.locked() and self._beginning is None:
            self._beginning = asyncio.create_task(self._begin())

    async def _begin(self) -> None:
        try:
            async with self._turn:
                await self._started()
                self._stay(UNUSED_SECONDS)
        except OSError:
            logger.warning("SAM's translator could not be begun ahead", exc_info=True)
        finally:
            self._beginning = None

    async def translate(
        self, template: Mapping[str, Any], parameters: Mapping[str, Any], region: str
    ) -> dict[str, Any]:
        """The template as CloudFormation knows it; ValidationError with every error that the translator tells."""
        request = orjson.dumps({"template": template, "parameters": parameters, "region": region})
        async with self._turn:
            if self._ending is not None:
                self._ending.cancel()
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    answer = await self._exchange(request)
            except TimeoutError:
                await self._stop()
                raise _refused([f"the translation took longer than {LONGEST_SECONDS:g} s"]) from None
            except BaseException:
                await self._stop()
                raise
            self._stay(IDLE_SECONDS)
        if "errors" in answer:
            raise _refused(answer["errors"])
        translated: dict[str, Any] = answer["template"]
        return translated

    async def close(self) -> None:
        """End the process."""
        if self._beginning is not None:
            self._beginning.cancel()
            await asyncio.gather(self._beginning, return_exceptions=True)
        if self._ending is not None:
            self._ending.cancel()
        await self._stop()

    async def _started(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", str(_PROGRAM), stdin=PIPE, stdout=PIPE, limit=_MOST_BYTES
            )
        return self._process

    def _stay(self, seconds: float) -> None:
        if self._ending is not None:
            self._ending.cancel()
        self._ending = asyncio.get_running_loop().call_later(seconds, self._end)

    async def _exchange(self, request: bytes) -> dict[str, Any]:
        process = await self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(request + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
        if not line:
            await self._stop()
            raise _refused(["the translator ended in the middle of it; Kumoi's log says why"])
        answer: dict[str, Any] = orjson.loads(line)
        return answer

    def _end(self) -> None:
        """Idle long enough: standard input's end is the process's."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _refused(errors: list[str]) -> AwsError:
    return aws_error(
        "ValidationError",
        f"Transform {SERVERLESS} failed with: Invalid Serverless Application Specification document. Number of "
        f"errors found: {len(errors)}. {'; '.join(errors)}",
    )
