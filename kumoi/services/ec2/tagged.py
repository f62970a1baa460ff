"""What networks are made of, with its tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kumoi.doorway import Call
from kumoi.doorway.tagged import Tagged
from kumoi.names import Arn, arn
from kumoi.networks.records import items
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """VPCs and all that belongs to them, in a place."""
    return [Tagged(arn("ec2", tx.region, tx.account, f"{one.kind}/{one.id}"), one.tags) for one in await items.list(tx)]


async def retag(call: Call, name: str, added: Mapping[str, str], removed: Sequence[str]) -> None:
    """Change the tags of one of them on behalf of a call."""
    resources = [Arn.parse(name).resource.partition("/")[2]]
    if added:
        tags = [{"Key": key, "Value": value} for key, value in added.items()]
        await call.to("ec2", "CreateTags", Resources=resources, Tags=tags)
    if removed:
        await call.to("ec2", "DeleteTags", Resources=resources, Tags=[{"Key": key} for key in removed])
