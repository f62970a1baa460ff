"""The timers of DynamoDB, bound to what `upkeep.py` does at each; that is imported when the first falls due."""

from __future__ import annotations

from functools import partial

from kumoi.doorway import Doorway, Parts
from kumoi.state import State, Timer
from kumoi.state.timers import TimerRunner


def start(parts: Parts) -> None:
    """Register the handlers."""
    state, timers = parts[Doorway].state, parts[TimerRunner]
    for job in ("expire", "backfill", "copy", "erase", "forget", "trim"):
        timers.on(f"dynamodb.{job}", partial(_fire, state, job))


async def _fire(state: State, job: str, timer: Timer) -> None:
    from kumoi.services.dynamodb import upkeep

    await upkeep.JOBS[job](state.at(timer.account, timer.region), timer)
