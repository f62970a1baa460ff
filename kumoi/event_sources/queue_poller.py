"""The poller of a queue: receives batches, filters them, hands them to the sink, deletes what was managed.

Several batches may be under way at once. A batch that fails is left alone: its messages become visible again when their
time is over, and the queue's redrive policy does the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from kumoi.doorway import CallDropped, Doorway, Trace
from kumoi.event_sources.filters import Filters
from kumoi.event_sources.queue_events import MAX_BATCH_BYTES, filtered_form, record_of
from kumoi.event_sources.sink import ALL, Sink
from kumoi.event_sources.source import Source
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

WAIT_SECONDS = 20
USUAL_CONCURRENCY = 10
_PAUSE_SECONDS = 1.0
_MAX_PAUSE_SECONDS = 60.0
_DELETED_AT_ONCE = 10


class QueuePoller:
    """Reads one queue for one sink until it is cancelled."""

    def __init__(self, doorway: Doorway, source: Source, sink: Sink) -> None:
        self._doorway = doorway
        self._source = source
        self._sink = sink
        self._filters = Filters(source.filters, filtered_form)
        self._slots = asyncio.Semaphore(source.max_concurrency or USUAL_CONCURRENCY)
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Poll; a queue that cannot be read is tried again, ever more slowly."""
        pause = _PAUSE_SECONDS
        while True:
            await self._slots.acquire()
            try:
                messages = await self._gather()
                pause = _PAUSE_SECONDS
            except (AwsError, CallDropped) as error:
                self._slots.release()
                logger.warning("%s cannot be read: %r", self._source.arn, error)
                await self._doorway.clock.sleep(pause)
                pause = min(2 * pause, _MAX_PAUSE_SECONDS)
                continue
            if not messages:
                self._slots.release()
                continue
            task = asyncio.create_task(self._process(messages))
            self._under_way.add(task)
            task.add_done_callback(self._done)

    @property
    def busy(self) -> bool:
        """Whether batches are under way."""
        return bool(self._under_way)

    async def abort(self) -> None:
        """Give up the batches under way: their messages become visible again."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._slots.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a batch of %s failed", self._source.arn, exc_info=error)

    async def _gather(self) -> list[dict[str, Any]]:
        """A batch: as many messages as wanted, or what came within the window."""
        source, clock = self._source, self._doorway.clock
        messages = await self._receive(source.batch_size, WAIT_SECONDS)
        until = clock.now() + source.window
        size = sum(len(message["Body"]) for message in messages)
        while messages and len(messages) < source.batch_size and size < MAX_BATCH_BYTES:
            left = until - clock.now()
            if left <= 0:
                break
            more = await self._receive(source.batch_size - len(messages), min(WAIT_SECONDS, max(1, int(left))))
            messages += more
            size += sum(len(message["Body"]) for message in more)
        return messages

    async def _receive(self, count: int, wait: int) -> list[dict[str, Any]]:
        answer = await self._ask(
            "ReceiveMessages", QueueUrl=self._source.arn, MaxNumberOfMessages=count, WaitTimeSeconds=wait
        )
        messages: list[dict[str, Any]] = answer.get("Messages") or []
        return messages

    async def _process(self, messages: Sequence[dict[str, Any]]) -> None:
        source = self._source
        records = [record_of(message, source.arn, source.region) for message in messages]
        wanted: list[dict[str, Any]] = []
        unwanted: list[dict[str, Any]] = []
        for record in records:
            (wanted if self._filters.pass_on(record) else unwanted).append(record)
        if unwanted:
            await self._delete(unwanted)
        if not wanted:
            return
        header = wanted[0]["attributes"].get("AWSTraceHeader")
        identifiers = [record["messageId"] for record in wanted]
        outcome = await self._sink.take(
            {"Records": wanted}, identifiers, Trace.parse(header, self._doorway.clock.now())
        )
        if outcome.failed is not ALL:
            await self._delete([record for record in wanted if record["messageId"] not in outcome.failed])
        elif not outcome.counts:
            await self._doorway.clock.sleep(_PAUSE_SECONDS)

    async def _delete(self, records: Sequence[dict[str, Any]]) -> None:
        for at in range(0, len(records), _DELETED_AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": record["receiptHandle"]}
                for number, record in enumerate(records[at : at + _DELETED_AT_ONCE])
            ]
            answer = await self._ask("DeleteMessageBatch", QueueUrl=self._source.arn, Entries=entries)
            for failure in answer.get("Failed") or []:
                logger.warning("a message of %s was not deleted: %s", self._source.arn, failure["Message"])

    async def _ask(self, operation: str, **params: Any) -> dict[str, Any]:
        reader = await self._sink.reader()
        answer: dict[str, Any] = await self._doorway.ask("sqs", operation, params, reader, self._source.region)
        return answer
