"""Replicas: each Lambda@Edge version that a distribution uses has a copy in every region with a POP.

Lambda keeps them (`ReplicateFunctions`); CloudFront tells it which there are to be. While a change is on its way to the
POPs, what they still serve keeps its replicas.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Doorway, Principal
from kumoi.services.cloudfront.configuration.reading import edge_functions
from kumoi.services.cloudfront.edge.pops import REGIONS
from kumoi.services.cloudfront.naming import REGION
from kumoi.services.cloudfront.records import distributions
from kumoi.state import Transaction, transactional

TOPIC = "cloudfront.replicas"


def replica(name: str) -> str:
    """The name of a function's copies."""
    return f"{REGION}.{name}"


def concern(*configs: Mapping[str, Any]) -> bool:
    """Whether any of these configurations has a function of Lambda@Edge."""
    return any(True for config in configs for _ in edge_functions(config))


async def sync(doorway: Doorway, account: str) -> None:
    """Have Lambda keep the replicas that the account's distributions need, and no others."""
    masters = await _used(doorway.state.at(account, REGION))
    caller = Principal.looking(account, "lambda", "cloudfront")
    given = {"Masters": masters, "Regions": list(REGIONS)}
    await doorway.ask("lambda", "ReplicateFunctions", given, caller, REGION)


@transactional
async def _used(tx: Transaction) -> list[str]:
    found: set[str] = set()
    for one in await distributions.list(tx):
        configs = [one.config] if one.deployed(tx.now) or one.previous is None else [one.config, one.previous]
        found |= {used["LambdaFunctionARN"] for config in configs for used in edge_functions(config)}
    return sorted(found)
