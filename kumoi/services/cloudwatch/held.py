"""What CloudWatch holds that is billed by time."""

from __future__ import annotations

from collections import Counter

from kumoi.doorway import Held
from kumoi.services.cloudwatch.records import alarms
from kumoi.services.cloudwatch.storage import all_metrics
from kumoi.state import State, Transaction, transactional


async def held(state: State) -> list[Held]:
    """Custom metrics, by namespace, and alarms."""
    namespaces = Counter([one.namespace async for one in all_metrics(state) if not one.namespace.startswith("AWS/")])
    return [Held(f"cloudwatch:{name}", "metric", count) for name, count in namespaces.items()] + await _alarms(state)


@transactional
async def _alarms(tx: Transaction) -> list[Held]:
    return [Held(f"cloudwatch:{one.name}", "alarm", 1) for one in await alarms.list(tx)]
