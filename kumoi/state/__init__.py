"""The transactional key space: interface, typed spaces, and the SQLite engine."""

from kumoi.state.interface import (
    Claimed,
    Conflict,
    Encoded,
    Entry,
    Key,
    State,
    Timer,
    Transaction,
    Watch,
    recalled,
    transactional,
)

__all__ = [
    "Claimed",
    "Conflict",
    "Encoded",
    "Entry",
    "Key",
    "State",
    "Timer",
    "Transaction",
    "Watch",
    "recalled",
    "transactional",
]
