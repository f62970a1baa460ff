"""What CloudWatch holds that is billed by time."""

from __future__ import annotations

from kumoi.doorway import Held
from kumoi.services.cloudwatch.records import alarms, metrics
from kumoi.state import Transaction, transactional


@transactional
async def held(tx: Transaction) -> list[Held]:
    """Custom metrics, by namespace, and alarms."""
    by_namespace: dict[str, int] = {}
    for metric in await metrics.list(tx):
        if not metric.namespace.startswith("AWS/"):
            by_namespace[metric.namespace] = by_namespace.get(metric.namespace, 0) + 1
    found = [Held(f"cloudwatch:{name}", "metric", count) for name, count in by_namespace.items()]
    return found + [Held(f"cloudwatch:{one.name}", "alarm", 1) for one in await alarms.list(tx)]
