"""Who may do what where no operation of the API is called, and what is not told to those who may not list a bucket.

Where signatures count (`--auth verify` and `enforce`), who visits a website or posts an unsigned form is nobody in
particular. Rules: "Setting permissions for website access" and GetObject's permissions in the S3 documentation.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Ask, Call, Principal
from kumoi.names import arn
from kumoi.services.s3 import s3
from kumoi.wire.errors import AwsError, aws_error


def visitor(call: Call) -> Principal:
    """Whoever sends what is not signed."""
    return Principal.anonymous(call.account) if call.doorway.identity.verifies else call.caller


async def check(call: Call, operation: str, **params: Any) -> None:
    """Raise AccessDenied where the caller may not do what an operation of the API does."""
    await call.doorway.identity.authorise(replace(call, operation=operation, params=params), s3)


async def refused_keys(call: Call, bucket: str, wanted: list[dict[str, Any]], *, bypass: bool) -> set[str]:
    """The keys among those of DeleteObjects that the caller may not delete, or not with a `bypass` of their lock."""
    refused: set[str] = set()
    if call.doorway.identity.mode == "off":
        return refused
    for one in wanted:
        params = {"Bucket": bucket, "Key": one["Key"], "BypassGovernanceRetention": bypass}
        if one.get("VersionId"):
            params["VersionId"] = one["VersionId"]
        single = replace(call, operation="DeleteObject", params=params)
        try:
            await call.doorway.identity.authorise(single, s3)
        except AwsError as error:
            if error.code != "AccessDenied":
                raise
            refused.add(one["Key"])
        call.denied = single.denied or call.denied
    return refused


async def told_missing(call: Call, error: AwsError, bucket: str) -> AwsError:
    """What is told of a key that is missing: to those who may not list the bucket, that they have no access."""
    identity, caller = call.doorway.identity, call.caller
    asked = identity.enforces or caller.is_anonymous
    if error.code != "NoSuchKey" or not asked or caller.is_service:
        return error
    listing = replace(call, operation="ListObjectsV2", params={"Bucket": bucket})
    verdict = await identity.authoriser.verdict(
        listing, Ask("s3:ListBucket", arn("s3", "", "", bucket)), s3.authorization
    )
    return error if verdict.decision.allowed else aws_error("AccessDenied", "Access Denied", status=403)
