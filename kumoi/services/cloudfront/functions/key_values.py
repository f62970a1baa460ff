"""Key value stores as functions read them: a snapshot in memory, renewed when the store changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from kumoi.services.cloudfront.naming import cloudfront_arn
from kumoi.services.cloudfront.records import KeyValueStore, key_value_stores, key_values
from kumoi.state import State, Transaction, transactional


class Snapshot(NamedTuple):
    """A store's pairs at one version."""

    id: str
    name: str
    arn: str
    version: str
    created: str
    modified: str
    pairs: Mapping[str, str]


class KeyValues:
    """Snapshots by ARN. What was read while something changed might be old: it is not kept."""

    def __init__(self) -> None:
        self._generation = 0
        self._kept: dict[str, Snapshot] = {}

    async def of_arn(self, state: State, arn: str) -> Snapshot | None:
        """The store with this ARN; None where there is none any more."""
        found = self._kept.get(arn)
        if found is None:
            generation = self._generation
            found = await _read(state, arn)
            if found is not None and generation == self._generation:
                self._kept[arn] = found
        return found

    def known(self, arn: str) -> Snapshot | None:
        """The store with this ARN, where it was read."""
        return self._kept.get(arn)

    def forget(self, arn: str) -> None:
        """A store changed."""
        self._generation += 1
        self._kept.pop(arn, None)

    def clear(self) -> None:
        """Forget everything."""
        self._generation += 1
        self._kept.clear()


@transactional
async def find_by_arn(tx: Transaction, arn: str) -> KeyValueStore | None:
    """The store of the account with this ARN."""
    for one in await key_value_stores.list(tx):
        if arn_of(tx.account, one) == arn:
            return one
    return None


def arn_of(account: str, one: KeyValueStore) -> str:
    """A store's ARN."""
    return cloudfront_arn(account, f"key-value-store/{one.id}")


@transactional
async def _read(tx: Transaction, arn: str) -> Snapshot | None:
    one = await find_by_arn(tx, arn)
    if one is None:
        return None
    pairs = {pair.key: pair.value for pair in await key_values.list(tx, one.id)}
    created, modified = _iso(one.created), _iso(one.modified)
    return Snapshot(one.id, one.name, arn, one.version, created, modified, pairs)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
