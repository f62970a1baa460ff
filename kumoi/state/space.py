"""Typed spaces: records of one kind under keys that begin with the space's name.

A record is a frozen msgspec Struct, stored as msgpack; its key is made from the record itself. Fields may be added to
a record type with defaults: what was stored before still decodes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, Literal, TypeVar, cast

import msgspec

from kumoi.state.interface import Key, State, Transaction
from kumoi.state.memory import UNKNOWN

RecordT = TypeVar("RecordT")


class Space(Generic[RecordT]):
    """Records of one type.

    `scope` says what keeps them apart: a `region` of an account (the default), the whole `account` (IAM), or nothing
    (`global`: names that are unique everywhere). `remembered` records are kept decoded once they were read: for what
    nearly every request reads and few ever change.
    """

    def __init__(
        self,
        name: str,
        record: type[RecordT],
        key: Callable[[RecordT], Key],
        *,
        scope: Literal["region", "account", "global"] = "region",
        remembered: bool = False,
    ) -> None:
        self.name = name
        self._key = key
        self._scope = scope
        self._remembered = remembered
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(record).decode

    def key(self, record: RecordT) -> Key:
        """The key of a record, as `after` takes it."""
        return self._key(record)

    def get(self, tx: Transaction, *key: Any) -> Awaitable[RecordT | None]:
        """The record of that key, or None."""
        placed = self._placed(tx)
        if self._remembered:
            return placed.remember((self.name, *key), self._decode)
        return self._stored(placed, (self.name, *key))

    async def _stored(self, tx: Transaction, key: Key) -> RecordT | None:
        found = await tx.get(key)
        return None if found is None else self._decode(found)

    def glance(self, state: State, *key: Any) -> RecordT | None:
        """As `get` outside of a transaction, of a space that is remembered; LookupError where only one can tell."""
        scope = self._scope
        placed = state if scope == "region" else state.at(state.account if scope == "account" else "", "")
        found = placed.remembered((self.name, *key))
        if found is UNKNOWN:
            raise LookupError(self.name)
        return cast("RecordT | None", found)

    async def look(self, state: State, *key: Any) -> RecordT | None:
        """As `get` outside of a transaction, of a space that is remembered: with one of its own only where one must."""
        try:
            return self.glance(state, *key)
        except LookupError:
            return await state.run(self.get, *key)

    async def put(self, tx: Transaction, record: RecordT) -> None:
        """Store a record under its key, replacing what was there."""
        await self._placed(tx).put((self.name, *self._key(record)), self._encode(record))

    async def delete(self, tx: Transaction, *key: Any) -> bool:
        """Remove the record of that key; whether there was one."""
        return await self._placed(tx).delete((self.name, *key))

    async def list(
        self, tx: Transaction, *prefix: Any, after: Key | None = None, limit: int | None = None, reverse: bool = False
    ) -> list[RecordT]:
        """Records whose keys begin with `prefix`, in key order or reversed.

        `after` is the key of the record to go on behind, in the direction of the list.
        """
        bound = None if after is None else (self.name, *after)
        values = await self._placed(tx).values(
            (self.name, *prefix),
            after=None if reverse else bound,
            before=bound if reverse else None,
            limit=limit,
            reverse=reverse,
        )
        return [self._decode(value) for value in values]

    async def delete_all(self, tx: Transaction, *prefix: Any) -> int:
        """Remove the records whose keys begin with `prefix`; how many there were."""
        return await self._placed(tx).delete_range((self.name, *prefix))

    def _placed(self, tx: Transaction) -> Transaction:
        if self._scope == "region":
            return tx
        return tx.at(tx.account if self._scope == "account" else "", "")
