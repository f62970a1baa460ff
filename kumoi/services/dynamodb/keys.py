"""An item's place: from key attributes to the bytes that rows are ordered by.

A partition key's bytes are hashed into a bucket, which orders a table as a whole (and gives Scan its segments); within
a partition the sort key's bytes order the items. Rules: "Core components" and "Constraints" of the developer guide.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from kumoi.services.dynamodb.errors import WRONG_KEY, invalid, invalid_values
from kumoi.services.dynamodb.language.values import normalise, sort_key_bytes
from kumoi.services.dynamodb.records import Index, Keys
from kumoi.wire.errors import AwsError

BUCKETS = 1 << 32
MOST_HASH_BYTES, MOST_RANGE_BYTES = 2048, 1024

_NO_INDEX_KEY = " A value specified for a secondary index key is not supported."

Item = dict[str, Any]


class ItemKey(NamedTuple):
    """Where an item lies in its table."""

    bucket: int
    hash: bytes
    range: bytes = b""

    @property
    def tail(self) -> bytes:
        """The key as one value, which tells apart the entries of an index that have the same index key."""
        return len(self.hash).to_bytes(2) + self.hash + self.range


class EntryKey(NamedTuple):
    """Where a row lies: an item's (with an empty tail), or an index entry's (with its item's key as the tail)."""

    bucket: int
    hash: bytes
    range: bytes
    tail: bytes


def place(hash_bytes: bytes, range_bytes: bytes = b"") -> ItemKey:
    """The key of those bytes."""
    return ItemKey(zlib.crc32(hash_bytes), hash_bytes, range_bytes)


def _of_texts(keys: Keys, attributes: Mapping[str, Any]) -> ItemKey | None:
    """The key that attributes are, where they are texts as they should be, as most are; None leaves it to the rules."""
    value = attributes.get(keys.hash)
    if value is None or len(value) != 1 or keys.hash_type != "S" or not (text := value.get("S")):
        return None
    hash_bytes = text.encode("utf-8", "surrogatepass")
    range_bytes = b""
    if keys.range:
        value = attributes.get(keys.range)
        if value is None or len(value) != 1 or keys.range_type != "S" or not (text := value.get("S")):
            return None
        range_bytes = text.encode("utf-8", "surrogatepass")
    if len(hash_bytes) > MOST_HASH_BYTES or len(range_bytes) > MOST_RANGE_BYTES:
        return None
    return ItemKey(zlib.crc32(hash_bytes), hash_bytes, range_bytes)


def key_of_item(keys: Keys, item: Mapping[str, Any]) -> ItemKey:
    """The key of an item that is to be stored; ValidationException where its attributes do not make one."""
    found = _of_texts(keys, item)
    return found if found is not None else _key_of_item(keys, item)


def _key_of_item(keys: Keys, item: Mapping[str, Any]) -> ItemKey:
    hash_bytes = _key_bytes(item.get(keys.hash), keys.hash, keys.hash_type)
    if len(hash_bytes) > MOST_HASH_BYTES:
        raise _hash_too_long()
    if not keys.range:
        return ItemKey(zlib.crc32(hash_bytes), hash_bytes)
    range_bytes = _key_bytes(item.get(keys.range), keys.range, keys.range_type)
    if len(range_bytes) > MOST_RANGE_BYTES:
        raise _range_too_long()
    return ItemKey(zlib.crc32(hash_bytes), hash_bytes, range_bytes)


def _key_bytes(value: Any, name: str, kind: str) -> bytes:
    if value is None:
        raise invalid_values(f"Missing the key {name} in the item")
    content = value.get(kind)
    if content is None:
        raise invalid_values(f"Type mismatch for key {name} expected: {kind} actual: {next(iter(value))}")
    if not content:
        raise EmptyKey(kind, f"Key: {name}")
    return sort_key_bytes(value)


def key_named(keys: Keys, key: Mapping[str, Any]) -> ItemKey:
    """The key that a Key parameter is; ValidationException where it is not one of the table's."""
    found = _of_texts(keys, key) if len(key) == (2 if keys.range else 1) else None
    return found if found is not None else normalised_key(keys, key)[1]


def normalised_key(keys: Keys, key: Mapping[str, Any]) -> tuple[Item, ItemKey]:
    """A Key parameter in canonical form, and the key it is; ValidationException where it is not one of the table's."""
    if len(key) != (2 if keys.range else 1):
        raise invalid(WRONG_KEY)
    canonical: Item = {keys.hash: _key_value(key, keys.hash, keys.hash_type)}
    if keys.range:
        canonical[keys.range] = _key_value(key, keys.range, keys.range_type)
    return canonical, key_of_item(keys, canonical)


def _key_value(key: Mapping[str, Any], name: str, kind: str) -> Any:
    value = key.get(name)
    if value is None:
        raise invalid(WRONG_KEY)
    value = normalise(value)
    if kind not in value:
        raise invalid(WRONG_KEY)
    if not value[kind]:
        raise EmptyKey(kind, f"Key: {name}")
    return value


def index_key(index: Index, item: Mapping[str, Any], base: ItemKey) -> EntryKey | None:
    """Where an item's entry lies in an index; None when the item lacks an attribute of its key, of the right type."""
    keys = index.keys
    value = item.get(keys.hash)
    if value is None or not value.get(keys.hash_type):
        return None
    hash_bytes = sort_key_bytes(value)
    range_bytes = b""
    if keys.range:
        value = item.get(keys.range)
        if value is None or not value.get(keys.range_type):
            return None
        range_bytes = sort_key_bytes(value)
    return EntryKey(zlib.crc32(hash_bytes), hash_bytes, range_bytes, base.tail)


def check_index_keys(index: Index, item: Mapping[str, Any]) -> None:
    """Refuse an item whose attributes could not be keys of an index: of another type, empty or too long."""
    keys = index.keys
    for name, kind, most in ((keys.hash, keys.hash_type, MOST_HASH_BYTES), (keys.range, keys.range_type, 1024)):
        value = item.get(name) if name else None
        if value is None:
            continue
        content = value.get(kind)
        if content is None:
            actual = next(iter(value))
            raise invalid_values(
                f"Type mismatch for Index Key {name} Expected: {kind} Actual: {actual} IndexName: {index.name}"
            )
        if not content:
            raise EmptyKey(kind, f"IndexName: {index.name}, IndexKey: {name}", _NO_INDEX_KEY)
        if kind != "N" and len(sort_key_bytes(value)) > most:
            raise _hash_too_long() if name == keys.hash else _range_too_long()


class EmptyKey(AwsError):
    """An empty key attribute. A request that has one is refused as a whole, a transaction too: nothing need be read."""

    def __init__(self, kind: str, where: str, more: str = "") -> None:
        empty = "string" if kind == "S" else "binary"
        super().__init__(
            "ValidationException",
            f"One or more parameter values are not valid.{more} The AttributeValue for a key attribute cannot contain "
            f"an empty {empty} value. {where}",
        )


def _hash_too_long() -> Exception:
    return invalid_values(f"Size of hashkey has exceeded the maximum size limit of{MOST_HASH_BYTES} bytes")


def _range_too_long() -> Exception:
    return invalid_values(f"Aggregated size of all range keys has exceeded the size limit of {MOST_RANGE_BYTES} bytes")
