"""Distributions, with their tags: in us-east-1, as all of CloudFront."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kumoi.doorway import Call
from kumoi.doorway.tagged import Tagged
from kumoi.services.cloudfront.naming import cloudfront_arn
from kumoi.services.cloudfront.records import distributions
from kumoi.state import Transaction, transactional

_REGION = "us-east-1"


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """The account's distributions."""
    if tx.region != _REGION:
        return []
    found = await distributions.list(tx)
    return [Tagged(cloudfront_arn(tx.account, f"distribution/{one.id}"), one.tags) for one in found]


async def retag(call: Call, arn: str, added: Mapping[str, str], removed: Sequence[str]) -> None:
    """Change the tags of a distribution on behalf of a call."""
    if added:
        items = [{"Key": name, "Value": value} for name, value in added.items()]
        await call.to("cloudfront", "TagResource", Resource=arn, Tags={"Items": items})
    if removed:
        await call.to("cloudfront", "UntagResource", Resource=arn, TagKeys={"Items": list(removed)})
