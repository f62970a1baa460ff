"""The ordered, transactional key space every service stores its records in.

A transaction is a function: `async def f(tx, …)` decorated with `@transactional`. Called with a `State` it runs to
completion atomically (retried on conflict, so it must be repeatable) and returns once its commit is done; called
with a `Transaction` it joins that one. Inside it, await nothing but `tx`: an engine may run it without suspending.

Every key belongs to a place, (account, region). A `State` is bound to one place and so is each transaction begun
from it; `tx.at(account, region)` reaches another place inside the same transaction.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, Concatenate, NamedTuple, ParamSpec, Self, TypeVar

from kumoi.state.memory import UNKNOWN

Key = tuple[str | int | bytes, ...]
Encoded = bytes
"""A key as `keys.encode` writes it: for who asks for one row so often that the writing counts."""
P = ParamSpec("P")
R = TypeVar("R")


class Entry(NamedTuple):
    """One row of a range: its key without the place, and its value."""

    key: Key
    value: bytes


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer that fell due: what to do (`topic`), with what (`payload`), and where (`account`, `region`).

    `key` is the name it was set under ("" when it had none).
    """

    id: int
    due: float
    topic: str
    payload: bytes
    key: str
    account: str
    region: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A queue item hidden from other claimers until `until`; `attempts` counts its claims, this one included."""

    id: int
    body: bytes
    receipt: str
    attempts: int
    enqueued: float


class Conflict(Exception):
    """Another transaction changed what this one read; the engine retries it."""


class Transaction(ABC):
    """What a transaction function may await.

    Keys are tuples of str, int and bytes; they sort element by element, bytes before str before int. Values are
    bytes.
    """

    account: str
    region: str
    now: float
    """The platform's time when the transaction began, in epoch seconds."""

    @abstractmethod
    def at(self, account: str, region: str) -> Self:
        """The same transaction, bound to another place."""

    def run(self, function: Callable[..., Awaitable[R]], *args: Any, **kwargs: Any) -> Awaitable[R]:
        """Have `function(tx, *args, **kwargs)` join this transaction."""
        return function(self, *args, **kwargs)

    def recall(self, function: Callable[..., Awaitable[R]], *args: Any) -> Awaitable[R]:
        """As `run`."""
        return function(self, *args)

    @abstractmethod
    async def get(self, key: Key | Encoded) -> bytes | None:
        """The value under `key`, or None."""

    async def remember(self, key: Key, decode: Callable[[bytes], R]) -> R | None:
        """The value under `key` as `decode` reads it, or None; the engine may keep it decoded until it changes.

        For records that nearly every request reads and few ever change. They must not be edited in place.
        """
        found = await self.get(key)
        return None if found is None else decode(found)

    @abstractmethod
    async def put(self, key: Key | Encoded, value: bytes) -> None:
        """Write `value` under `key`."""

    @abstractmethod
    async def delete(self, key: Key | Encoded) -> bool:
        """Remove `key`; whether it was there."""

    @abstractmethod
    async def range(
        self,
        prefix: Key,
        *,
        after: Key | None = None,
        before: Key | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> list[Entry]:
        """Rows whose keys begin with the elements of `prefix`, in key order (or reversed), at most `limit`.

        `after` and `before` are exclusive bounds as full keys; both apply in either direction.
        """

    async def values(
        self,
        prefix: Key,
        *,
        after: Key | None = None,
        before: Key | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> list[bytes]:
        """The values of `range`'s rows, for records that hold what their keys are made of."""
        rows = await self.range(prefix, after=after, before=before, limit=limit, reverse=reverse)
        return [row.value for row in rows]

    async def page(
        self,
        prefix: Key,
        *,
        after: Key | None = None,
        before: Key | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> tuple[list[bytes], Key | None]:
        """The values of `range`'s rows, and the key of the last of them (None without any), to go on behind."""
        rows = await self.range(prefix, after=after, before=before, limit=limit, reverse=reverse)
        return [row.value for row in rows], rows[-1].key if rows else None

    @abstractmethod
    async def delete_range(self, prefix: Key) -> int:
        """Remove every row whose key begins with the elements of `prefix`; how many there were."""

    @abstractmethod
    async def add(self, key: Key, delta: int = 1) -> int:
        """Add to the counter under `key` (0 when absent) and answer the new value. Counters live apart from rows."""

    async def tally(self, key: Key, delta: int) -> None:
        """As `add`, for who does not ask for the new value: an engine may add up what several transactions tally."""
        await self.add(key, delta)

    @abstractmethod
    async def append(self, stream: Key, value: bytes) -> int:
        """Append to a stream; answers its gap-free sequence number, the first being 1."""

    @abstractmethod
    async def read_stream(self, stream: Key, *, after: int = 0, limit: int = 100) -> list[tuple[int, float, bytes]]:
        """(sequence, time appended, value) of what follows `after` in a stream."""

    @abstractmethod
    async def stream_bounds(self, stream: Key) -> tuple[int, int]:
        """(first sequence number kept, last one given) of a stream; the first is the next to come when none is kept."""

    @abstractmethod
    async def trim_stream(self, stream: Key, *, before: float) -> int:
        """Drop what was appended earlier than `before` (epoch seconds); how many there were."""

    @abstractmethod
    async def enqueue(self, queue: Key, body: bytes, *, visible_at: float = 0.0) -> int:
        """Put an item on a work queue; answers its id."""

    @abstractmethod
    async def claim(self, queue: Key, n: int, until: float) -> list[Claimed]:
        """Take up to `n` visible items, oldest first, and hide them until `until` (epoch seconds)."""

    @abstractmethod
    async def finish(self, queue: Key, claimed: Claimed) -> bool:
        """Remove a claimed item; False when the receipt no longer holds it."""

    @abstractmethod
    async def release(self, queue: Key, claimed: Claimed, visible_at: float) -> bool:
        """Give a claimed item back, visible from `visible_at`; False when the receipt no longer holds it."""

    @abstractmethod
    async def count(self, queue: Key) -> tuple[int, int]:
        """(visible now, hidden) items of a queue."""

    @abstractmethod
    def timer(self, due: float, topic: str, payload: bytes = b"", *, key: str = "") -> None:
        """Have `topic`'s handler called at `due` (epoch seconds). A timer of the same topic and key is replaced."""

    @abstractmethod
    def cancel_timer(self, topic: str, key: str) -> None:
        """Forget the timer set under `key`."""

    @abstractmethod
    def complete_timer(self, timer: Timer) -> None:
        """Remove a due timer in the transaction that records its effect, so that the effect happens once."""

    @abstractmethod
    def notify(self, topic: str) -> None:
        """Wake the watchers of `topic` (of this place) once the transaction has committed."""

    @abstractmethod
    def on_commit(self, action: Callable[[], None]) -> None:
        """Run `action` in this process once the transaction has committed; never when it has not."""


class State(ABC):
    """A store bound to one place. `at` answers the same store bound to another."""

    account: str
    region: str

    @abstractmethod
    def at(self, account: str, region: str) -> State:
        """The same store, bound to another place."""

    @abstractmethod
    def as_of(self, moment: float) -> State:
        """The same store as it was at a moment (epoch seconds), for reading alone, as far as that is kept."""

    @abstractmethod
    def keep_past(self, kinds: frozenset[str], seconds: float) -> None:
        """Keep what rows were within the last so many seconds whose keys begin with one of `kinds`; none: forget it."""

    @abstractmethod
    async def run(self, function: Callable[..., Awaitable[R]], *args: Any, **kwargs: Any) -> R:
        """Run `function(tx, *args, **kwargs)` as one transaction; returns after its commit."""

    async def read(self, key: Key | Encoded) -> bytes | None:
        """The value under `key`, or None, as a transaction that does nothing else would answer it."""
        return await self.run(_read, key)

    async def recall(self, function: Callable[..., Awaitable[R]], *args: Any) -> R:
        """As `run`, of a function that is `recalled`: what it answered stands until something remembered is written."""
        return await self.run(function, *args)

    def remembered(self, key: Key) -> Any:
        """What a transaction would remember under `key` now, without running one; UNKNOWN where only one can tell."""
        return UNKNOWN

    @property
    def epoch(self) -> int | None:
        """Another number whenever something that is remembered was written; None where only a transaction can tell."""
        return None

    @abstractmethod
    def watch(self, topic: str) -> AbstractAsyncContextManager[Watch]:
        """Follow `tx.notify(topic)` of this place: no notification after entering is missed."""

    @abstractmethod
    async def lease(self, name: str, owner: str, ttl: float) -> int | None:
        """Take or renew a lease for `ttl` seconds; a fencing token that grows with each owner, None when held."""

    @abstractmethod
    async def release_lease(self, name: str, owner: str) -> None:
        """Give a lease back before it expires."""

    @abstractmethod
    async def reset(self, account: str | None = None) -> None:
        """Remove everything, or everything of one account (rows, counters, streams, queues, timers)."""


async def _read(tx: Transaction, key: Key | Encoded) -> bytes | None:
    return await tx.get(key)


class Watch(ABC):
    """Notifications of one topic."""

    @abstractmethod
    async def wait(self, timeout: float | None = None) -> bool:
        """Wait for the next notification (at once when one came since the last wait); False on time-out.

        `timeout` counts real seconds.
        """

    @abstractmethod
    def __aiter__(self) -> AsyncIterator[None]:
        """Each notification in turn; several that came together count once."""


def transactional(
    function: Callable[Concatenate[Transaction, P], Awaitable[R]],
) -> Callable[Concatenate[State | Transaction, P], Awaitable[R]]:
    """Make a transaction of `async def f(tx, …)`: call it with a State to run it, with a Transaction to join it."""

    def call(place: State | Transaction, /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        return place.run(function, *args, **kwargs)

    update_wrapper(call, function)
    return call


def recalled(
    function: Callable[Concatenate[Transaction, P], Awaitable[R]],
) -> Callable[Concatenate[State | Transaction, P], Awaitable[R]]:
    """As `transactional`, of a function that reads remembered records and depends on nothing else but its arguments.

    The store may answer as it did before, as long as none of them was written: nobody changes what it answered.
    """

    def call(place: State | Transaction, /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        assert not kwargs, "what is recalled is known by its arguments in order"
        return place.recall(function, *args)

    update_wrapper(call, function)
    return call
