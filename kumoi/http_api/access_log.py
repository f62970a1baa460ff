"""Access logs: a line for each request, as a stage's format says, into a log group or a delivery stream.

Lines are written behind the answer, in batches, one log stream a group and start of the platform. Source: "Customize
HTTP API access logs" and "Set up CloudWatch logging" of the developer guide.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Doorway, Principal
from kumoi.names import Arn, hex_id
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

_VARIABLE = re.compile(r"\$context\.([A-Za-z0-9_.\-]+)")


def line(form: str, context: Mapping[str, Any]) -> str:
    """The line of a request; `-` stands for what is not known of it."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        trailing = name[len(name.rstrip(".")) :]
        found: Any = context
        for part in name.rstrip(".").split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        if found is None or found == "" or isinstance(found, Mapping):
            return "-" + trailing
        return (str(found).lower() if isinstance(found, bool) else str(found)) + trailing

    return _VARIABLE.sub(value, form)


_MOST_RECORDS = 500


class AccessLogs:
    """Writes lines to log groups, or delivery streams, in the background, as a service."""

    def __init__(self, doorway: Doorway, service: str = "apigateway") -> None:
        self._doorway = doorway
        self._service = service
        self._stream = hex_id(32)
        self._waiting: dict[str, list[dict[str, Any]]] = {}
        self._streams: set[str] = set()
        self._own: set[str] = set()
        self._writer: asyncio.Task[None] | None = None

    def write(self, destination: str, text: str, *, own: bool = False) -> None:
        """Hand over a line for what has this ARN; `own` log groups are made where there are none."""
        if own:
            self._own.add(destination)
        self._waiting.setdefault(destination, []).append(
            {"timestamp": int(self._doorway.clock.now() * 1000), "message": text}
        )
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())

    async def stop(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            await self._writer

    async def _write_all(self) -> None:
        while self._waiting:
            destination = next(iter(self._waiting))
            lines = self._waiting.pop(destination)
            try:
                await self._put(destination, lines)
            except (AwsError, ValueError) as error:
                logger.warning("access log %s: %s", destination, error)

    async def _create_group(self, group: str, caller: Principal, region: str) -> None:
        try:
            await self._doorway.ask("logs", "CreateLogGroup", {"logGroupName": group}, caller, region)
        except AwsError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise

    async def _put_records(self, stream: Arn, lines: list[dict[str, Any]]) -> None:
        caller = Principal.of_service(stream.account, f"{self._service}.amazonaws.com", self._service)
        name = stream.resource.partition("/")[2]
        for start in range(0, len(lines), _MOST_RECORDS):
            records = [{"Data": f"{one['message']}\n".encode()} for one in lines[start : start + _MOST_RECORDS]]
            put = {"DeliveryStreamName": name, "Records": records}
            await self._doorway.ask("firehose", "PutRecordBatch", put, caller, stream.region)

    async def _put(self, destination: str, lines: list[dict[str, Any]]) -> None:
        arn = Arn.parse(destination)
        if arn.service == "firehose":
            await self._put_records(arn, lines)
            return
        group = arn.resource.removeprefix("log-group:").removesuffix(":*")
        caller = Principal.of_service(arn.account, f"{self._service}.amazonaws.com", self._service)
        stream = {"logGroupName": group, "logStreamName": self._stream}
        for again in (True, False):
            if destination not in self._streams:
                if destination in self._own:
                    await self._create_group(group, caller, arn.region)
                try:
                    await self._doorway.ask("logs", "CreateLogStream", stream, caller, arn.region)
                except AwsError as error:
                    if error.code != "ResourceAlreadyExistsException":
                        raise
                self._streams.add(destination)
            try:
                for start in range(0, len(lines), 1000):
                    batch = {**stream, "logEvents": lines[start : start + 1000]}
                    await self._doorway.ask("logs", "PutLogEvents", batch, caller, arn.region)
            except AwsError:
                # The group may have been deleted and made again: its stream is gone.
                self._streams.discard(destination)
                if not again:
                    raise
            else:
                return
