"""How many requests a usage plan leaves a key: counted a day, summed over the plan's period.

Source: "Usage plans and API keys for REST APIs" (quotas by day, week or month, with an offset).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from kumoi.services.apigateway.records import Usage, UsagePlan, usages
from kumoi.state import Transaction, transactional


def day_of(now: float) -> str:
    """The day of a time, in UTC."""
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def period_start(quota: dict[str, Any], today: str) -> str:
    """The first day of the period that a day lies in: weeks begin on Sundays, months on the first, plus the offset."""
    day, offset = date.fromisoformat(today), quota.get("offset", 0)
    if quota["period"] == "DAY":
        return today
    if quota["period"] == "WEEK":
        since = (day.isoweekday() - offset) % 7
        return (day - timedelta(days=since)).isoformat()
    start = day.replace(day=1 + offset)
    if start > day:
        start = (start.replace(day=1) - timedelta(days=1)).replace(day=1 + offset)
    return start.isoformat()


async def left_today(tx: Transaction, plan: UsagePlan, key: str, today: str) -> int:
    """How many requests the period still allows before any of today's are counted."""
    quota = plan.properties["quota"]
    start = period_start(quota, today)
    before = [one for one in await usages.list(tx, plan.id, key) if start <= one.day < today]
    return before[-1].remaining if before else int(quota["limit"])


@transactional
async def count(tx: Transaction, plan: UsagePlan, key: str, today: str) -> bool:
    """Count a request of a key; False, and not counted, when the plan leaves none."""
    quota = plan.properties.get("quota")
    held = await usages.get(tx, plan.id, key, today)
    if held is None:
        left = await left_today(tx, plan, key, today) if quota else 0
        held = Usage(plan.id, key, today, 0, left)
    if quota and held.remaining <= 0:
        return False
    await usages.put(tx, Usage(plan.id, key, today, held.used + 1, held.remaining - 1 if quota else 0))
    return True
