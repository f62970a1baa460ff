"""Clusters and instances, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import KEY_VALUE, Retagging, Tagged
from kumoi.services.rds.naming import cluster_arn, instance_arn
from kumoi.services.rds.records import clusters, instances
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Clusters and instances, in a place."""
    found = [Tagged(cluster_arn(tx.account, tx.region, one.name), one.tags) for one in await clusters.list(tx)]
    return found + [Tagged(instance_arn(tx.account, tx.region, one.name), one.tags) for one in await instances.list(tx)]


retag = Retagging("rds", "AddTagsToResource", "RemoveTagsFromResource", resource="ResourceName", pair=KEY_VALUE)
