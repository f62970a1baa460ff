"""The enabled rules and archives of each bus, in memory, arranged so that an event meets few of them.

A pattern that demands exact texts of a field is anchored at one such field, at the one whose texts the fewest other
patterns share; an event then meets the rules anchored at its own values, and those that have no anchor. The index of a
bus is read from state when first needed, and again when the bus's version in state is another.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from kumoi.event_pattern import Pattern, compile_pattern
from kumoi.event_pattern.matching import elements
from kumoi.services.events.lookup import get_bus
from kumoi.services.events.records import Archive, EventBus, Rule, archives, rules, targets
from kumoi.state import State, Transaction, transactional

Path = tuple[str, ...]

VERSION = "events.bus_version"
"""Name of the row that changes with a bus: key (VERSION, bus)."""


class ListeningRule(NamedTuple):
    """A rule with its compiled pattern and its targets."""

    rule: Rule
    pattern: Pattern
    targets: tuple[dict[str, Any], ...]


class ListeningArchive(NamedTuple):
    """An archive with its compiled pattern, None when it takes everything."""

    archive: Archive
    pattern: Pattern | None

    def takes(self, event: Mapping[str, Any]) -> bool:
        """Whether the archive keeps the event."""
        return self.pattern is None or self.pattern.matches(event)


class BusIndex:
    """The rules and archives of one bus; `bus` is None where there is no such bus."""

    def __init__(self, bus: EventBus | None, listening: list[ListeningRule], kept: list[ListeningArchive]) -> None:
        self.bus = bus
        self.archives = kept
        self._anchored: dict[Path, dict[str, list[int]]] = {}
        self._unanchored: list[int] = []
        self._rules = listening
        exact = [exact_fields(orjson.loads(one.rule.pattern or "{}")) for one in listening]
        shared = Counter((path, text) for fields in exact for path, texts in fields.items() for text in texts)
        for number, fields in enumerate(exact):
            if not fields:
                self._unanchored.append(number)
                continue
            path = min(fields, key=lambda one, fields=fields: sum(shared[one, text] for text in fields[one]))  # type: ignore[misc]
            for text in fields[path]:
                self._anchored.setdefault(path, defaultdict(list))[text].append(number)

    def matching(self, event: Mapping[str, Any]) -> list[ListeningRule]:
        """The rules whose patterns the event matches, in the order of their names."""
        met = set(self._unanchored)
        for path, texts in self._anchored.items():
            for value in values_at(event, path):
                if isinstance(value, str):
                    met.update(texts.get(value, ()))
        return [self._rules[number] for number in sorted(met) if self._rules[number].pattern.matches(event)]


class RuleIndexes:
    """The indexes of all buses in use, each with the version of the bus it was read at."""

    def __init__(self) -> None:
        self._indexes: dict[tuple[str, str, str], tuple[bytes, BusIndex]] = {}

    async def of(self, state: State, bus: str) -> BusIndex | None:
        """The index of a bus of the state's place; None when there is no such bus."""
        key = (state.account, state.region, bus)
        known = self._indexes.get(key)
        read = await _read(state, bus, None if known is None else known[0])
        if read is not None:
            known = self._indexes[key] = read
        return None if known is None or known[1].bus is None else known[1]

    def forget(self, account: str | None) -> None:
        """Give up the memory of an account's buses, or of all."""
        for key in list(self._indexes):
            if account in (None, key[0]):
                del self._indexes[key]


async def changed(tx: Transaction, bus: str) -> None:
    """Note in the transaction that changes a bus, its rules, targets or archives that it is another now."""
    await tx.put((VERSION, bus), os.urandom(8))


@transactional
async def _read(tx: Transaction, bus: str, known: bytes | None) -> tuple[bytes, BusIndex] | None:
    """The version and the index of a bus; None when the version is the one known."""
    version = await tx.get((VERSION, bus)) or b"unchanged"
    if version == known:
        return None
    found = await get_bus(tx, bus)
    listening = []
    targets_by_rule = {one.rule: one.targets for one in await targets.list(tx, bus)}
    for rule in await rules.list(tx, bus):
        if rule.enabled and rule.pattern is not None and rule.name in targets_by_rule:
            listening.append(ListeningRule(rule, compile_pattern(rule.pattern), targets_by_rule[rule.name]))
    kept = [
        ListeningArchive(archive, None if archive.pattern is None else compile_pattern(archive.pattern))
        for archive in await archives.list(tx)
        if archive.bus == bus
    ]
    return version, BusIndex(found, listening, kept)


def exact_fields(pattern: Mapping[str, Any], prefix: Path = ()) -> dict[Path, list[str]]:
    """The fields of which a pattern demands one of some exact texts: path to those texts."""
    found: dict[Path, list[str]] = {}
    for key, value in pattern.items():
        path = (*prefix, *key.split("."))
        if isinstance(value, dict):
            found.update(exact_fields(value, path))
        elif key != "$or" and all(isinstance(one, str) for one in value):
            found[path] = value
    return found


def values_at(value: Any, path: Path) -> Iterator[Any]:
    """The values that a path may mean in an event: arrays are looked through, keys may hold dots."""
    if isinstance(value, list):
        for one in elements(value):
            yield from values_at(one, path)
    elif not path:
        yield value
    elif isinstance(value, dict):
        for length in range(1, len(path) + 1):
            below = value.get(path[0] if length == 1 else ".".join(path[:length]))
            if below is not None:
                yield from values_at(below, path[length:])
