"""Amazon EventBridge: buses, rules with patterns or schedules, targets, archives, API destinations.

PutEvents checks its entries (`entries.py`), finds the rules that match in an index kept in memory (`rule_index.py`)
and stores one delivery for each target (`router.py`) before it answers. `hand_over.py` renders a target's input
(`target_input.py`) and hands it over; what fails is tried again or goes to the dead-letter queue. Scheduled rules fire
on the platform's clock (`rule_schedules.py`). Archived events lie in the lake (`archive_log.py`, `replayer.py`).

Rules: the EventBridge API reference and user guide ("Event patterns", "Transforming target input", "Retrying event
delivery", "Archive and replay", "API destinations").
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec

from kumoi.doorway import Parts, Service
from kumoi.state import State

events = Service(
    "events",
    __name__,
    modules=(
        "operations.archives",
        "operations.buses",
        "operations.connections",
        "operations.destinations",
        "operations.events",
        "operations.permissions",
        "operations.replays",
        "operations.rules",
        "operations.tags",
        "operations.targets",
    ),
    resource=("EventBusName", "Rule", "ArchiveName", "ReplayName", "Name", "ResourceARN"),
    authorization="authorization",
    tagged="tagged",
)


@events.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep deliveries, schedules and replays going while the platform runs."""
    if not _ready():
        yield
        return
    from kumoi.services.events.lifespan import running

    async with running(parts):
        yield


@events.on_reset
async def reset(parts: Parts, _state: State, account: str | None) -> None:
    """Drop the deliveries and the rules in memory of what is being forgotten."""
    if not _ready():
        return
    from kumoi.services.events.lifespan import forget

    await forget(parts, account)


def _ready() -> bool:
    """Whether event patterns are there; rules cannot do without."""
    return "kumoi.event_pattern" in sys.modules or find_spec("kumoi.event_pattern") is not None
