"""What runs for S3: removing blobs once nothing refers to them, at a timer's call."""

from __future__ import annotations

from functools import partial

from kumoi.doorway import Doorway, Parts
from kumoi.services.s3.bodies import RELEASED, Readers, drop_account, remove_released
from kumoi.state import State
from kumoi.state.timers import TimerRunner


def start(parts: Parts) -> None:
    """Add the parts and register the timer."""
    doorway = parts[Doorway]
    readers = parts.add(Readers, Readers())
    parts[TimerRunner].on(RELEASED, partial(remove_released, doorway, readers))


async def forget(parts: Parts, state: State, account: str | None) -> None:
    """Forget the buckets' names and the blobs of an account, or of all."""
    await drop_account(parts[Doorway], state, account)
