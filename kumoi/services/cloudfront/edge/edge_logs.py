"""Log lines of the edge on their way to CloudWatch Logs: written behind the answer, a stream a group and day.

Groups are made when they are first written to, in the region that the lines belong to.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from kumoi.doorway import Doorway, Principal
from kumoi.names import uuid
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

Destination = tuple[str, str, str]
"""Account, region, log group."""


class EdgeLogs:
    """Writes lines in the background."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._id = uuid()
        self._waiting: dict[Destination, list[dict[str, Any]]] = {}
        self._made: set[tuple[Destination, str]] = set()
        self._writer: asyncio.Task[None] | None = None

    def write(self, account: str, region: str, group: str, lines: Sequence[str]) -> None:
        """Hand over lines."""
        moment = int(self._doorway.clock.now() * 1000)
        self._waiting.setdefault((account, region, group), []).extend(
            {"timestamp": moment, "message": line or " "} for line in lines
        )
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())

    async def settle(self) -> None:
        """Return once what was handed over is written."""
        if self._writer is not None:
            await self._writer

    async def _write_all(self) -> None:
        while self._waiting:
            destination = next(iter(self._waiting))
            lines = self._waiting.pop(destination)
            try:
                await self._put(destination, lines)
            except AwsError as error:
                logger.warning("log lines of the edge could not be written to %s: %s", destination[2], error)

    async def _put(self, destination: Destination, lines: list[dict[str, Any]]) -> None:
        account, region, group = destination
        caller = Principal.of_service(account, "logger.cloudfront.amazonaws.com", "cloudfront")
        today = datetime.fromtimestamp(self._doorway.clock.now(), UTC)
        stream = f"{today.year}/{today.month}/{today.day}/{self._id}"
        names = {"logGroupName": group, "logStreamName": stream}
        for again in (True, False):
            if (destination, stream) not in self._made:
                await self._made_sure("CreateLogGroup", {"logGroupName": group}, caller, region)
                await self._made_sure("CreateLogStream", names, caller, region)
                self._made.add((destination, stream))
            try:
                for start in range(0, len(lines), 1000):
                    batch = {**names, "logEvents": lines[start : start + 1000]}
                    await self._doorway.ask("logs", "PutLogEvents", batch, caller, region)
            except AwsError as error:
                self._made.discard((destination, stream))
                if not again or error.code != "ResourceNotFoundException":
                    raise
            else:
                return

    async def _made_sure(self, operation: str, given: dict[str, Any], caller: Principal, region: str) -> None:
        try:
            await self._doorway.ask("logs", operation, given, caller, region)
        except AwsError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise
