"""Finding the bucket that a request names, and the place its rows lie in."""

from __future__ import annotations

import hashlib
import re

from kumoi.services.s3.records import Bucket, buckets
from kumoi.state import Transaction
from kumoi.wire.errors import aws_error

_ACCOUNT = re.compile(r"[0-9]{12}")


async def find_bucket(tx: Transaction, name: str, expected_owner: str | None = None) -> Bucket:
    """The bucket of that name; NoSuchBucket, or AccessDenied when it is not `expected_owner`'s."""
    bucket = await buckets.get(tx, name)
    if bucket is None:
        raise aws_error("NoSuchBucket", "The specified bucket does not exist", BucketName=name)
    if expected_owner is not None:
        if _ACCOUNT.fullmatch(expected_owner) is None:
            raise aws_error(
                "InvalidBucketOwnerAWSAccountID",
                f"The value of the expected bucket owner parameter must be an AWS Account ID... [{expected_owner}]",
            )
        if expected_owner != bucket.account:
            raise aws_error("AccessDenied", "Access Denied")
    return bucket


def home(tx: Transaction, bucket: Bucket) -> Transaction:
    """The same transaction, where the bucket's rows lie."""
    return tx.at(bucket.account, bucket.region)


def canonical_id(account: str) -> str:
    """The canonical user id of an account: 64 hexadecimal digits."""
    return hashlib.sha256(account.encode()).hexdigest()
