"""Export tasks: a group's events of some time, written to a bucket as one object for each stream (and part of it).

A task is a record and a timer: one that a crash interrupted begins anew and writes the same objects again. Source:
"Exporting log data to Amazon S3" of the user guide.
"""

from __future__ import annotations

import asyncio
import gzip
from datetime import UTC, datetime

import msgspec

from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.lake import Cursor, Row
from kumoi.services.logs.events import TABLE
from kumoi.state import State, Timer, Transaction, transactional
from kumoi.state.space import Space
from kumoi.wire.errors import AwsError, aws_error

TOPIC = "logs.export"
UNDER_WAY = ("PENDING", "RUNNING", "PENDING_CANCEL")
_PAGE = 10_000
_PART_BYTES = 16 << 20


class ExportTask(msgspec.Struct, frozen=True, kw_only=True):
    """An export: `start` is inclusive, `end` exclusive; times are epoch ms."""

    id: str
    name: str | None
    group: str
    stream_prefix: str
    start: int
    end: int
    bucket: str
    prefix: str
    created: int
    status: str = "PENDING"
    message: str = ""
    completed: int | None = None


export_tasks: Space[ExportTask] = Space("logs.export_task", ExportTask, lambda task: (task.id,))


class Exporter:
    """Writes what tasks ask for."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway

    async def check(self, account: str, region: str, task: ExportTask) -> None:
        """Write the test object that AWS writes to a bucket first; raises what S3 answers."""
        await self._put(account, region, task, f"{task.prefix}/aws-logs-write-test", b"Permission Check Successful")

    async def run(self, timer: Timer) -> None:
        """Do the task of a timer."""
        state = self._doorway.state.at(timer.account, timer.region)
        task = await _move(state, timer.key, ("PENDING", "RUNNING"), "RUNNING")
        if task is None:
            return
        now = self._doorway.clock.now
        try:
            done = await self._write(state, timer, task)
        except (AwsError, CallDropped) as error:
            await _move(state, task.id, UNDER_WAY, "FAILED", str(error), int(now() * 1000))
            return
        status, message = ("COMPLETED", "Completed successfully") if done else ("CANCELLED", "Cancelled by user")
        await _move(state, task.id, UNDER_WAY, status, message, int(now() * 1000))

    async def _write(self, state: State, timer: Timer, task: ExportTask) -> bool:
        """Write all parts; False when the task was cancelled meanwhile."""
        waiting: dict[str, list[str]] = {}
        sizes: dict[str, int] = {}
        parts: dict[str, int] = {}
        after: Cursor | None = None
        while True:
            rows = await self._doorway.lake.scan(
                TABLE.name,
                account=timer.account,
                region=timer.region,
                equals={"log_group": task.group},
                start=task.start,
                end=task.end,
                after=after,
                limit=_PAGE,
            )
            for row in rows:
                stream = row["log_stream"]
                if stream.startswith(task.stream_prefix):
                    waiting.setdefault(stream, []).append(_line(row))
                    sizes[stream] = sizes.get(stream, 0) + len(row["message"])
            last = len(rows) < _PAGE
            for stream in [stream for stream in waiting if last or sizes[stream] >= _PART_BYTES]:
                lines = waiting.pop(stream)
                sizes.pop(stream)
                number = parts[stream] = parts.get(stream, -1) + 1
                body = await asyncio.to_thread(lambda text: gzip.compress(text.encode(), 6, mtime=0), "".join(lines))
                key = f"{task.prefix}/{task.id}/{stream.replace('/', '-')}/{number:06d}.gz"
                await self._put(timer.account, timer.region, task, key, body)
            if (await find_task(state, task.id)).status != "RUNNING":
                return False
            if last:
                return True
            after = Cursor(rows[-1]["time"], rows[-1]["seq"])

    async def _put(self, account: str, region: str, task: ExportTask, key: str, body: bytes) -> None:
        caller = Principal.of_service(account, "logs.amazonaws.com", f"logs:{task.group}")
        params = {"Bucket": task.bucket, "Key": key, "Body": body}
        await self._doorway.ask("s3", "PutObject", params, caller, region)


def _line(row: Row) -> str:
    moment = datetime.fromtimestamp(row["time"] // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{row['time'] % 1000:03d}Z {row['message']}\n"


@transactional
async def begin(tx: Transaction, task: ExportTask) -> None:
    """Store a task and have it done; an account does one at a time."""
    if any(known.status in UNDER_WAY for known in await export_tasks.list(tx)):
        raise aws_error("LimitExceededException", "Resource limit exceeded.")
    await export_tasks.put(tx, task)
    tx.timer(tx.now, TOPIC, key=task.id)


@transactional
async def find_task(tx: Transaction, task_id: str) -> ExportTask:
    """The task of that id; ResourceNotFoundException otherwise."""
    task = await export_tasks.get(tx, task_id)
    if task is None:
        raise aws_error("ResourceNotFoundException", "The specified export task does not exist.")
    return task


@transactional
async def _move(
    tx: Transaction, task_id: str, before: tuple[str, ...], status: str, message: str = "", completed: int | None = None
) -> ExportTask | None:
    """Change a task's status, where it is one of `before`."""
    task = await export_tasks.get(tx, task_id)
    if task is None or task.status not in before:
        return None
    changed = msgspec.structs.replace(task, status=status, message=message[:1000], completed=completed)
    await export_tasks.put(tx, changed)
    return changed


@transactional
async def cancel(tx: Transaction, task_id: str) -> None:
    """Ask a task to stop; InvalidOperationException when it has ended."""
    task = await find_task(tx, task_id)
    if task.status not in ("PENDING", "RUNNING"):
        raise aws_error(
            "InvalidOperationException", f"The specified export task has already finished: it is {task.status}."
        )
    await export_tasks.put(tx, msgspec.structs.replace(task, status="PENDING_CANCEL"))
