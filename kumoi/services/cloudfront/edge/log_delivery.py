"""Access logs on their way: standard logs as gzip files to S3, real-time records to Kinesis; and the last requests.

Standard logs leave every few seconds of platform time, one file a distribution. As at AWS delivery is at best effort:
what was not delivered when the platform is killed is lost. The last requests are kept in memory for `kumoi edge`.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import random
from collections import OrderedDict
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

from kumoi.doorway import Doorway, Principal
from kumoi.names import Arn, hex_id
from kumoi.services.cloudfront.edge.compiled import Served
from kumoi.services.cloudfront.edge.log_entry import HEAD, LogEntry, realtime_line, standard_line
from kumoi.services.cloudfront.naming import REGION
from kumoi.services.cloudfront.records import RealtimeLog
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

FLUSH = 5.0
"""Seconds of platform time between two files of a distribution."""
RECENT = 500
_BATCH = 500

Destination = tuple[str, str, str, str]
"""Account, bucket, prefix, distribution."""


class LogDelivery:
    """Takes what was answered, and delivers it in the background."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._lines: dict[Destination, list[str]] = {}
        self._records: dict[tuple[str, str], list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._flushing = False
        self._sending = False
        self.recent: OrderedDict[str, LogEntry] = OrderedDict()

    def add(self, entry: LogEntry, served: Served, realtime: RealtimeLog | None) -> None:
        """A request was answered."""
        self.recent[entry.request_id] = entry
        if len(self.recent) > RECENT:
            self.recent.popitem(last=False)
        if served.log_bucket:
            self.add_line(served, standard_line(entry, cookies=served.log_cookies))
        if realtime is not None and self.chosen(realtime):
            self.add_record(entry, realtime)

    def add_line(self, served: Served, line: str) -> None:
        """Have a line written to a distribution's standard log."""
        destination = (served.account, served.log_bucket, served.log_prefix, served.id)
        lines = self._lines.get(destination)
        if lines is None:
            lines = self._lines[destination] = []
        lines.append(line)
        if not self._flushing:
            self._flushing = True
            self._start(self._flush_later())

    def chosen(self, realtime: RealtimeLog) -> bool:
        """Whether a request is one of those that a real-time log takes."""
        return random.random() * 100 < realtime.rate

    def add_record(self, entry: LogEntry, realtime: RealtimeLog) -> None:
        """Have a request sent to the streams of a real-time log."""
        record = realtime_line(entry, realtime.fields).encode("utf-8", "replace")
        for endpoint in realtime.endpoints:
            stream = endpoint.get("KinesisStreamConfig", {}).get("StreamARN", "")
            self._records.setdefault((entry.account, stream), []).append(record)
        if not self._sending:
            self._sending = True
            self._start(self._send())

    async def stop(self) -> None:
        """Deliver what is left."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._flush()
        await self._send()

    def forget(self, account: str | None) -> None:
        """Drop what is kept of an account, or of all."""
        for id in [id for id, one in self.recent.items() if account in (None, one.account)]:
            del self.recent[id]
        for destination in [one for one in self._lines if account in (None, one[0])]:
            del self._lines[destination]

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _flush_later(self) -> None:
        await self._doorway.clock.sleep(FLUSH)
        self._flushing = False
        await self._flush()

    async def _flush(self) -> None:
        """A file for each distribution that was asked for something."""
        lines, self._lines = self._lines, {}
        for (account, bucket, prefix, distribution), found in lines.items():
            hour = datetime.fromtimestamp(self._doorway.clock.now(), UTC).strftime("%Y-%m-%d-%H")
            key = f"{prefix}{'/' if prefix and not prefix.endswith('/') else ''}{distribution}.{hour}.{hex_id(8)}.gz"
            body = await asyncio.to_thread(_packed, found)
            caller = Principal.looking(account, "s3", f"cloudfront:{distribution}")
            given = {"Bucket": bucket, "Key": key, "Body": body}
            try:
                await self._doorway.ask("s3", "PutObject", given, caller, REGION)
            except AwsError as error:
                logger.warning("access logs of %s could not be delivered to %s: %s", distribution, bucket, error)

    async def _send(self) -> None:
        """What waits for each stream, in batches."""
        self._sending = False
        records, self._records = self._records, {}
        for (account, stream), found in records.items():
            try:
                arn = Arn.parse(stream)
                caller = Principal.looking(account, "kinesis", "cloudfront")
                for start in range(0, len(found), _BATCH):
                    rows = [{"Data": data, "PartitionKey": hex_id(16)} for data in found[start : start + _BATCH]]
                    given = {"StreamName": arn.resource.rpartition("/")[2], "Records": rows}
                    await self._doorway.ask("kinesis", "PutRecords", given, caller, arn.region)
            except (AwsError, ValueError) as error:
                logger.warning("real-time log records could not be sent to %s: %s", stream, error)


def _packed(lines: list[str]) -> bytes:
    """A file of a standard log. Most of a line is random: to look for more costs four times as much for little."""
    return gzip.compress((HEAD + "\n".join(lines) + "\n").encode("utf-8", "replace"), compresslevel=1)
