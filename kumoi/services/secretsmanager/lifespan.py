"""What happens to secrets at their time: rotations, their retries, and deletions."""

from __future__ import annotations

from kumoi.doorway import Doorway, Parts
from kumoi.services.secretsmanager.records import secrets
from kumoi.services.secretsmanager.rotator import Rotator
from kumoi.services.secretsmanager.store import DELETION, ROTATION, SCHEDULE, erase
from kumoi.state import Timer, Transaction, transactional
from kumoi.state.timers import TimerRunner


def register(parts: Parts) -> None:
    """Register the handlers of timers."""
    doorway, timers = parts[Doorway], parts[TimerRunner]
    rotator = Rotator(doorway)

    async def delete(timer: Timer) -> None:
        await _delete(doorway.state.at(timer.account, timer.region), timer)

    timers.on(DELETION, delete)
    timers.on(SCHEDULE, rotator.window_opened)
    timers.on(ROTATION, rotator.run)


@transactional
async def _delete(tx: Transaction, timer: Timer) -> None:
    tx.complete_timer(timer)
    secret = await secrets.get(tx, timer.payload.decode())
    if secret is not None and secret.deletes is not None and secret.deletes <= tx.now:
        await erase(tx, secret)
