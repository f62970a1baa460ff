"""Letters in the key space: kept in the transaction that sends them, found, waited for and deleted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from msgspec.structs import replace

from kumoi.mailbox.records import Letter, Piece, letters, pieces
from kumoi.state import State, Transaction, transactional
from kumoi.state.interface import Watch

KEPT = 1000
"""Letters of an account that are kept."""
_COUNTER = "mailbox.count"
_ARRIVED = "mailbox.arrived"
_PIECE = 262_144
"""Bytes of content in a row."""

Wanted = Callable[[Letter], bool]


@transactional
async def keep(tx: Transaction, letter: Letter, content: bytes = b"") -> Letter:
    """Keep a letter and its MIME content, and forget the oldest beyond those that are kept; the letter as numbered."""
    account = tx.at(tx.account, "")
    number = await account.add((_COUNTER,))
    numbered = replace(letter, number=number, size=len(content) or len(letter.text.encode()))
    await letters.put(tx, numbered)
    for at, start in enumerate(range(0, len(content), _PIECE)):
        await pieces.put(tx, Piece(number=number, at=at, content=content[start : start + _PIECE]))
    await _forget(tx, number - KEPT)
    account.notify(_ARRIVED)
    return numbered


@transactional
async def latest(tx: Transaction, limit: int, wanted: Wanted | None = None) -> list[Letter]:
    """The newest letters first, at most `limit` of those that are wanted."""
    if wanted is None:
        return await letters.list(tx, limit=limit, reverse=True)
    return [one for one in await letters.list(tx, reverse=True) if wanted(one)][:limit]


@transactional
async def find(tx: Transaction, named: str) -> Letter | None:
    """The letter of a number or a message id, or None; the newest where several have the id."""
    if named.isdecimal() and len(named) < 19:
        return await letters.get(tx, int(named))
    found = await latest(tx, 1, lambda one: one.id == named)
    return found[0] if found else None


@transactional
async def content(tx: Transaction, letter: Letter) -> bytes:
    """The MIME content of a letter; empty for one without."""
    return b"".join(piece.content for piece in await pieces.list(tx, letter.number))


@transactional
async def delete(tx: Transaction, number: int) -> None:
    """Forget a letter."""
    await _forget(tx, number)


@transactional
async def clear(tx: Transaction, wanted: Wanted) -> int:
    """Forget the letters that are wanted gone; how many there were."""
    found = await latest(tx, KEPT, wanted)
    for letter in found:
        await _forget(tx, letter.number)
    return len(found)


async def _forget(tx: Transaction, number: int) -> None:
    await letters.delete(tx, number)
    await pieces.delete_all(tx, number)


def arrivals(state: State) -> AbstractAsyncContextManager[Watch]:
    """Follow what comes into an account's mailbox."""
    return state.at(state.account, "").watch(_ARRIVED)
