"""One write, decided before it is stored: the item as it is, the condition on it, the item as it will be.

PutItem, UpdateItem and DeleteItem, batches, transactions and PartiQL all make a `Change`, have it prepared inside a
transaction (`prepare`, which raises what the caller is told) and store it (`store`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from kumoi.services.dynamodb.capacity import Consumed, write_units
from kumoi.services.dynamodb.errors import CONDITION_FAILED, invalid
from kumoi.services.dynamodb.keys import Item, ItemKey, check_index_keys, key_of_item, normalised_key
from kumoi.services.dynamodb.language.values import measured
from kumoi.services.dynamodb.records import Table
from kumoi.services.dynamodb.storage import Row, encoded, write
from kumoi.state import Encoded, Transaction
from kumoi.wire.errors import AwsError, aws_error

MOST_BYTES = 409_600
"""Bytes an item may have."""


class Condition(Protocol):
    """What must hold of the item before the write; None stands for no item."""

    def holds(self, item: Item | None) -> bool:
        """Whether it does."""


class Update(Protocol):
    """What an update expression makes of an item."""

    def apply(self, item: Item) -> tuple[Item, Any]:
        """The new item, and the paths that were touched."""


class Change(msgspec.Struct, frozen=True, gc=False):
    """A write that is asked for, its values in canonical form.

    `item` is set for a put (with its `size`; an `insert` must find no item), `key` for the others, `update` for an
    update; neither item nor update is a deletion, or, with `check_only`, a check of the condition. With `tell_old`, the
    item that failed the condition is in the error.
    """

    item: Item | None = None
    size: int = 0
    key: Mapping[str, Any] | None = None
    update: Update | None = None
    condition: Condition | None = None
    check_only: bool = False
    tell_old: bool = False
    insert: bool = False


def put_of(asked: Item) -> Change:
    """A put of an item as it was asked for; ValidationException where it is none, or is too large."""
    item, size = measured(asked)
    if size > MOST_BYTES:
        raise invalid("Item size has exceeded the maximum allowed size")
    return Change(item=item, size=size)


@dataclass(slots=True)
class Prepared:
    """A change against what is stored: the item before and after (None: no item)."""

    table: Table
    key: ItemKey
    at: Encoded
    key_attributes: Mapping[str, Any]
    old: Row | None
    new: Row | None
    touched: Any = None
    check_only: bool = False


def key_of_change(table: Table, change: Change) -> tuple[Mapping[str, Any], ItemKey]:
    """Which item a change is about: its key attributes and its place; ValidationException where it names none."""
    if change.item is not None:
        return change.item, key_of_item(table.keys, change.item)
    assert change.key is not None
    return normalised_key(table.keys, change.key)


async def prepare(tx: Transaction, table: Table, change: Change) -> Prepared:
    """Read the item, check the condition, make the new item; raises what DynamoDB answers where one of them fails."""
    attributes, key = key_of_change(table, change)
    if change.item is not None:
        for index in table.indexes:
            check_index_keys(index, change.item)
    at = encoded(table.id, key)
    raw = await tx.get(at)
    old = None if raw is None else Row(raw)
    if change.insert and old is not None:
        raise aws_error("DuplicateItemException", "Duplicate primary key exists in table")
    if change.condition is not None and not change.condition.holds(old.item if old else None):
        raise ConditionFailed(old, tell=change.tell_old)
    prepared = Prepared(table, key, at, attributes, old, None, check_only=change.check_only)
    if change.check_only:
        prepared.new = old
    elif change.item is not None:
        prepared.new = Row.of(change.item, change.size)
    elif change.update is not None:
        _update(prepared, change.update)
    return prepared


class ConditionFailed(AwsError):
    """ConditionalCheckFailedException, with the item where that is asked for and there is one.

    `consumed` is what the attempt took: it is billed as a write of the item that is there.
    """

    def __init__(self, old: Row | None, *, tell: bool) -> None:
        item = old.item if old is not None and tell else None
        super().__init__("ConditionalCheckFailedException", CONDITION_FAILED, {"Item": item})
        self.consumed = write_units(old.size if old is not None else 0)


def _update(prepared: Prepared, update: Update) -> None:
    table, old = prepared.table, prepared.old
    before = old.item if old is not None else dict(prepared.key_attributes)
    after, prepared.touched = update.apply(before)
    for name in table.keys.names:
        if after.get(name) != before[name]:
            raise invalid(
                "One or more parameter values were invalid: "
                f"Cannot update attribute {name}. This attribute is part of the key"
            )
    for index in table.indexes:
        if any(after.get(name) != before.get(name) for name in index.keys.names):
            check_index_keys(index, after)
    prepared.new = Row.of(after)
    if prepared.new.size > MOST_BYTES:
        raise invalid("Item size to update has exceeded the maximum allowed size")


async def store(tx: Transaction, prepared: Prepared) -> Consumed:
    """Make a prepared change; what it consumes."""
    if prepared.check_only:
        return Consumed(prepared.table.name, write_units(prepared.old.size if prepared.old else 0))
    return await write(tx, prepared.table, prepared.key, prepared.old, prepared.new, at=prepared.at)
