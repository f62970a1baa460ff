"""Layouts: where the nodes of a map stand, as a browser has worked it out, kept by the map's structure."""

from __future__ import annotations

import msgspec

from kumoi.state import Transaction, transactional
from kumoi.state.space import Space

LARGEST = 524_288
KEPT = 20


class Layout(msgspec.Struct, frozen=True):
    """A layout as the browser wrote it, and when (epoch seconds)."""

    structure: str
    content: bytes
    time: float


layouts: Space[Layout] = Space("studio.layout", Layout, lambda one: (one.structure,), scope="account")


@transactional
async def find(tx: Transaction, structure: str) -> bytes | None:
    """The layout of a structure, or None."""
    found = await layouts.get(tx, structure)
    return None if found is None else found.content


@transactional
async def keep(tx: Transaction, layout: Layout) -> None:
    """Keep a layout; the oldest goes when there are many."""
    held = sorted(await layouts.list(tx), key=lambda one: one.time)
    for old in held[: max(len(held) - KEPT + 1, 0)]:
        await layouts.delete(tx, old.structure)
    await layouts.put(tx, layout)
