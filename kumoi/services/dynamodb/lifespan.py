"""The timers of DynamoDB, bound to what `upkeep.py` does at each; that is imported when the first falls due."""

from __future__ import annotations

from functools import partial

from kumoi.doorway import CallDropped, Doorway, Parts
from kumoi.state import Timer
from kumoi.state.timers import TimerRunner
from kumoi.wire.errors import AwsError


def start(parts: Parts) -> None:
    """Register the handlers."""
    doorway, timers = parts[Doorway], parts[TimerRunner]
    for job in ("expire", "backfill", "copy", "erase", "forget", "trim", "seed"):
        timers.on(f"dynamodb.{job}", partial(_fire, doorway, job))
    timers.on("dynamodb.replicate", partial(_replicate, doorway))
    timers.on("dynamodb.kinesis", partial(_send, doorway))
    timers.on("dynamodb.export", partial(_export, doorway))
    timers.on("dynamodb.import", partial(_import, doorway))


async def _fire(doorway: Doorway, job: str, timer: Timer) -> None:
    from kumoi.services.dynamodb import upkeep

    await upkeep.JOBS[job](doorway.state.at(timer.account, timer.region), timer)


async def _replicate(doorway: Doorway, timer: Timer) -> None:
    from kumoi.services.dynamodb.replicas import replicate

    async def passes(table: str, region: str) -> bool:
        """Whether no declared fault on `Replicate`, in the region that sends or in the one that gets, keeps them."""
        node = f"dynamodb:{table}"
        for where in (timer.region, region):
            given = (timer.account, node, "dynamodb", "Replicate", node)
            fault = doorway.faults.choose(*given, region=where) if doorway.faults.active else None
            if fault is not None:
                try:
                    await doorway.faults.strike(fault, "dynamodb", f"{node}>{node}#Replicate")
                except (AwsError, CallDropped):
                    return False
        return True

    await replicate(doorway.state.at(timer.account, timer.region), timer, passes)


async def _send(doorway: Doorway, timer: Timer) -> None:
    from kumoi.services.dynamodb.kinesis_sender import send

    await send(doorway, timer)


async def _export(doorway: Doorway, timer: Timer) -> None:
    from kumoi.services.dynamodb.export_writer import write_export

    await write_export(doorway, timer)


async def _import(doorway: Doorway, timer: Timer) -> None:
    from kumoi.services.dynamodb.importer import run_import

    await run_import(doorway, timer)
