"""What failing has cost: the calls that were made again, and all that they set going, at AWS's list prices. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kumoi.cost.hop_cost import calls_cost
from kumoi.experiments.verdict import repeated


def added_usd(hops: Iterable[Mapping[str, Any]]) -> float:
    """USD for what was done again among hops: by the first tier that is not free, each in its own region."""
    hops = list(hops)
    again = {hop["span"] for _, hop in repeated(hops)}
    if not again:
        return 0.0
    parents = {hop["span"]: hop["parent"] for hop in hops}
    return sum(_usd(hop) for hop in hops if _below(hop["span"], again, parents))


def _below(span: str, again: set[str], parents: Mapping[str, str]) -> bool:
    """Whether a call is one of those that were made again, or was set going by one."""
    passed: set[str] = set()
    while span in parents and span not in passed:
        if span in again:
            return True
        passed.add(span)
        span = parents[span]
    return False


def _usd(hop: Mapping[str, Any]) -> float:
    return calls_cost(
        hop["source"],
        hop["target"],
        hop["service"],
        hop["operation"],
        hop["units"],
        hop["request_bytes"],
        hop["response_bytes"],
        hop["region"],
    )
