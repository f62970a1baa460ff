"""What an application's data amount to, where nobody has said what must hold: how many items and messages, which sums.

Two runs of the same requests must amount to the same; what does not even without a fault (times, say) is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

from kumoi.experiments.application import Application

Fingerprint = Mapping[str, float]


def fingerprint(application: Application) -> Fingerprint:
    """Items of each table and sums of their numbers, messages of each queue."""
    found: dict[str, float] = {}
    for table in application.tables():
        found[f"table {table}"] = 0.0
        for item in application.items(table):
            found[f"table {table}"] += 1
            for name, value in item.items():
                if isinstance(value, Decimal):
                    key = f"sum {table}.{name}"
                    found[key] = found.get(key, 0.0) + float(value)
    for queue in application.queues():
        found[f"queue {queue}"] = application.waiting(queue)
    return found


def stable(first: Fingerprint, second: Fingerprint) -> frozenset[str]:
    """What was the same twice."""
    return frozenset(name for name in first if first[name] == second.get(name))


def differ(
    baseline: Fingerprint, seen: Fingerprint, steady: frozenset[str], failed: int, requests: int
) -> tuple[int, int]:
    """How many things are missing and how many are there too often, at least; what failed may be there, or not."""
    lost = surplus = 0
    for name in steady:
        usual, now = baseline[name], seen.get(name, 0.0)
        each = usual / requests if requests else usual
        if not usual and name.startswith("queue"):
            continue  # dead letters are counted elsewhere
        least, most = sorted((usual, usual - each * failed))
        if now < least - 1e-9:
            lost = max(lost, math.ceil((least - now) / abs(each or 1.0)))
        elif now > most + 1e-9:
            surplus = max(surplus, math.ceil((now - most) / abs(each or 1.0)))
    return lost, surplus
