"""Buckets, with their tags. They are replaced as a whole: to change some is to read them before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kumoi.doorway import Call
from kumoi.doorway.tagged import Tagged
from kumoi.names import Arn
from kumoi.services.s3.records import buckets, owned
from kumoi.services.s3.tags import tag_set
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """The account's buckets in a region."""
    found = [await buckets.get(tx, one.name) for one in await owned.list(tx)]
    return [Tagged(one.arn, one.tags) for one in found if one is not None and one.region == tx.region]


async def retag(call: Call, arn: str, added: Mapping[str, str], removed: Sequence[str]) -> None:
    """Change the tags of a bucket on behalf of a call."""
    bucket = Arn.parse(arn).resource
    try:
        known = (await call.to("s3", "GetBucketTagging", Bucket=bucket))["TagSet"]
    except AwsError as error:
        if error.code != "NoSuchTagSet":
            raise
        known = []
    tags = {**{one["Key"]: one["Value"] for one in known}, **added}
    left = {name: value for name, value in tags.items() if name not in removed}
    if left:
        await call.to("s3", "PutBucketTagging", Bucket=bucket, Tagging={"TagSet": tag_set(left)})
    elif known:
        await call.to("s3", "DeleteBucketTagging", Bucket=bucket)
