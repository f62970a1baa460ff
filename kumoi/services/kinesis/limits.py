"""How many shards and on-demand streams an account may have in a region. Source: "Quotas and limits"."""

from __future__ import annotations

from kumoi.services.kinesis.records import streams
from kumoi.state import Transaction
from kumoi.wire.errors import aws_error

ON_DEMAND_STREAMS = 50
_SHARDS = {"us-east-1": 20_000, "us-west-2": 20_000, "eu-west-1": 20_000}
_USUAL_SHARDS = 6_000


def shard_limit(region: str) -> int:
    """The shards of provisioned streams that a region allows."""
    return _SHARDS.get(region, _USUAL_SHARDS)


async def check_shards(tx: Transaction, added: int) -> None:
    """LimitExceededException where so many further shards are too many."""
    has = sum(len(stream.open) for stream in await streams.list(tx) if not stream.on_demand)
    limit = shard_limit(tx.region)
    if has + added > limit:
        raise aws_error(
            "LimitExceededException",
            f"This request would exceed the shard limit for the account {tx.account} in {tx.region}. "
            f"Current shard count for the account: {has}. Limit: {limit}. "
            f"Number of additional shards that would have resulted from this request: {added}. "
            "Refer to the AWS Service Limits page "
            "(http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) "
            "for current limits and how to request higher limits.",
        )


async def check_streams(tx: Transaction) -> None:
    """LimitExceededException where another on-demand stream is one too many."""
    has = sum(stream.on_demand for stream in await streams.list(tx))
    if has >= ON_DEMAND_STREAMS:
        raise aws_error(
            "LimitExceededException",
            f"This request would exceed the on-demand stream limit for the account {tx.account} in {tx.region}. "
            f"Current on-demand stream count for the account: {has}. Limit: {ON_DEMAND_STREAMS}.",
        )
