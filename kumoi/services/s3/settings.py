"""What a bucket is configured with: one record a bucket for what there is once, one each for what has an id.

Every write asks for a bucket's settings, so they lie together in one remembered row. A kind that is absent has its
default; None says that a default was deleted. Rows lie at the bucket's home.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

import msgspec

from kumoi.services.s3.records import Bucket
from kumoi.state import Transaction
from kumoi.state.space import Space

T = TypeVar("T")


class Settings(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A bucket's configurations by kind (`Cors`, `Lifecycle`, …), as the API's members have them."""

    bucket: int
    kinds: dict[str, Any] = {}

    @cached_property
    def _read(self) -> dict[str, Any]:
        return {}

    def read(self, kind: str, reader: Callable[[Any], T]) -> T | None:
        """What `reader`, of which a kind has one, makes of its content, once: rules, of which there may be 1,000."""
        content = self.kinds.get(kind)
        if content is None:
            return None
        if kind not in self._read:
            self._read[kind] = reader(content)
        found: T = self._read[kind]
        return found


class NamedConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration of which a bucket has many: inventory, analytics, metrics, intelligent tiering."""

    bucket: int
    kind: str
    id: str
    content: dict[str, Any]


settings: Space[Settings] = Space("s3.settings", Settings, lambda one: (one.bucket,), remembered=True)
named: Space[NamedConfiguration] = Space(
    "s3.configuration", NamedConfiguration, lambda one: (one.bucket, one.kind, one.id)
)


async def settings_of(tx: Transaction, bucket: Bucket) -> dict[str, Any]:
    """The configurations of a bucket by kind; not to be changed in place."""
    found = await settings.get(tx, bucket.id)
    return {} if found is None else found.kinds


async def read_setting(tx: Transaction, bucket: Bucket, kind: str, reader: Callable[[Any], T]) -> T | None:
    """What `reader` makes of a configuration, for as long as that stands; not to be changed in place."""
    found = await settings.get(tx, bucket.id)
    return None if found is None else found.read(kind, reader)


async def configure(tx: Transaction, bucket: Bucket, kind: str, content: Any) -> None:
    """Store a configuration, None included."""
    kinds = {**await settings_of(tx, bucket), kind: content}
    await settings.put(tx, Settings(bucket=bucket.id, kinds=kinds))


async def unconfigure(tx: Transaction, bucket: Bucket, kind: str) -> None:
    """Forget a configuration: what is left is its default."""
    kinds = {name: content for name, content in (await settings_of(tx, bucket)).items() if name != kind}
    await settings.put(tx, Settings(bucket=bucket.id, kinds=kinds))


async def forget_settings(tx: Transaction, bucket: Bucket) -> None:
    """Remove everything a bucket is configured with."""
    await settings.delete(tx, bucket.id)
    await named.delete_all(tx, bucket.id)
