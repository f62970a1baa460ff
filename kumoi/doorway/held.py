"""What a service holds that is billed by time: stored bytes, shards, secrets, idle pollers."""

from __future__ import annotations

from typing import NamedTuple


class Held(NamedTuple):
    """So much of a `unit` at a `node` of the map; what a unit costs by the month is for the price list to say."""

    node: str
    unit: str
    amount: float
