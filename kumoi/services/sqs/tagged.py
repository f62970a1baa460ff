"""Queues, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import Retagging, Tagged
from kumoi.names import Arn, arn
from kumoi.services.sqs.records import queues
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Queues, in a place."""
    return [Tagged(arn("sqs", one.region, one.account, one.name), one.tags) for one in await queues.list(tx)]


def _url(resource: str) -> dict[str, str]:
    queue = Arn.parse(resource)
    return {"QueueUrl": f"https://sqs.{queue.region}.amazonaws.com/{queue.account}/{queue.resource}"}


retag = Retagging("sqs", "TagQueue", "UntagQueue", named=_url)
