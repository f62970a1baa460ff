"""CreateBucket, HeadBucket, ListBuckets, DeleteBucket, GetBucketLocation."""

from __future__ import annotations

import os
from typing import Any

from kumoi.doorway import Call
from kumoi.services.s3 import changed, s3
from kumoi.services.s3.bodies import remove_later
from kumoi.services.s3.lookup import canonical_id, find_bucket, home
from kumoi.services.s3.naming import HOME, check_bucket_name, is_region, region_for
from kumoi.services.s3.records import Bucket, OwnedBucket, buckets, current, marks, others, owned, uploads
from kumoi.services.s3.tags import bucket_tags
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_BUCKETS = 10_000


@s3.operation
async def create_bucket(
    call: Call,
    Bucket: str,
    ACL: str | None = None,
    CreateBucketConfiguration: dict[str, Any] | None = None,
    GrantFullControl: str | None = None,
    GrantRead: str | None = None,
    GrantReadACP: str | None = None,
    GrantWrite: str | None = None,
    GrantWriteACP: str | None = None,
    ObjectLockEnabledForBucket: bool = False,
    ObjectOwnership: str | None = None,
) -> dict[str, Any]:
    """Make a bucket in the region of the endpoint, or the one the configuration names."""
    check_bucket_name(Bucket)
    configuration = CreateBucketConfiguration or {}
    if "Location" in configuration or "Bucket" in configuration:
        raise aws_error("NotImplemented", "Kumoi does not serve directory buckets; docs/s3.md lists what it does.")
    constraint = configuration.get("LocationConstraint")
    region = region_for(constraint, call.region)
    settings = {
        "ACL": ACL,
        "GrantFullControl": GrantFullControl,
        "GrantRead": GrantRead,
        "GrantReadACP": GrantReadACP,
        "GrantWrite": GrantWrite,
        "GrantWriteACP": GrantWriteACP,
        "ObjectOwnership": ObjectOwnership,
    }
    given = {name: value for name, value in settings.items() if value is not None}
    tags = bucket_tags(configuration.get("Tags") or [], creating=True)
    bucket = await _create(call.state, call, Bucket, region, constraint or "", ObjectLockEnabledForBucket, tags, given)
    host = call.http.host if call.http is not None else ""
    location = f"/{Bucket}" if bucket.region == HOME else f"http://{Bucket}.{host or 's3.amazonaws.com'}/"
    return {"Location": location, "BucketArn": bucket.arn}


@transactional
async def _create(
    tx: Transaction,
    call: Call,
    name: str,
    region: str,
    constraint: str,
    lock: bool,
    tags: dict[str, str],
    settings: dict[str, Any],
) -> Bucket:
    existing = await buckets.get(tx, name)
    if existing is not None:
        if existing.account != call.account:
            raise aws_error(
                "BucketAlreadyExists",
                "The requested bucket name is not available. The bucket namespace is shared by all users of the"
                " system. Please select a different name and try again.",
                BucketName=name,
            )
        if call.region == HOME == region == existing.region and not tags:
            return existing
        raise aws_error(
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
            BucketName=name,
        )
    bucket = Bucket(
        name=name,
        id=await tx.at("", "").add(("s3.buckets",)),
        account=call.account,
        region=region,
        created=tx.now,
        secret=os.urandom(16),
        constraint=constraint,
        versioning="Enabled" if lock else "",
        lock=lock,
        tags=tags,
    )
    await buckets.put(tx, bucket)
    await owned.put(tx.at(call.account, ""), OwnedBucket(name))
    await changed.bucket_created(home(tx, bucket), call, bucket, settings)
    return bucket


@s3.operation
async def head_bucket(call: Call, Bucket: str, ExpectedBucketOwner: str | None = None) -> dict[str, Any]:
    """Whether there is a bucket, and in which region."""
    bucket = await _find(call.state, Bucket, ExpectedBucketOwner)
    return {"BucketRegion": bucket.region, "BucketArn": bucket.arn, "AccessPointAlias": False}


@s3.operation
async def get_bucket_location(call: Call, Bucket: str, ExpectedBucketOwner: str | None = None) -> dict[str, Any]:
    """A bucket's region; nothing for us-east-1, and `EU` for a bucket that was made with it."""
    bucket = await _find(call.state, Bucket, ExpectedBucketOwner)
    region = "EU" if bucket.constraint == "EU" else bucket.region
    return {"LocationConstraint": "" if region == HOME else region}


@transactional
async def _find(tx: Transaction, name: str, expected_owner: str | None) -> Bucket:
    return await find_bucket(tx, name, expected_owner)


@s3.operation
async def list_buckets(
    call: Call,
    MaxBuckets: int | None = None,
    ContinuationToken: str | None = None,
    Prefix: str | None = None,
    BucketRegion: str | None = None,
) -> dict[str, Any]:
    """The caller's buckets by name."""
    if BucketRegion is not None and not is_region(BucketRegion):
        raise aws_error(
            "InvalidArgument",
            f"Argument value {BucketRegion} is not a valid AWS Region",
            ArgumentName="bucket-region",
            ArgumentValue=BucketRegion,
        )
    if MaxBuckets is not None and not 1 <= MaxBuckets <= MAX_BUCKETS:
        raise aws_error(
            "InvalidArgument",
            f"Argument max-buckets must be an integer between 1 and {MAX_BUCKETS}.",
            ArgumentName="max-buckets",
            ArgumentValue=MaxBuckets,
        )
    most = MaxBuckets or MAX_BUCKETS
    found = await _owned(call.state, ContinuationToken or "", Prefix or "", BucketRegion, most + 1)
    answer: dict[str, Any] = {"Owner": {"ID": canonical_id(call.account)}}
    if len(found) > most:
        answer["ContinuationToken"] = found[most - 1].name
    if Prefix is not None:
        answer["Prefix"] = Prefix
    told = MaxBuckets is not None or ContinuationToken is not None or Prefix is not None or BucketRegion is not None
    answer["Buckets"] = [
        {"Name": bucket.name, "CreationDate": bucket.created}
        | ({"BucketRegion": bucket.region, "BucketArn": bucket.arn} if told else {})
        for bucket in found[:most]
    ]
    return answer


@transactional
async def _owned(tx: Transaction, after: str, prefix: str, region: str | None, most: int) -> list[Bucket]:
    found: list[Bucket] = []
    for one in await owned.list(tx, after=(after,) if after else None):
        bucket = await buckets.get(tx, one.name) if one.name.startswith(prefix) else None
        if bucket is not None and region in (None, bucket.region):
            found.append(bucket)
            if len(found) == most:
                break
    return found


@s3.operation
async def delete_bucket(call: Call, Bucket: str, ExpectedBucketOwner: str | None = None) -> None:
    """Remove an empty bucket, and what it was configured with."""
    await _delete(call.state, Bucket, ExpectedBucketOwner)


@transactional
async def _delete(tx: Transaction, name: str, expected_owner: str | None) -> None:
    bucket = await find_bucket(tx, name, expected_owner)
    tx = home(tx, bucket)
    if await current.list(tx, bucket.id, limit=1) or await others.list(tx, bucket.id, limit=1):
        text = "The bucket you tried to delete is not empty"
        if bucket.versioning:
            text += ". You must delete all versions in the bucket."
        raise aws_error("BucketNotEmpty", text, BucketName=name)
    for upload in await uploads.list(tx, bucket.id):
        await remove_later(tx, upload.id, "parts")
    await uploads.delete_all(tx, bucket.id)
    await marks.delete_all(tx, bucket.id)
    await changed.bucket_deleted(tx, bucket)
    await owned.delete(tx, name)
    await buckets.delete(tx, name)
