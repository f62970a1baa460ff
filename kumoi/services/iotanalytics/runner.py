"""Runs pipelines: reads what is new in a channel, passes it through the activities, and stores what comes out.

One task for each pipeline that has something to read. A batch is read from the pipeline's position; its rows are
written to files; then one transaction lists the files and moves the position. Whenever the process ends, the next one
goes on from the last position: no message is lost, and none is stored twice. (A function may see a batch again.)
A reprocessing is the same over older messages, with a position of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from time import process_time
from typing import NamedTuple

import msgspec

from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.lake import Arrivals, Cursor
from kumoi.services.iotanalytics.activities.calling import content_of
from kumoi.services.iotanalytics.activities.pure import PURE
from kumoi.services.iotanalytics.arrivals import Messages, of_rows
from kumoi.services.iotanalytics.chain import chain
from kumoi.services.iotanalytics.channel_export import MOST_BYTES, day_of_path, unpacked
from kumoi.services.iotanalytics.channel_log import ChannelKey, ChannelLog, day_of
from kumoi.services.iotanalytics.channel_shapes import ChannelShapes
from kumoi.services.iotanalytics.passage import MOST_TOLD, Passage, as_lines, passed, straight
from kumoi.services.iotanalytics.records import (
    DatastoreRecord,
    PipelineRecord,
    Position,
    Reprocessing,
    Segment,
    channels,
    datastores,
    pipelines,
    places,
    positions,
    reprocessings,
    segments,
)
from kumoi.services.iotanalytics.reports import Reports
from kumoi.services.iotanalytics.segments import SegmentFiles, to_merge
from kumoi.services.iotanalytics.shapes import Checked, Lines, Shape, Shapeless, joined, together
from kumoi.services.iotanalytics.vectorised import NotVectorised, may_be
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

STORED = "iotanalytics.stored"
"""Watchers of this are woken when rows have come into a data store."""
LIVE = ""
"""The run of a pipeline that is no reprocessing."""
LONGEST_REST, FEW = 0.1, 1000
"""Real seconds until the next batch after one of few messages, at most: as much as that took of CPU. So what comes one
by one is done together, and a pipeline is at work half of the time."""
ONE_BY_ONE = 10_000
"""Messages that are objects in memory at once."""
RECOVERY, MAX_RECOVERY = 0.5, 60.0
"""Real seconds until a pipeline whose batch failed is tried again: twice as many each time."""


class Stream(NamedTuple):
    """One thing to run: a pipeline, or a reprocessing of it."""

    account: str
    region: str
    pipeline: str
    run: str


@dataclass(frozen=True, slots=True)
class Task:
    """What a stream has to do: from where, until when, into what."""

    pipeline: PipelineRecord
    store: DatastoreRecord
    channel: ChannelKey
    position: Position
    reprocessing: Reprocessing | None
    bucket: str | None


class Batch(NamedTuple):
    """Messages by day, and the place in the channel (or the number of the object) behind them."""

    days: list[Messages]
    time: int
    seq: int


class Runner:
    """The pipelines that are at work."""

    def __init__(
        self, doorway: Doorway, log: ChannelLog, shapes: ChannelShapes, files: SegmentFiles, reports: Reports
    ) -> None:
        self._doorway = doorway
        self._log = log
        self._shapes = shapes
        self._files = files
        self._reports = reports
        self._readers: dict[tuple[str, str], dict[str, list[str]]] = {}
        self._running: dict[Stream, asyncio.Task[None]] = {}
        self._woken: set[Stream] = set()
        self._looking: set[asyncio.Task[None]] = set()
        self._stopped = False

    async def resume(self) -> None:
        """Go on with what an earlier process left behind; files that nothing lists are removed."""
        state = self._doorway.state.at("", "")
        listed: list[Segment] = []
        for place in await state.run(places.list):
            there = self._doorway.state.at(place.account, place.region)
            for name, runs in await _streams(there):
                for run in runs:
                    self.wake(Stream(place.account, place.region, name, run))
            listed += await there.run(segments.list)
        await self._files.run(self._files.sweep, listed)

    def arrived(self, account: str, region: str, channel: str) -> None:
        """There is something new in a channel."""
        readers = self._readers.get((account, region))
        if readers is None:
            self.changed(account, region)
            return
        for name in readers.get(channel, ()):
            self.wake(Stream(account, region, name, LIVE))

    def changed(self, account: str, region: str) -> None:
        """Pipelines of a place were made, changed or deleted: all are looked at anew."""
        self._readers.pop((account, region), None)
        look = asyncio.create_task(self._look(account, region))
        self._looking.add(look)
        look.add_done_callback(self._looking.discard)

    store_made = changed

    def wake(self, stream: Stream) -> None:
        """Have a stream run, or once more if it runs."""
        self._woken.add(stream)
        if stream not in self._running and not self._stopped:
            task = asyncio.create_task(self._run(stream))
            self._running[stream] = task
            task.add_done_callback(lambda _: self._ended(stream))

    async def idle(self, account: str, region: str, pipeline: str) -> None:
        """Return once a pipeline has nothing to do."""
        while running := [t for s, t in self._running.items() if s[:3] == (account, region, pipeline)]:
            await asyncio.wait(running)

    async def stop(self) -> None:
        """Stop; what is under way is done again at the next start."""
        self._stopped = True
        await self._cancel([*self._looking, *self._running.values()])

    async def forget(self, account: str | None) -> None:
        """Stop the pipelines of an account, or all."""
        self._readers = {place: found for place, found in self._readers.items() if account not in (None, place[0])}
        streams = [stream for stream in self._running if account in (None, stream.account)]
        self._woken -= set(streams)
        await self._cancel([self._running[stream] for stream in streams])

    async def _cancel(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, stream: Stream) -> None:
        self._running.pop(stream, None)
        if stream in self._woken and not self._stopped:
            self.wake(stream)

    async def _run(self, stream: Stream) -> None:
        more, failures = True, 0
        while more or stream in self._woken:
            self._woken.discard(stream)
            began = process_time()
            try:
                done, failures = await self._batch(stream), 0
                more = done is not None
                if done is not None and done < FEW:
                    await asyncio.sleep(min(process_time() - began, LONGEST_REST))
            except Exception:
                logger.exception("a batch of pipeline %s failed; it is tried again", stream.pipeline)
                failures += 1
                await asyncio.sleep(min(RECOVERY * 2**failures, MAX_RECOVERY))
                more = True

    async def _batch(self, stream: Stream) -> int | None:
        """Do one batch; how many messages that were, None when there were none."""
        task = await _task(self._doorway.state.at(stream.account, stream.region), stream)
        if task is None:
            return None
        run, place = task.reprocessing, task.position
        if run is not None and run.paths:
            if place.seq < len(run.paths):
                return await self._do(stream, task, await self._read_object(stream, task, run.paths[place.seq]))
        else:
            end = run.end if run is not None else None
            with self._log.following(task.channel, Cursor(place.time, place.seq), end=end) as arrivals:
                if arrivals is not None:
                    return await self._do(stream, task, await self._read(place, arrivals))
        if run is not None:
            await _finish(self._doorway.state.at(stream.account, stream.region), stream)
        return None

    async def _do(self, stream: Stream, task: Task, batch: Batch) -> int:
        count = sum(messages.count for messages in batch.days)
        made: list[Segment] = []
        passages = []
        for messages in batch.days:
            passage, segments_made = await self._process(stream, task, messages, batch)
            passages.append(passage)
            made += segments_made
        position = msgspec.structs.replace(
            task.position,
            time=batch.time,
            seq=batch.seq,
            read=task.position.read + count,
            stored=task.position.stored + sum(one.rows for one in made),
            failed=task.position.failed + sum(len(passage.failed) for passage in passages),
        )
        for passage in passages:
            await self._reports.passed(stream.account, stream.region, task.pipeline, passage.wrong, passage.failed)
        if not await _commit(self._doorway.state.at(stream.account, stream.region), task, position, made):
            await self._files.remove(made)
            return count
        await self._tidy(stream, task.store)
        return count

    async def _read(self, place: Position, arrivals: Arrivals) -> Batch:
        if arrivals.sealed is None:
            days = await self._files.run(of_rows, arrivals.recent)
            return Batch(days, arrivals.recent[-1]["time"], arrivals.until)
        days, last = await self._files.run(self._files.sealed, arrivals.sealed)
        return Batch(days, max(last, place.time), arrivals.until)

    async def _read_object(self, stream: Stream, task: Task, path: str) -> Batch:
        """The messages of one object of the channel's bucket; none of one that cannot be read, which is told."""
        place = task.position
        bucket = task.bucket or ""
        caller = Principal.of_service(stream.account, "iotanalytics.amazonaws.com", f"iotanalytics:{stream.pipeline}")
        payloads: list[bytes] = []
        try:
            answer = await self._doorway.ask("s3", "GetObject", {"Bucket": bucket, "Key": path}, caller, stream.region)
            if answer["ContentLength"] > MOST_BYTES:
                raise ValueError(f"it has more than {MOST_BYTES} bytes")
            payloads = await self._files.run(unpacked, await content_of(answer["Body"]))
        except (AwsError, CallDropped, OSError, EOFError, ValueError) as error:
            reason = f"{bucket}/{path} could not be read: {error}"
            await self._reports.errors(stream.account, stream.region, f"pipelines/{stream.pipeline}", [reason])
        day = day_of_path(path) or day_of(self._doorway.clock.now())
        return Batch([Messages(day, len(payloads), payloads)] if payloads else [], 0, place.seq + 1)

    async def _process(
        self, stream: Stream, task: Task, messages: Messages, batch: Batch
    ) -> tuple[Passage, list[Segment]]:
        """What becomes of the messages of a day: all in one statement where that is possible, else one by one."""
        activities = chain(task.pipeline.activities)[1:-1]
        if may_be(activities):
            source = (task.pipeline.id, task.position.run, batch.time, batch.seq)
            now = self._doorway.clock.now()
            try:
                shape = await self._shape(stream, task, messages)

                def transform() -> tuple[list[Segment], list[str]]:
                    given = self._given(messages, shape)
                    return self._files.transform(task.store, activities, given, messages.day, source, now)

                made, wrong = await self._files.run(transform)
            except (NotVectorised, Shapeless):
                pass
            else:
                return Passage(wrong=wrong), made
        payloads, passage = await self._files.run(self._files.payloads, messages), Passage()
        if all(activity.kind in PURE for activity in activities):
            lines = await self._files.run(straight, activities, payloads, passage)
        else:
            lines = await self._asked(stream, task, payloads, passage)
        return passage, await self._store(task, passage, lines, messages.day, batch) if lines.count else []

    async def _shape(self, stream: Stream, task: Task, messages: Messages) -> Shape | None:
        """The shape that messages were checked against when they came in, if they were; Shapeless if they differ."""
        if not messages.shapes:
            return None
        return await self._shapes.shape(
            self._doorway.state.at(stream.account, stream.region), task.channel, messages.shapes
        )

    def _given(self, messages: Messages, shape: Shape | None) -> Lines | Checked:
        if shape is None:
            return joined(self._files.payloads(messages))
        rows = messages.rows if messages.payloads is None else joined(messages.payloads)
        return Checked(rows, shape, messages.count, messages.quotes)

    async def _asked(self, stream: Stream, task: Task, payloads: list[bytes], passage: Passage) -> Lines:
        """What activities that ask others make of payloads, as JSON."""
        parts = []
        for at in range(0, len(payloads), ONE_BY_ONE):
            part = await self._pass(stream, task, payloads[at : at + ONE_BY_ONE])
            parts.append(await self._files.run(as_lines, part))
            passage.wrong = (passage.wrong + part.wrong)[:MOST_TOLD]
            passage.failed += part.failed
        return together(parts)

    async def _pass(self, stream: Stream, task: Task, payloads: list[bytes]) -> Passage:
        activities = chain(task.pipeline.activities)[1:-1]
        caller = Principal.of_service(stream.account, "iotanalytics.amazonaws.com", f"iotanalytics:{stream.pipeline}")
        return await passed(self._doorway, caller, stream.region, activities, payloads, self._files.run)

    async def _store(self, task: Task, passage: Passage, lines: Lines, day: str, batch: Batch) -> list[Segment]:
        source = (task.pipeline.id, task.position.run, batch.time, batch.seq)
        given = (task.store, lines, day, source, self._doorway.clock.now())
        made, refused = await self._files.run(self._files.store, *given)
        passage.failed += refused
        return made

    async def _tidy(self, stream: Stream, store: DatastoreRecord) -> None:
        state = self._doorway.state.at(stream.account, stream.region)
        while merging := to_merge(await state.run(segments.list, store.id)):
            with self._files.reading():
                merged = await self._files.run(self._files.merge, store, merging, merging[-1].created)
            if not await _replace(state, merging, merged):
                await self._files.remove([merged])
                return
            await self._files.remove(merging)

    async def _look(self, account: str, region: str) -> None:
        streams = await _streams(self._doorway.state.at(account, region))
        listed = await self._doorway.state.at(account, region).run(pipelines.list)
        readers: dict[str, list[str]] = {}
        for pipeline in listed:
            readers.setdefault(pipeline.channel, []).append(pipeline.name)
        self._readers[account, region] = readers
        for name, runs in streams:
            for run in runs:
                self.wake(Stream(account, region, name, run))


@transactional
async def _streams(tx: Transaction) -> list[tuple[str, list[str]]]:
    """The pipelines of a place, each with its runs."""
    found = []
    for pipeline in await pipelines.list(tx):
        runs = [one.id for one in await reprocessings.list(tx, pipeline.name) if one.status == "RUNNING"]
        found.append((pipeline.name, [LIVE, *runs]))
    return found


@transactional
async def _task(tx: Transaction, stream: Stream) -> Task | None:
    pipeline = await pipelines.get(tx, stream.pipeline)
    if pipeline is None:
        return None
    channel = await channels.get(tx, pipeline.channel)
    store = await datastores.get(tx, pipeline.datastore)
    position = await positions.get(tx, pipeline.id, stream.run)
    reprocessing = await reprocessings.get(tx, pipeline.name, stream.run) if stream.run else None
    if channel is None or store is None or position is None:
        return None
    if stream.run and (reprocessing is None or reprocessing.status != "RUNNING"):
        return None
    key = ChannelKey(tx.account, tx.region, channel.name, channel.id)
    bucket = channel.storage.get("customerManagedS3", {}).get("bucket")
    return Task(pipeline, store, key, position, reprocessing, bucket)


@transactional
async def _commit(tx: Transaction, task: Task, position: Position, made: Sequence[Segment]) -> bool:
    """List what was made and move the position; False when the batch no longer counts."""
    if await positions.get(tx, position.pipeline_id, position.run) != task.position:
        return False
    store = await datastores.get(tx, task.store.name)
    if store is None or store.id != task.store.id:
        return False
    if position.run:
        run = await reprocessings.get(tx, task.pipeline.name, position.run)
        if run is None or run.status != "RUNNING":
            return False
    for segment in made:
        await segments.put(tx, segment)
    if made:
        tx.notify(STORED)
    await positions.put(tx, position)
    return True


@transactional
async def _replace(tx: Transaction, merging: Sequence[Segment], merged: Segment) -> bool:
    for one in merging:
        if await segments.get(tx, one.datastore_id, one.day, one.id) is None:
            return False
    for one in merging:
        await segments.delete(tx, one.datastore_id, one.day, one.id)
    await segments.put(tx, merged)
    return True


@transactional
async def _finish(tx: Transaction, stream: Stream) -> None:
    run = await reprocessings.get(tx, stream.pipeline, stream.run)
    if run is not None and run.status == "RUNNING":
        await reprocessings.put(tx, msgspec.structs.replace(run, status="SUCCEEDED"))
