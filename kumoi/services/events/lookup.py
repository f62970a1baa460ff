"""Finding buses and rules, and the errors where there are none."""

from __future__ import annotations

from kumoi.services.events.naming import not_found
from kumoi.services.events.records import (
    DEFAULT_BUS,
    Archive,
    EventBus,
    Rule,
    RuleTargets,
    archives,
    buses,
    rules,
    targets,
)
from kumoi.state import Transaction, transactional


@transactional
async def find_bus(tx: Transaction, name: str) -> EventBus:
    """The bus of that name; the default one is always there."""
    bus = await get_bus(tx, name)
    if bus is None:
        raise not_found(f"Event bus {name} does not exist.")
    return bus


@transactional
async def get_bus(tx: Transaction, name: str) -> EventBus | None:
    """The bus of that name, or None."""
    bus = await buses.get(tx, name)
    if bus is None and name == DEFAULT_BUS:
        return EventBus(name=DEFAULT_BUS, created=0.0, modified=0.0)
    return bus


@transactional
async def find_rule(tx: Transaction, bus: str, name: str) -> Rule:
    """The rule of that name on a bus."""
    rule = await rules.get(tx, bus, name)
    if rule is None:
        raise not_found(f"Rule {name} does not exist on EventBus {bus}.")
    return rule


@transactional
async def targets_of(tx: Transaction, bus: str, rule: str) -> RuleTargets:
    """A rule's targets, none where none were put."""
    return await targets.get(tx, bus, rule) or RuleTargets(bus, rule, ())


@transactional
async def find_archive(tx: Transaction, name: str) -> Archive:
    """The archive of that name."""
    archive = await archives.get(tx, name)
    if archive is None:
        raise not_found(f"Archive {name} does not exist.")
    return archive
