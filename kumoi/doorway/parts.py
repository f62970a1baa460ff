"""The platform's parts by their type: how a service finds what runs without anything being global."""

from __future__ import annotations

from typing import Any, TypeVar

PartT = TypeVar("PartT")


class Parts:
    """A typed container: one part per type, added by whoever builds it."""

    def __init__(self) -> None:
        self._parts: dict[type[Any], Any] = {}

    def add(self, kind: type[PartT], part: PartT) -> PartT:
        """Add the part of type `kind`; `ValueError` when there is one already."""
        if kind in self._parts:
            raise ValueError(f"the platform already has a {kind.__name__}")
        self._parts[kind] = part
        return part

    def __getitem__(self, kind: type[PartT]) -> PartT:
        """The part of type `kind`; `LookupError` with a helpful text when the platform has none."""
        try:
            part: PartT = self._parts[kind]
        except KeyError:
            raise LookupError(f"the platform has no {kind.__name__}: is its service's lifespan running?") from None
        return part

    def __contains__(self, kind: type[Any]) -> bool:
        return kind in self._parts
