"""What S3 holds that is billed by time."""

from __future__ import annotations

from kumoi.doorway import Held
from kumoi.services.s3.records import ListedVersion, buckets, listed_current, listed_others, owned
from kumoi.state import Key, State, Transaction, transactional
from kumoi.state.space import Space

_PAGE = 1_000


async def held(state: State) -> list[Held]:
    """Bytes in the buckets of an account and region, versions that are not current included."""
    names: dict[int, str] = await _names(state)
    found: dict[int, int] = {}
    for space in (listed_current, listed_others):
        await _add(state, space, found)
    return [Held(f"s3:{names[bucket]}", "bytes", size) for bucket, size in found.items() if bucket in names]


async def _add(state: State, space: Space[ListedVersion], found: dict[int, int]) -> None:
    """Add the sizes of a space's objects by bucket, a page after the other."""
    after: Key | None = None
    while True:
        page = await _page(state, space, after)
        for one in page:
            found[one.bucket] = found.get(one.bucket, 0) + one.size
        if len(page) < _PAGE:
            return
        after = space.key(page[-1])


@transactional
async def _page(tx: Transaction, space: Space[ListedVersion], after: Key | None) -> list[ListedVersion]:
    return await space.list(tx, after=after, limit=_PAGE)


@transactional
async def _names(tx: Transaction) -> dict[int, str]:
    found = [await buckets.get(tx, one.name) for one in await owned.list(tx)]
    return {bucket.id: bucket.name for bucket in found if bucket is not None and bucket.region == tx.region}
