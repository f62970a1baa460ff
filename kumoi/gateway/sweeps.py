"""The matrix that `kumoi break --all-edges` has found, kept for whoever looks at the map: one an account, the latest.

Its form is that of the report's JSON (`kumoi.experiments.sweep.Matrix`), as far as a picture needs it; cells and rows
are the same.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kumoi.state import Transaction, transactional
from kumoi.state.space import Space

LARGEST = 2 << 20
"""Bytes of a matrix; one of 1,000 edges has half of that."""
Color = Literal["green", "yellow", "red", "black", "none"]


class Cell(msgspec.Struct, frozen=True):
    """What an edge broken in a way did to a flow: green nothing, yellow slower or tried again by the user, red the user
    saw it fail (or it waits among dead letters), black data was lost or counted twice. `amplification` is how many
    times as many calls there were as without the fault.
    """

    color: Color
    seen: str = ""
    struck: int = 0
    accepted: int = 0
    failed: int = 0
    lost: int = 0
    duplicated: int = 0
    dead_letters: int = 0
    amplification: float = 1.0
    seconds: float = 0.0


class Row(msgspec.Struct, frozen=True):
    """An edge with its cells by flow and way."""

    source: str
    target: str
    operation: str
    cells: dict[str, dict[str, Cell]]


class Advice(msgspec.Struct, frozen=True):
    """What to do about it."""

    rule: str
    text: str
    node: str = ""


class Sweep(msgspec.Struct, frozen=True):
    """The matrix."""

    flows: list[str]
    kinds: list[str]
    rows: list[Row]
    advice: list[Advice] = []
    seed: int = 0
    seconds: float = 0.0
    counts: dict[str, int] = {}


class Kept(msgspec.Struct, frozen=True):
    """A sweep as it is stored: as JSON, and when it ended (epoch seconds)."""

    content: bytes
    time: float
    name: str = "latest"


sweeps: Space[Kept] = Space("break.sweep", Kept, lambda one: (one.name,), scope="account")


@transactional
async def keep(tx: Transaction, sweep: Sweep, time: float) -> None:
    """Keep the latest."""
    await sweeps.put(tx, Kept(msgspec.json.encode(sweep), time))


@transactional
async def latest(tx: Transaction) -> dict[str, Any] | None:
    """The latest as JSON, with its `time`; None where there is none."""
    found = await sweeps.get(tx, "latest")
    return None if found is None else {**msgspec.json.decode(found.content), "time": found.time}


@transactional
async def forget(tx: Transaction) -> None:
    """Forget it."""
    if await sweeps.get(tx, "latest") is not None:
        await sweeps.delete(tx, "latest")
