"""Service models of our own, for services that botocore no longer ships.

A declaration is a text file in a short notation (its head explains it); read, it is a model as botocore's data files
have it. So the wire compiles it like any other, and botocore itself can load it once it was written to a folder of
its search path (`kumoi sdk install`).
"""

from __future__ import annotations

from pathlib import Path

from kumoi.wire.declarations.reader import Declaration, read

__all__ = ["Declaration", "declaration", "declared"]

_FOLDER = Path(__file__).parent


def declared() -> list[str]:
    """The services that have a declaration."""
    return sorted(path.stem for path in _FOLDER.glob("*.txt"))


def declaration(service: str) -> Declaration | None:
    """The declaration of a service by botocore's name, or None."""
    path = _FOLDER / f"{service}.txt"
    return read(path.read_text()) if service in declared() else None
