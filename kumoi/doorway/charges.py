"""Charges: what is billed without being a call of its own, such as a state transition or a minute of a connection.

A service notes one with `doorway.charges.add`. They go to the lake in batches, beside the hops, and the bill is a view
of both. What one place is charged within a second is added together: a loop of a million steps is a few records.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from kumoi.clock import Clock
from kumoi.doorway.hop import units_text
from kumoi.lake import Lake, Table

logger = logging.getLogger(__name__)

TABLE = Table(
    "charges",
    {
        "time": "BIGINT",
        "account": "VARCHAR",
        "region": "VARCHAR",
        "trace": "VARCHAR",
        "node": "VARCHAR",
        "service": "VARCHAR",
        "operation": "VARCHAR",
        "units": "VARCHAR",
    },
    partition=("account",),
)


class ChargeKey(NamedTuple):
    """What charges are added together by. `operation` is the name of what was done (`Execution`, `Connection`)."""

    account: str
    region: str
    trace: str
    node: str
    service: str
    operation: str


Listener = Callable[[ChargeKey, Mapping[str, float]], None]


class Charges:
    """The recorder; the lake gets what has come in every `flush_seconds`."""

    def __init__(self, lake: Lake, clock: Clock, *, flush_seconds: float = 1.0) -> None:
        self._lake = lake
        self._clock = clock
        self._pending: dict[ChargeKey, dict[str, float]] = {}
        self._flush_seconds = flush_seconds
        self._flush_handle: asyncio.TimerHandle | None = None
        self._listeners: list[Listener] = []
        lake.define(TABLE)

    def add(self, key: ChargeKey, **units: float) -> None:
        """Note what is billed at a place; cheap."""
        pending = self._pending.setdefault(key, {})
        for unit, amount in units.items():
            pending[unit] = pending.get(unit, 0.0) + amount
        if self._flush_handle is None:
            self._flush_handle = asyncio.get_running_loop().call_later(self._flush_seconds, self.flush)
        for listener in self._listeners:
            try:
                listener(key, units)
            except Exception:
                logger.exception("a listener failed at the charge %s %s", key.service, key.operation)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` called with each charge; answers how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def flush(self) -> None:
        """Hand what has come in to the lake."""
        if self._flush_handle is not None:
            self._flush_handle.cancel()
            self._flush_handle = None
        if self._pending:
            now = int(self._clock.now() * 1000)
            self._lake.write(TABLE.name, [_record(key, units, now) for key, units in self._pending.items()])
            self._pending = {}

    def clear(self, account: str | None = None) -> None:
        """Forget what is not written yet, of one account or all."""
        self._pending = {
            key: units for key, units in self._pending.items() if account is not None and key.account != account
        }


def _record(key: ChargeKey, units: Mapping[str, float], now: int) -> dict[str, Any]:
    return {"time": now, **key._asdict(), "units": units_text(units)}
