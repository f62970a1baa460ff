"""What was made of remembered records, until one of them is written: what else every request would look up anew."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from kumoi.state.interface import State

ValueT = TypeVar("ValueT")


class Derived(Generic[ValueT]):
    """Values by their keys, up to `most`. Whatever is written of remembered records, all of them are made anew."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._epoch: int | None = None
        self._values: dict[Hashable, ValueT] = {}

    def get(self, state: State, key: Hashable) -> ValueT | None:
        """What was made, as long as it holds."""
        epoch = state.epoch
        return self._values.get(key) if epoch is not None and epoch == self._epoch else None

    def keep(self, state: State, epoch: int | None, key: Hashable, value: ValueT) -> None:
        """Keep what was made of nothing but glances at records since the state's `epoch`."""
        if epoch is None or epoch != state.epoch:
            return
        if epoch != self._epoch or len(self._values) >= self._most:
            self._values.clear()
        self._epoch = epoch
        self._values[key] = value
