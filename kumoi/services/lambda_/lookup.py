"""What the executor looks up in state by itself."""

from __future__ import annotations

from kumoi.services.lambda_.identifiers import LATEST
from kumoi.services.lambda_.records import Function, heads, versions
from kumoi.state import Transaction, transactional


@transactional
async def find_published(tx: Transaction, name: str, version: str) -> Function | None:
    """A version of a function by its number."""
    return await versions.get(tx, name, 0 if version == LATEST else int(version))


@transactional
async def reserved_in(tx: Transaction) -> int:
    """The sum of all reservations of an account in a region."""
    return sum(head.reserved_concurrency or 0 for head in await heads.list(tx))
