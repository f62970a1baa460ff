"""The package that a request brings or points at: inline, in S3, or a local directory."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.lambda_.code import CodeStore
from kumoi.services.lambda_.configuration import invalid
from kumoi.services.lambda_.records import Code
from kumoi.wire.errors import AwsError

HOT_RELOAD_BUCKET = "hot-reload"
"""S3Bucket that means: S3Key is a directory of this machine (a convention of local clouds)."""


async def stored_code(call: Call, source: dict[str, Any]) -> Code:
    """Store the package of a `Code` or `Content` member; raises Lambda's errors for what it refuses."""
    store = call.part(CodeStore)
    if source.get("ZipFile"):
        return await store.add(source["ZipFile"])
    bucket, key = source.get("S3Bucket"), source.get("S3Key")
    if bucket is None or key is None:
        raise invalid("Please provide a source for function code.")
    if bucket == HOT_RELOAD_BUCKET:
        return await store.local(key)
    where = {"Bucket": bucket, "Key": key}
    if source.get("S3ObjectVersion"):
        where["VersionId"] = source["S3ObjectVersion"]
    try:
        body = (await call.to("s3", "GetObject", **where))["Body"]
    except AwsError as error:
        if error.code == "NotImplemented":
            raise
        raise invalid(
            f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message: {error.message}"
        ) from error
    return await store.add(body if isinstance(body, bytes) else b"".join([piece async for piece in body]))
