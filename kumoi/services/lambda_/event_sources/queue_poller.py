"""The poller of a queue: receives batches, filters them, invokes the function, deletes what was managed.

Several batches may be under way at once. A batch that fails is left alone: its messages become visible again when their
time is over, and the queue's redrive policy does the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from kumoi.doorway import Doorway, Principal, Trace
from kumoi.services.lambda_.event_sources.batch_result import ALL, failed_items
from kumoi.services.lambda_.event_sources.filters import Filters
from kumoi.services.lambda_.event_sources.queue_events import MAX_BATCH_BYTES, event_of, filtered_form, record_of
from kumoi.services.lambda_.event_sources.records import Mapping
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

WAIT_SECONDS = 20
USUAL_CONCURRENCY = 10
_PAUSE_SECONDS = 1.0
_MAX_PAUSE_SECONDS = 60.0
_DELETED_AT_ONCE = 10


class QueuePoller:
    """Runs one mapping of a queue until it is cancelled."""

    def __init__(self, doorway: Doorway, mapping: Mapping) -> None:
        self._doorway = doorway
        self._mapping = mapping
        self._filters = Filters(mapping.filters, filtered_form)
        self._slots = asyncio.Semaphore(mapping.max_concurrency or USUAL_CONCURRENCY)
        self._under_way: set[asyncio.Task[None]] = set()
        name = mapping.source_arn.rpartition(":")[2]
        self._caller = Principal.of_service(mapping.account, "lambda.amazonaws.com", f"sqs:{name}")

    async def run(self) -> None:
        """Poll; a queue that cannot be read is tried again, ever more slowly."""
        pause = _PAUSE_SECONDS
        while True:
            await self._slots.acquire()
            try:
                messages = await self._gather()
                pause = _PAUSE_SECONDS
            except AwsError as error:
                self._slots.release()
                logger.warning("%s cannot be read: %s", self._mapping.source_arn, error)
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
            logger.error("a batch of %s failed", self._mapping.source_arn, exc_info=error)

    async def _gather(self) -> list[dict[str, Any]]:
        """A batch: as many messages as wanted, or what came within the window."""
        mapping, clock = self._mapping, self._doorway.clock
        messages = await self._receive(mapping.batch_size, WAIT_SECONDS)
        until = clock.now() + mapping.window
        size = sum(len(message["Body"]) for message in messages)
        while messages and len(messages) < mapping.batch_size and size < MAX_BATCH_BYTES:
            left = until - clock.now()
            if left <= 0:
                break
            more = await self._receive(mapping.batch_size - len(messages), min(WAIT_SECONDS, max(1, int(left))))
            messages += more
            size += sum(len(message["Body"]) for message in more)
        return messages

    async def _receive(self, count: int, wait: int) -> list[dict[str, Any]]:
        answer = await self._ask(
            "ReceiveMessages", QueueUrl=self._mapping.source_arn, MaxNumberOfMessages=count, WaitTimeSeconds=wait
        )
        messages: list[dict[str, Any]] = answer.get("Messages") or []
        return messages

    async def _process(self, messages: Sequence[dict[str, Any]]) -> None:
        mapping = self._mapping
        records = [record_of(message, mapping.source_arn, mapping.region) for message in messages]
        wanted = [record for record in records if self._filters.pass_on(record)]
        unwanted = [record for record in records if record not in wanted] if len(wanted) < len(records) else []
        if unwanted:
            await self._delete(unwanted)
        if not wanted:
            return
        header = wanted[0]["attributes"].get("AWSTraceHeader")
        try:
            answer = await self._doorway.ask(
                "lambda",
                "Invoke",
                {"FunctionName": mapping.function_arn, "Payload": event_of(wanted)},
                self._caller,
                mapping.region,
                Trace.parse(header, self._doorway.clock.now()),
            )
        except AwsError as error:
            logger.warning("%s could not invoke %s: %s", mapping.source_arn, mapping.function, error)
            await self._doorway.clock.sleep(_PAUSE_SECONDS)
            return
        if "FunctionError" in answer:
            return
        failed: set[str] | None = set()
        if mapping.reports_failures:
            failed = failed_items(answer["Payload"], [record["messageId"] for record in wanted])
        if failed is not ALL:
            await self._delete([record for record in wanted if record["messageId"] not in failed])

    async def _delete(self, records: Sequence[dict[str, Any]]) -> None:
        for at in range(0, len(records), _DELETED_AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": record["receiptHandle"]}
                for number, record in enumerate(records[at : at + _DELETED_AT_ONCE])
            ]
            answer = await self._ask("DeleteMessageBatch", QueueUrl=self._mapping.source_arn, Entries=entries)
            for failure in answer.get("Failed") or []:
                logger.warning("a message of %s was not deleted: %s", self._mapping.source_arn, failure["Message"])

    async def _ask(self, operation: str, **params: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await self._doorway.ask("sqs", operation, params, self._caller, self._mapping.region)
        return answer
