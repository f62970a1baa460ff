"""Amazon CloudWatch: metrics, metric math, alarms that act.

A put adds values to what is kept of their metric's minute (`storage.py`, `distribution.py`). Queries read minutes and
make periods of them (`queries.py`), expressions compute with the series (`math/`). An alarm has one timer: when it is
due, `evaluation.py` decides, `alarm_changes.py` stores what changed, and `alarm_actions.py` tells of it.

Rules: the CloudWatch API reference and user guide ("Metrics concepts", "Statistics definitions", "Using metric math",
"Alarm evaluation", "Configuring how alarms treat missing data").
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

cloudwatch = Service(
    "cloudwatch",
    __name__,
    modules=("operations.metrics", "operations.alarms", "operations.dashboards", "operations.tags"),
    resource=("AlarmName", "Namespace", "DashboardName"),
    authorization="authorization",
    held="held",
    tagged="tagged",
)


@cloudwatch.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep alarms evaluated while the platform runs."""
    from kumoi.services.cloudwatch.lifespan import running

    async with running(parts):
        yield


@cloudwatch.on_reset
async def reset(parts: Parts, _state: State, account: str | None) -> None:
    """Drop the actions of what is being forgotten, and what was gathered for it."""
    from kumoi.services.cloudwatch.alarm_actions import AlarmActions
    from kumoi.services.cloudwatch.derived import DerivedMetrics
    from kumoi.services.cloudwatch.gauges import Gauges

    parts[Gauges].forget(account)
    parts[DerivedMetrics].forget(account)
    await parts[AlarmActions].outbox.forget(account)
