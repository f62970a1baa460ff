"""What a function sees that is run without a transaction: remembered records, and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar, cast

from kumoi.state.interface import Key, State
from kumoi.state.memory import UNKNOWN

R = TypeVar("R")


class Glance:
    """Stands for a transaction at a place; LookupError for whatever only a real one can tell."""

    __slots__ = ("_state", "account", "region")

    def __init__(self, state: State) -> None:
        self._state = state
        self.account = state.account
        self.region = state.region

    def at(self, account: str, region: str) -> Glance:
        """The same glance, bound to another place."""
        return Glance(self._state.at(account, region))

    def run(self, function: Callable[..., Awaitable[R]], *args: Any, **kwargs: Any) -> Awaitable[R]:
        """Have a function join."""
        return function(self, *args, **kwargs)

    def recall(self, function: Callable[..., Awaitable[R]], *args: Any) -> Awaitable[R]:
        """As `run`."""
        return function(self, *args)

    async def remember(self, key: Key, _decode: Callable[[bytes], R]) -> R | None:
        """What is remembered under `key`."""
        found = self._state.remembered(key)
        if found is UNKNOWN:
            raise LookupError(key)
        return cast("R | None", found)

    def __getattr__(self, name: str) -> NoReturn:
        raise LookupError(name)
