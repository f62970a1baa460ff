"""What happens to keys at their time: rotations, deletions, the expiry of imported material."""

from __future__ import annotations

from kumoi.doorway import Doorway, Parts
from kumoi.services.kms import deletion, imported, rotation
from kumoi.services.kms.timers import DELETION, EXPIRY, ROTATION
from kumoi.state import State, Timer
from kumoi.state.timers import TimerRunner


def register(parts: Parts) -> None:
    """Register the handlers of timers."""
    doorway, timers = parts[Doorway], parts[TimerRunner]

    def place(timer: Timer) -> State:
        return doorway.state.at(timer.account, timer.region)

    async def delete(timer: Timer) -> None:
        await deletion.fall_due(place(timer), timer)

    async def rotate(timer: Timer) -> None:
        await rotation.fall_due(place(timer), doorway.identity.sealer, timer)

    async def expire(timer: Timer) -> None:
        await imported.fall_due(place(timer), timer)

    timers.on(DELETION, delete)
    timers.on(ROTATION, rotate)
    timers.on(EXPIRY, expire)
