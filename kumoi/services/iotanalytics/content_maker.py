"""Makes the contents of data sets: runs the query over the segments that are listed now, and delivers the answer.

A content is stored as CREATING before it is made, so that one that a crash interrupted is made at the next start.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from kumoi.doorway import Doorway
from kumoi.names import uuid
from kumoi.presto.column_types import UNKNOWN, united_columns
from kumoi.presto.outputs import FORMATS, NULL_KEY, Format, Output, Window, Written
from kumoi.presto.refusals import QueryRefused
from kumoi.presto.tables import Relation
from kumoi.services.iotanalytics.container_action import Containers
from kumoi.services.iotanalytics.content_delivery import Deliverer
from kumoi.services.iotanalytics.dataset_rules import delta, triggered_by
from kumoi.services.iotanalytics.key_template import Template, read_template, safe
from kumoi.services.iotanalytics.records import (
    Content,
    DatasetRecord,
    DatastoreRecord,
    Entry,
    Segment,
    contents,
    datasets,
    datastores,
    places,
    segments,
)
from kumoi.services.iotanalytics.reports import Reports
from kumoi.services.iotanalytics.segments import SegmentFiles, declared_columns
from kumoi.services.iotanalytics.windows import expired, order
from kumoi.state import Transaction, transactional

if TYPE_CHECKING:
    from kumoi.presto.engine import Run

logger = logging.getLogger(__name__)

SPLIT_TAG, FORMAT_TAG = "kumoi:splitBy", "kumoi:format"
AT_ONCE, CONTAINERS_AT_ONCE = 2, 20
MEDIA = {
    "csv": "text/csv",
    "csv.gz": "application/gzip",
    "parquet": "application/vnd.apache.parquet",
    "ndjson": "application/x-ndjson",
    "ndjson.gz": "application/gzip",
}


class Job(NamedTuple):
    """A content to be made."""

    account: str
    region: str
    dataset: str
    version: str


class ContentMaker:
    """The contents that are being made, and the files of those that were: below `root`."""

    def __init__(self, doorway: Doorway, files: SegmentFiles, reports: Reports, root: Path) -> None:
        self.root = root
        self._doorway = doorway
        self._files = files
        self._reports = reports
        self._deliverer = Deliverer(doorway, reports)
        self._containers = Containers(doorway)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._container_slots = asyncio.Semaphore(CONTAINERS_AT_ONCE)
        self._running: dict[Job, tuple[asyncio.Task[None], list[Run]]] = {}
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def resume(self) -> None:
        """Make what an earlier process left behind."""
        for place in await self._doorway.state.at("", "").run(places.list):
            for name, version in await _unfinished(self._doorway.state.at(place.account, place.region)):
                self.start(Job(place.account, place.region, name, version))

    def start(self, job: Job) -> None:
        """Begin to make a content that is stored as CREATING."""
        if job not in self._running:
            runs: list[Run] = []
            task = asyncio.create_task(self._make(job, runs))
            self._running[job] = task, runs
            task.add_done_callback(lambda _: self._running.pop(job, None))

    async def made(self, job: Job, timeout: float | None = None) -> None:
        """Return once a content was made, or `timeout` real seconds have passed."""
        if job in self._running:
            await asyncio.wait([self._running[job][0]], timeout=timeout)

    async def stop(self) -> None:
        """Stop; what is under way is made at the next start."""
        await self._cancel(list(self._running))

    async def forget(self, account: str | None) -> None:
        """Stop what is made for an account, or for all, and remove its files."""
        await self._cancel([job for job in self._running if account in (None, job.account)])
        for folder in self.root.iterdir():
            if account in (None, folder.name):
                await self._files.run(shutil.rmtree, folder, True)

    def folder(self, account: str, content: Content) -> Path:
        """Where the files of a content are."""
        return self.root / account / content.dataset_id / content.version

    async def drop(self, account: str, region: str, dataset: str, dropped: Sequence[Content]) -> None:
        """Stop making contents that were deleted, and remove their files."""
        versions = {content.version for content in dropped}
        await self._cancel(
            [job for job in self._running if job[:3] == (account, region, dataset) and job[3] in versions]
        )
        await self.remove(account, dropped)

    async def remove(self, account: str, dropped: Sequence[Content]) -> None:
        """Remove the files of contents."""
        for content in dropped:
            await self._files.run(shutil.rmtree, self.folder(account, content), True)

    async def _cancel(self, jobs: Sequence[Job]) -> None:
        tasks = []
        for job in jobs:
            task, runs = self._running[job]
            for run in runs:
                run.interrupt()
            task.cancel()
            tasks.append(task)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, job: Job, runs: list[Run]) -> None:
        try:
            found = await _load(self._doorway.state.at(job.account, job.region), job)
            if found is not None and found[0].query is None:
                async with self._container_slots:
                    await self._contain(job, *found[:2])
            elif found is not None:
                async with self._slots:
                    await self._query(job, runs)
        except QueryRefused as error:
            await self._failed(job, str(error))
        except Exception as error:
            logger.exception("the content of data set %s could not be made", job.dataset)
            await self._failed(job, f"Kumoi failed ({type(error).__name__}); its log has the details.")

    async def _contain(self, job: Job, dataset: DatasetRecord, content: Content) -> None:
        """Make a content by a container action."""
        state, folder = self._doorway.state.at(job.account, job.region), self.folder(job.account, content)
        if any(read_template(rule["key"]).columns for rule in self._deliverer.to_s3(dataset)):
            raise QueryRefused("The key of a delivery rule names a column: outputs of a container have none.")

        async def version_of(name: str) -> str | None:
            return await _succeeded(state, name)

        await self._files.run(shutil.rmtree, folder, True)
        entries = await self._containers.run(job.account, job.region, dataset, content, version_of, folder)

        def meant(rule: Mapping[str, Any], _template: Template) -> list[Written]:
            chosen = [one for one in entries if rule.get("entryName") in (None, one.name)]
            return [Written((), folder / one.path, 0) for one in chosen]

        await self._deliverer.deliver(job.account, job.region, dataset, content, meant)
        await self._succeed(job, content, entries)

    async def _query(self, job: Job, runs: list[Run]) -> None:
        """Make a content by a query."""
        found = await _load(self._doorway.state.at(job.account, job.region), job)
        if found is None or found[0].query is None:
            return
        dataset, content, stores = found
        assert dataset.query is not None
        window = None
        if (filter_ := delta(dataset)) is not None and content.window is not None:
            window = Window(filter_["timeExpression"], *content.window)
        sql, now = dataset.query["sqlQuery"], self._doorway.clock.now()

        def read() -> Run:
            from kumoi.presto.engine import Run

            return Run(sql, now=now, window=window)

        run = await self._files.run(read)
        runs.append(run)
        folder = self.folder(job.account, content)
        await self._files.run(shutil.rmtree, folder, True)
        templates = [read_template(rule["key"]) for rule in self._deliverer.to_s3(dataset)]
        outputs = [_own_output(dataset), *(_output(template) for template in templates)]
        with ExitStack() as stack:
            stack.enter_context(self._files.reading())
            tables = {name: self._table(*stores[name]) for name in run.tables & stores.keys()}
            answer = await self._files.run(run.run, tables, folder, outputs)
        entries = _entries(folder, outputs[0], answer.files[0])
        rows_of = dict(zip(templates, answer.files[1:], strict=True))
        await self._deliverer.deliver(
            job.account, job.region, dataset, content, lambda _rule, template: rows_of[template]
        )
        for extra in range(1, len(outputs)):
            await self._files.run(shutil.rmtree, folder / str(extra), True)
        await self._succeed(job, content, entries)

    async def _succeed(self, job: Job, content: Content, entries: list[Entry]) -> None:
        done = msgspec.structs.replace(
            content, state="SUCCEEDED", completed=self._doorway.clock.now(), entries=entries, reason=None
        )
        await self._finish(job, done)

    async def rows(self, account: str, region: str, sql: str, most: int) -> list[bytes]:
        """The first rows of a query's answer, each as a JSON object; QueryRefused when there is none."""
        stores = await _stores(self._doorway.state.at(account, region))
        now, folder = self._doorway.clock.now(), self.root / f"view-{uuid()}"

        def answer() -> list[bytes]:
            from kumoi.presto.engine import Run

            run = Run(sql, now=now)
            tables = {name: self._table(*stores[name]) for name in run.tables & stores.keys()}
            try:
                ((written,),) = run.run(tables, folder, [Output("ndjson")]).files
                with written.path.open("rb") as lines:
                    return [line.rstrip(b"\n") for line in islice(lines, most)]
            finally:
                shutil.rmtree(folder, ignore_errors=True)

        with self._files.reading():
            return await self._files.run(answer)

    def _table(self, store: DatastoreRecord, listed: Sequence[Segment]) -> Relation:
        listed = sorted(listed, key=lambda one: (one.created, one.source[2:], one.id))
        columns = declared_columns(store)
        if columns is None:
            columns = united_columns([one.columns for one in listed])
            columns = {name: "VARCHAR" if kind == UNKNOWN else kind for name, kind in columns.items()}
        return self._files.relation(listed, columns)

    async def _failed(self, job: Job, reason: str) -> None:
        state = self._doorway.state.at(job.account, job.region)
        found = await _load(state, job)
        if found is not None:
            _, content, _ = found
            failed = msgspec.structs.replace(
                content, state="FAILED", completed=self._doorway.clock.now(), reason=reason
            )
            await self._finish(job, failed)
            stream = f"datasets/{job.dataset}/{job.version}"
            await self._reports.errors(job.account, job.region, stream, [reason])

    async def _finish(self, job: Job, content: Content) -> None:
        state = self._doorway.state.at(job.account, job.region)
        dropped, dependent = await _finish(state, job, content)
        await self.remove(job.account, dropped)
        await self._deliverer.tell(job.account, job.region, job.dataset, content)
        for name in dependent:
            await self._deliverer.trigger(job.account, job.region, name)


def _own_output(dataset: DatasetRecord) -> Output:
    form = dataset.tags.get(FORMAT_TAG, "csv")
    split = tuple(part.strip() for part in dataset.tags.get(SPLIT_TAG, "").split(",") if part.strip())
    if form not in FORMATS:
        raise QueryRefused(f"The tag {FORMAT_TAG} says {form}: use one of {', '.join(FORMATS)}.")
    return Output(form, split)


def _output(template: Template) -> Output:
    return Output(cast(Format, template.form), template.columns, template.kept)


def _entries(folder: Path, output: Output, written: Sequence[Written]) -> list[Entry]:
    media = MEDIA[output.form]
    found = []
    for one in written:
        pairs = zip(output.split_by, one.key, strict=True) if one.key else ()
        name = "/".join(f"{column}={NULL_KEY if value is None else safe(value)}" for column, value in pairs)
        found.append(Entry(name, str(one.path.relative_to(folder)), media))
    return found


@transactional
async def _unfinished(tx: Transaction) -> list[tuple[str, str]]:
    found = []
    for dataset in await datasets.list(tx):
        listed = await contents.list(tx, dataset.id)
        found += [(dataset.name, one.version) for one in listed if one.state == "CREATING"]
    return found


@transactional
async def _succeeded(tx: Transaction, name: str) -> str | None:
    """The newest version of a data set's content that succeeded."""
    dataset = await datasets.get(tx, name)
    if dataset is None:
        return None
    made = [one for one in await contents.list(tx, dataset.id) if one.state == "SUCCEEDED"]
    return max(made, key=order).version if made else None


@transactional
async def _load(
    tx: Transaction, job: Job
) -> tuple[DatasetRecord, Content, Mapping[str, tuple[DatastoreRecord, list[Segment]]]] | None:
    dataset = await datasets.get(tx, job.dataset)
    content = None if dataset is None else await contents.get(tx, dataset.id, job.version)
    if dataset is None or content is None or content.state != "CREATING":
        return None
    return dataset, content, await _stores(tx)


@transactional
async def _stores(tx: Transaction) -> dict[str, tuple[DatastoreRecord, list[Segment]]]:
    listed = await datastores.list(tx)
    return {store.name.lower(): (store, await segments.list(tx, store.id)) for store in listed}


@transactional
async def _finish(tx: Transaction, job: Job, content: Content) -> tuple[list[Content], list[str]]:
    """Store a content that has ended; what is no longer kept, and the data sets that it triggers."""
    dataset = await datasets.get(tx, job.dataset)
    if dataset is None or await contents.get(tx, content.dataset_id, content.version) is None:
        return [content], []
    await contents.put(tx, content)
    failed = content.state == "FAILED" and content.window is not None
    if failed and content.window is not None and dataset.window_end == content.window[1]:
        await datasets.put(tx, msgspec.structs.replace(dataset, window_end=content.window[0]))
    dropped = expired(dataset, await contents.list(tx, dataset.id), tx.now)
    for one in dropped:
        await contents.delete(tx, one.dataset_id, one.version)
    dependent: list[Any] = []
    if content.state == "SUCCEEDED":
        dependent = [one.name for one in await datasets.list(tx) if triggered_by(one) == dataset.name]
    return dropped, dependent
