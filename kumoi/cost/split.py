"""Costs shared out by weights: per farm, per tenant, per team, where all of them use the same resources. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.prices import Range


def split(weights: Mapping[str, float], run: Range, month: Range) -> list[dict[str, Any]]:
    """What each has of a run and of a month, by its weight."""
    total = sum(weights.values())
    return [
        {
            "name": name,
            "share": weight / total,
            "run": run.times(weight / total)._asdict(),
            "month": month.times(weight / total)._asdict(),
        }
        for name, weight in weights.items()
    ]
