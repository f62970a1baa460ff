"""Calls that are made again after a crash without being repeated: each of their transactions happens once.

Within `once(key)`, what a transaction that writes answers is stored beside its writes. When the same call is made again
under the same key, the answer is read back and the transaction not run. The call's own task only: what it sets going
(deliveries, say) is not part of it. `forget` drops the answers once the call's outcome is stored elsewhere.

Answers are pickled, and state may come from elsewhere (a snapshot): what is read back are values and records (structs,
named tuples, dataclasses, enums), never anything that runs.
"""

from __future__ import annotations

import asyncio
import io
import logging
import pickle
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import is_dataclass
from enum import Enum
from typing import Any

import msgspec

from kumoi.state.interface import Transaction

logger = logging.getLogger(__name__)

_SPACE = "state.once"
_RECORDS = (msgspec.Struct, tuple, Enum)
_REBUILD = ("msgspec._utils", "rebuild")
"""What msgspec has its records made by: it calls the class it is given."""
_VALUES = frozenset({("decimal", "Decimal"), ("datetime", "datetime"), ("builtins", "set"), ("builtins", "frozenset")})


class Once:
    """One call under way: its key, its task, and how often each transaction function has run in it."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.task = asyncio.current_task()
        self.counts: Counter[str] = Counter()

    async def run(
        self,
        tx: Transaction,
        wrote: Callable[[], bool],
        function: Callable[..., Awaitable[Any]],
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Run a transaction function, or answer what it answered before."""
        name = f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', '')}"
        key = (_SPACE, self.key, name, self.counts[name])
        self.counts[name] += 1
        place = tx.at("", "")
        stored = await place.get(key)
        if stored is not None:
            try:
                return _Answers(io.BytesIO(stored)).load()
            except Exception as error:  # noqa: BLE001  (bytes from elsewhere fail in any way)
                logger.warning("what %s answered cannot be read, it happens again: %s", name, error)
        answer = await function(tx, *args, **kwargs)
        if wrote():
            kept = _pickled(answer)
            if kept is None:
                logger.warning("what %s answers cannot be stored: after a crash it happens again", name)
            else:
                await place.put(key, kept)
        return answer


class _Answers(pickle.Unpickler):
    """Reads an answer: plain values, and records of modules that run already."""

    def find_class(self, module: str, name: str) -> Any:
        """The class of a record; UnpicklingError for all else."""
        if (module, name) == _REBUILD:
            return super().find_class(module, name)
        found: Any = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        if isinstance(found, type) and found.__module__ == module:
            record = module.startswith("kumoi.") and (issubclass(found, _RECORDS) or is_dataclass(found))
            if record or (module, name) in _VALUES:
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no record")


def _pickled(answer: Any) -> bytes | None:
    """An answer to store; None for one that cannot be, whose transaction then happens again."""
    try:
        return pickle.dumps(answer)
    except (pickle.PicklingError, TypeError, AttributeError):
        return None


_current: ContextVar[Once | None] = ContextVar("once", default=None)


@contextmanager
def once(key: str) -> Iterator[None]:
    """Make what is called within happen once for a key, however often it is called."""
    token = _current.set(Once(key))
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Once | None:
    """The call under way in this task that is to happen once."""
    found = _current.get()
    return found if found is not None and found.task is asyncio.current_task() else None


async def forget(tx: Transaction, key: str) -> None:
    """Drop what is stored for a key, in the transaction that stores the call's outcome."""
    await tx.at("", "").delete_range((_SPACE, key))
