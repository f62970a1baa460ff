"""Amazon EventBridge Scheduler: schedules in groups, each with one target.

A schedule's next occurrence is one timer (`firing.py`, by the rules in `occurrences.py`); when it is due, a delivery is
stored and the following occurrence set in one transaction. `invocation.py` makes the target's call: a templated one by
the target's ARN, or any operation of the platform (`universal.py`).

Rules: the EventBridge Scheduler API reference and user guide ("Schedule types", "Managing targets", "Configuring a
dead-letter queue").
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

scheduler = Service(
    "scheduler",
    __name__,
    modules=("operations.groups", "operations.schedules", "operations.tags"),
    resource=("Name", "ResourceArn", "GroupName"),
    authorization="authorization",
    tagged="tagged",
)


@scheduler.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep schedules firing while the platform runs."""
    from kumoi.services.scheduler.lifespan import running

    async with running(parts):
        yield


@scheduler.on_reset
async def reset(parts: Parts, _state: State, account: str | None) -> None:
    """Drop the invocations of what is being forgotten."""
    from kumoi.services.scheduler.firing import Firing

    await parts[Firing].outbox.forget(account)
