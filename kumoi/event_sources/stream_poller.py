"""The poller of a stream: one worker a shard, in order, nothing skipped without a word.

A batch that fails is tried again, and holds up its shard, until it succeeds, has been tried often enough, or has grown
too old; then the sink is told what was lost. How far a shard has come is stored after each batch.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import msgspec

from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.event_sources.filters import Filters
from kumoi.event_sources.sink import ALL, Loss, LostBatch, Outcome, Sink
from kumoi.event_sources.source import Checkpoint, Source, checkpoints
from kumoi.event_sources.stream_events import (
    StreamRecord,
    dynamodb_record,
    filtered_form,
    fitting,
    flattened,
    kinesis_record,
)
from kumoi.event_sources.tumbling import Window
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

WAIT_SECONDS = 20
_PAUSE_SECONDS = 1.0
_MAX_PAUSE_SECONDS = 60.0
_SERVICES = {"dynamodb": "dynamodbstreams", "kinesis": "kinesis"}


class StreamPoller:
    """Reads one stream for one sink until it is cancelled."""

    def __init__(self, doorway: Doorway, source: Source, sink: Sink) -> None:
        self._doorway = doorway
        self._source = source
        self._sink = sink
        self._service = _SERVICES[source.kind]
        self._filters = Filters(source.filters, filtered_form)
        self._state = doorway.state.at("", "")
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._refresh = asyncio.Event()
        self._begun = False
        self._identity = ""  # who reads, as records of Kinesis tell it

    async def run(self) -> None:
        """See to it that each shard has a worker; shards come and go."""
        pause = _PAUSE_SECONDS
        try:
            while True:
                try:
                    await self._start_workers()
                    pause = _PAUSE_SECONDS
                except (AwsError, CallDropped) as error:
                    logger.warning("%s cannot be read: %r", self._source.arn, error)
                    await self._doorway.clock.sleep(pause)
                    pause = min(2 * pause, _MAX_PAUSE_SECONDS)
                    continue
                self._refresh.clear()
                await self._refresh.wait()
        finally:
            for worker in self._workers.values():
                worker.cancel()
            await asyncio.gather(*self._workers.values(), return_exceptions=True)

    async def _start_workers(self) -> None:
        shards = await self._shards()
        await self._begin(shards)
        listed = {shard["ShardId"] for shard in shards}
        done = {name for name, worker in self._workers.items() if worker.done()}
        for shard in shards:
            name = shard["ShardId"]
            parents = listed.intersection((shard.get("ParentShardId"), shard.get("AdjacentParentShardId")))
            if name in self._workers or parents - done:
                continue  # children wait for their parents: order holds across a split or a merge
            self._workers[name] = asyncio.create_task(self._work(name))
            self._workers[name].add_done_callback(self._ended)

    async def _begin(self, shards: Sequence[dict[str, Any]]) -> None:
        """Settle, once, where each shard of a new source begins; later shards are read from their beginning."""
        if self._begun or await _has_begun(self._state, self._source.id):
            self._begun = True
            return
        where: dict[str, Any] = {"ShardIteratorType": self._source.starting_position or "TRIM_HORIZON"}
        if self._source.starting_timestamp is not None:
            where["Timestamp"] = self._source.starting_timestamp
        begins = [
            Checkpoint(self._source.id, name, "", iterator=await self._ask_iterator(name, where))
            for name in (shard["ShardId"] for shard in shards)
        ]
        await _store(self._state, begins)
        self._begun = True

    def _ended(self, worker: asyncio.Task[None]) -> None:
        if not worker.cancelled() and (error := worker.exception()) is not None:
            logger.error("a shard of %s is no longer read", self._source.arn, exc_info=error)
        self._refresh.set()

    async def _shards(self) -> list[dict[str, Any]]:
        if self._source.kind == "dynamodb":
            answer = (await self._ask("DescribeStream", StreamArn=self._source.arn))["StreamDescription"]
            return list(answer["Shards"])
        answer = await self._ask("ListShards", StreamARN=self._source.arn)
        shards = list(answer["Shards"])
        while "NextToken" in answer:
            answer = await self._ask("ListShards", NextToken=answer["NextToken"])
            shards += answer["Shards"]
        return shards

    async def _work(self, shard: str) -> None:
        """Read one shard to its end."""
        checkpoint = await _checkpoint(self._state, self._source.id, shard)
        window = Window.of(self._source.tumbling_window, checkpoint)
        iterator: str | None = None
        pause = _PAUSE_SECONDS
        while True:
            try:
                iterator = iterator or await self._iterator(shard, checkpoint)
                records, iterator = await self._read(shard, iterator, self._patience(window))
            except (AwsError, CallDropped) as error:
                code = error.code if isinstance(error, AwsError) else None
                usual = code in ("ExpiredIteratorException", "TrimmedDataAccessException")
                if not usual or pause > _PAUSE_SECONDS:
                    logger.warning("shard %s of %s cannot be read: %r", shard, self._source.arn, error)
                    await self._doorway.clock.sleep(pause)
                pause = min(2 * pause, _MAX_PAUSE_SECONDS)
                trimmed = code == "TrimmedDataAccessException"
                checkpoint = None if trimmed else await _checkpoint(self._state, self._source.id, shard)
                iterator = None
                continue
            pause = _PAUSE_SECONDS
            if window is not None:
                await self._windowed(shard, window, records)
            elif records:
                await self._process(shard, records)
            stored = None if window is None else window.stored()
            if records:
                checkpoint = Checkpoint(self._source.id, shard, records[-1].sequence_number, stored)
                await _store(self._state, [checkpoint])
            elif checkpoint is not None and checkpoint.window != stored:  # its window is over
                checkpoint = msgspec.structs.replace(checkpoint, window=stored)
                await _store(self._state, [checkpoint])
            if iterator is None:
                return

    async def _iterator(self, shard: str, checkpoint: Checkpoint | None) -> str:
        """Where to go on: behind what is done, where a new source begins, or at the beginning of a new shard."""
        if checkpoint is None:
            return await self._ask_iterator(shard, {"ShardIteratorType": "TRIM_HORIZON"})
        if checkpoint.iterator is not None:
            return checkpoint.iterator
        number = self._named("StartingSequenceNumber", "SequenceNumber", checkpoint.sequence_number)
        return await self._ask_iterator(shard, {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", **number})

    async def _ask_iterator(self, shard: str, where: dict[str, Any]) -> str:
        stream = self._named("StreamARN", "StreamArn", self._source.arn)
        return str((await self._ask("GetShardIterator", ShardId=shard, **stream, **where))["ShardIterator"])

    def _named(self, kinesis: str, dynamodb: str, value: str) -> dict[str, str]:
        return {kinesis if self._source.kind == "kinesis" else dynamodb: value}

    def _patience(self, window: Window | None) -> float:
        """Until when to wait for records (epoch seconds): no longer than until an open window is over."""
        over = None if window is None else window.over()
        longest = self._doorway.clock.now() + WAIT_SECONDS
        return longest if over is None else min(longest, over)

    async def _read(self, shard: str, iterator: str, until: float) -> tuple[list[StreamRecord], str | None]:
        """The next batch: as many records as wanted, or what came within the window."""
        source, clock = self._source, self._doorway.clock
        raw, following = await self._await(iterator, source.batch_size, until)
        ends = clock.now() + source.window
        while raw and following is not None and len(raw) < source.batch_size and clock.now() < ends:
            more, following = await self._await(following, source.batch_size - len(raw), ends)
            raw += more
        return [self._record(one, shard) for one in raw], following

    async def _await(self, iterator: str, limit: int, until: float) -> tuple[list[dict[str, Any]], str | None]:
        stream = {"StreamARN": self._source.arn} if self._source.kind == "kinesis" else {}
        answer = await self._ask(
            "AwaitRecords", ShardIterator=iterator, Limit=min(limit, 1000), WaitUntil=until, **stream
        )
        return list(answer["Records"]), answer.get("NextShardIterator")

    def _record(self, raw: dict[str, Any], shard: str) -> StreamRecord:
        source = self._source
        if source.kind == "dynamodb":
            return dynamodb_record(raw, source.arn)
        record = kinesis_record(raw, source.arn, shard, source.region, self._identity)
        return flattened(record) if source.flat else record

    async def _process(self, shard: str, records: Sequence[StreamRecord]) -> None:
        """Batches of one key stay in order; those of others run beside them."""
        wanted = [record for record in records if self._filters.pass_on(record.event)]
        lanes: dict[int, list[StreamRecord]] = {}
        for record in wanted:
            lanes.setdefault(hash(record.key) % self._source.parallelization, []).append(record)
        async with asyncio.TaskGroup() as group:
            for lane in lanes.values():
                group.create_task(self._deliver_all(shard, lane))

    async def _deliver_all(self, shard: str, lane: Sequence[StreamRecord]) -> None:
        for batch in fitting(lane):
            await self._deliver(shard, batch)

    async def _deliver(self, shard: str, records: Sequence[StreamRecord]) -> None:
        """Hand over a batch until it has been managed or given up."""
        source, clock = self._source, self._doorway.clock
        attempts, pause = 0, _PAUSE_SECONDS
        while records:
            if 0 <= source.max_age < clock.now() - records[0].arrived:
                await self._lost(shard, records, Loss("RecordAgeExceeded", attempts))
                return
            outcome = await self._take({"Records": [record.event for record in records]}, records)
            attempts += outcome.counts
            left = _left(records, outcome)
            if not left:
                return
            if len(left) < len(records):
                records, attempts, pause = left, 0, _PAUSE_SECONDS
                continue
            if outcome.counts and 0 <= source.max_retries < attempts:
                await self._lost(shard, records, Loss("RetryAttemptsExhausted", attempts, outcome.answer))
                return
            if outcome.counts and source.bisect and len(records) > 1:
                middle = len(records) // 2
                await self._deliver(shard, records[:middle])
                await self._deliver(shard, records[middle:])
                return
            await clock.sleep(pause)
            pause = min(2 * pause, _MAX_PAUSE_SECONDS)

    async def _take(self, event: dict[str, Any], records: Sequence[StreamRecord]) -> Outcome:
        return await self._sink.take(event, [record.sequence_number for record in records])

    async def _windowed(self, shard: str, window: Window, records: Sequence[StreamRecord]) -> None:
        """Tumbling windows: the function's state goes from batch to batch, and to one last invocation at the end."""
        source, clock = self._source, self._doorway.clock
        wanted = [record for record in records if self._filters.pass_on(record.event)]
        for planned in window.steps(wanted, clock.now()):
            step, pause, attempts = planned, _PAUSE_SECONDS, 0
            while True:
                if step.records and 0 <= source.max_age < clock.now() - step.records[0].arrived:
                    await self._lost(shard, step.records, Loss("RecordAgeExceeded", attempts))
                    window.drop(step)
                    break
                outcome = await self._take(step.event(shard, source.arn), step.records)
                attempts += outcome.counts
                left = _left(step.records, outcome)
                managed = outcome.failed is not ALL and (not left or len(left) < len(step.records))
                if managed and window.take(outcome.payload, step):
                    if not left:
                        break
                    step, pause, attempts = step._replace(records=left, state=window.state), _PAUSE_SECONDS, 0
                    continue
                if outcome.counts and 0 <= source.max_retries < attempts:
                    await self._lost(shard, step.records, Loss("RetryAttemptsExhausted", attempts, outcome.answer))
                    window.drop(step)
                    break
                await clock.sleep(pause)
                pause = min(2 * pause, _MAX_PAUSE_SECONDS)

    async def _lost(self, shard: str, records: Sequence[StreamRecord], loss: Loss) -> None:
        """Tell the sink what was given up; for as long as it takes, within reason."""
        logger.warning("%d records of %s are given up: %s", len(records), self._source.arn, loss.condition)
        if not records:
            return
        pause = _PAUSE_SECONDS
        while True:
            try:
                await self._sink.lost(LostBatch(self._source, shard, records, loss))
                return
            except (AwsError, CallDropped) as error:
                logger.warning("the failure destination of %s takes nothing: %r", self._sink.name, error)
                if pause >= _MAX_PAUSE_SECONDS:
                    return
                await self._doorway.clock.sleep(pause)
                pause = min(2 * pause, _MAX_PAUSE_SECONDS)

    async def _ask(self, operation: str, **params: Any) -> dict[str, Any]:
        reader, region = await self._sink.reader(), self._source.region
        self._identity = _identity_of(reader)
        answer: dict[str, Any] = await self._doorway.ask(self._service, operation, params, reader, region)
        return answer


def _identity_of(reader: Principal) -> str:
    """A principal's ARN; the role itself for a session of one."""
    kind, _, name = reader.arn.rpartition(":")[2].partition("/")
    return f"arn:aws:iam::{reader.account}:role/{name.partition('/')[0]}" if kind == "assumed-role" else reader.arn


def _left(records: Sequence[StreamRecord], outcome: Outcome) -> Sequence[StreamRecord]:
    """What of a batch has to be tried again: from the first record on that was not managed."""
    if outcome.failed is ALL:
        return records
    failed = outcome.failed
    first = next((at for at, record in enumerate(records) if record.sequence_number in failed), len(records))
    return records[first:]


@transactional
async def _checkpoint(tx: Transaction, uuid: str, shard: str) -> Checkpoint | None:
    return await checkpoints.get(tx, uuid, shard)


@transactional
async def _has_begun(tx: Transaction, uuid: str) -> bool:
    return bool(await checkpoints.list(tx, uuid, limit=1))


@transactional
async def _store(tx: Transaction, places: Sequence[Checkpoint]) -> None:
    for checkpoint in places:
        await checkpoints.put(tx, checkpoint)
