"""PutBucketVersioning and GetBucketVersioning."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.s3 import s3
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.records import buckets
from kumoi.services.s3.settings import settings_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error
from kumoi.wire.xml_shapes import malformed


@s3.operation
async def put_bucket_versioning(
    call: Call,
    Bucket: str,
    VersioningConfiguration: dict[str, Any] | None = None,
    ExpectedBucketOwner: str | None = None,
    ContentMD5: str | None = None,
    ChecksumAlgorithm: str | None = None,
    MFA: str | None = None,
) -> None:
    """Enable or suspend versioning; nothing that is stored moves."""
    if VersioningConfiguration is None:
        raise malformed()
    status = VersioningConfiguration.get("Status")
    if status is None:
        raise aws_error("IllegalVersioningConfigurationException", "The Versioning element must be specified")
    if status not in ("Enabled", "Suspended"):
        raise malformed()
    if VersioningConfiguration.get("MFADelete") == "Enabled":
        raise aws_error("NotImplemented", "Kumoi knows no MFA devices, so MFA delete cannot be enabled.")
    await _put(call.state, Bucket, ExpectedBucketOwner, status)


@transactional
async def _put(tx: Transaction, name: str, expected_owner: str | None, status: str) -> None:
    bucket = await find_bucket(tx, name, expected_owner)
    if bucket.lock and status != "Enabled":
        raise aws_error(
            "InvalidBucketState",
            "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
        )
    if status != "Enabled" and (await settings_of(home(tx, bucket), bucket)).get("Replication") is not None:
        raise aws_error(
            "InvalidBucketState",
            "A replication configuration is present on this bucket, so the versioning state cannot be changed.",
        )
    await buckets.put(tx, msgspec.structs.replace(bucket, versioning=status))


@s3.operation
async def get_bucket_versioning(call: Call, Bucket: str, ExpectedBucketOwner: str | None = None) -> dict[str, Any]:
    """Enabled, Suspended, or nothing where it was never set."""
    bucket = await _get(call.state, Bucket, ExpectedBucketOwner)
    return {"Status": bucket.versioning} if bucket.versioning else {}


@transactional
async def _get(tx: Transaction, name: str, expected_owner: str | None) -> Any:
    return await find_bucket(tx, name, expected_owner)
