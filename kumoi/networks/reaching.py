"""Looks up what calls from subnets would meet on AWS, and says it in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kumoi.networks.network import KINDS, Network
from kumoi.networks.reachability import obstacle
from kumoi.networks.records import items
from kumoi.state import Transaction, transactional

Place = tuple[str, str]
"""A service by botocore's name, and the region that it is called in."""


@transactional
async def obstacles(tx: Transaction, subnets: Sequence[str], groups: Sequence[str], called: Iterable[Place]) -> str:
    """Which of the services that somebody in the subnets called would not have answered on AWS, and why.

    Empty where all would have. Who has several subnets is in one of them at a time.
    """
    network = Network([one for kind in KINDS for one in await items.list(tx, kind)])
    told = []
    for service, region in sorted(called):
        found = {one: obstacle(network, tx.region, one, groups, service, region) for one in subnets}
        met = {one: why for one, why in found.items() if why}
        if met:
            subnet, why = next(iter(met.items()))
            which = f"in {subnet}" if len(met) == len(found) else f"in {subnet}, one of its {len(found)} subnets,"
            told.append(f"on AWS its calls to {service} would hang {which}: {why}")
    return "; ".join(told)
