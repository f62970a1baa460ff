"""PutObject."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.s3 import changed, checksums, configured, encryption, s3
from kumoi.services.s3.bodies import blobs_of, use
from kumoi.services.s3.conditions import check_write, check_write_headers
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.records import INLINE_LIMIT, current
from kumoi.services.s3.sequences import Sequences
from kumoi.services.s3.settings import settings_of
from kumoi.services.s3.versions import latest, row_key, told_version, write
from kumoi.services.s3.writing import (
    Intake,
    content_length,
    described,
    etag_of,
    protected,
    refuse_half_a_part,
    refuse_unserved,
    take_in,
    written_at,
)
from kumoi.state import Transaction, transactional


@s3.operation
async def put_object(call: Call, Bucket: str, Key: str, Body: Any = None, **members: Any) -> dict[str, Any]:
    """Store an object: its body is read, hashed and verified, then it appears at once."""
    refuse_half_a_part(call)
    return await store_object(call, Bucket, Key, Body, members, "ObjectCreated:Put")


async def store_object(
    call: Call, name: str, key: str, body: Any, members: dict[str, Any], event: str
) -> dict[str, Any]:
    """PutObject, or a form upload; `event` is what notifications call it."""
    refuse_unserved(members)
    check_write_headers(members.get("IfMatch"), members.get("IfNoneMatch"))
    row = row_key(key)
    fields = described(members)
    size = content_length(call, body, members, form=event == "ObjectCreated:Post")
    if size is None or size > INLINE_LIMIT:
        await _check(call.state, call, name, key, row, members)
    intake = await take_in(call, body, members)
    fields |= {"key": key, "size": intake.size, "blob": intake.blob, "checksum": intake.checksum}
    try:
        return await _put(call.state, call, name, row, fields, intake, members, event)
    except Exception:  # one that is cancelled may yet commit: the keeper finds what it leaves
        if intake.blob:
            await blobs_of(call.doorway).delete(intake.blob)
        raise


@transactional
async def _check(tx: Transaction, call: Call, name: str, key: str, row: bytes, members: dict[str, Any]) -> None:
    """Refuse what would be refused anyway, before a large body is read."""
    bucket = await find_bucket(tx, name, members.get("ExpectedBucketOwner"))
    tx = home(tx, bucket)
    check_write(key, await latest(tx, bucket, row), members.get("IfMatch"), members.get("IfNoneMatch"))
    await protected(tx, bucket, await settings_of(tx, bucket), members, call.caller.account)


@transactional
async def _put(
    tx: Transaction,
    call: Call,
    name: str,
    key: bytes,
    fields: dict[str, Any],
    intake: Intake,
    members: dict[str, Any],
    event: str,
) -> dict[str, Any]:
    bucket = await find_bucket(tx, name, members.get("ExpectedBucketOwner"))
    tx = home(tx, bucket)
    old, kinds = await current.get(tx, bucket.id, key), await settings_of(tx, bucket)
    check_write(fields["key"], old, members.get("IfMatch"), members.get("IfNoneMatch"))
    safety = await protected(tx, bucket, kinds, members, call.caller.account)
    etag, modified = etag_of(safety["encryption"], intake.md5), written_at(tx.now)
    fields = {**fields, **safety, "etag": etag, "modified": modified}
    version = await write(tx, call.part(Sequences), bucket, key, old, fields, intake.inline)
    if intake.blob:
        await use(tx, intake.blob)
    answer = {"ETag": f'"{etag}"', **encryption.told(version.encryption), **checksums.told(version.checksum)}
    if bucket.versioning == "Enabled":
        answer["VersionId"] = told_version(bucket, version)
    if kinds:  # else nothing follows a write, and nothing expires
        await changed.object_created(tx, call, bucket, version, event)
        expiration = await configured.expiration(tx, bucket, version)
        if expiration is not None:
            answer["Expiration"] = expiration
    return answer
