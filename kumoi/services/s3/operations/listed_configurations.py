"""Configurations of which a bucket has many, by id: inventory, analytics, metrics, intelligent tiering.

They are kept and told; nothing acts on them (docs/s3.md says so). Rules: the S3 API reference, and recorded errors.
"""

from __future__ import annotations

import re
from typing import Any

from kumoi.doorway import Call
from kumoi.services.s3 import s3
from kumoi.services.s3.conforming import conform
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.settings import NamedConfiguration, named
from kumoi.state import Transaction, transactional
from kumoi.wire import Wire
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.xml_shapes import malformed

PAGE = 100
MOST = 1000

_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_BUCKET_ARN = re.compile(r"arn:aws[a-z-]*:s3:::[a-z0-9.-]{3,63}")


LISTED = ("Analytics", "IntelligentTiering", "Inventory", "Metrics")


def _register(kind: str) -> None:
    member = f"{kind}Configuration"

    async def put(call: Call, Bucket: str, Id: str, ExpectedBucketOwner: str | None = None, **members: Any) -> None:
        content = members.get(member)
        if content is None:
            raise malformed()
        operation = call.part(Wire).codec("s3").operation(f"PutBucket{member}")
        if operation.input is not None:
            conform(operation.input.members[member], content)
        _check(kind, Id, content)
        await _put(call.state, kind, Bucket, ExpectedBucketOwner, content)

    async def get(call: Call, Bucket: str, Id: str, ExpectedBucketOwner: str | None = None) -> dict[str, Any]:
        return {member: await _get(call.state, kind, Bucket, Id, ExpectedBucketOwner)}

    async def delete(call: Call, Bucket: str, Id: str, ExpectedBucketOwner: str | None = None) -> None:
        await _delete(call.state, kind, Bucket, Id, ExpectedBucketOwner)

    async def list_all(
        call: Call, Bucket: str, ContinuationToken: str | None = None, ExpectedBucketOwner: str | None = None
    ) -> dict[str, Any]:
        found = await _list(call.state, kind, Bucket, ContinuationToken, ExpectedBucketOwner)
        answer: dict[str, Any] = {
            f"{member}List": [one.content for one in found[:PAGE]],
            "IsTruncated": len(found) > PAGE,
        }
        if ContinuationToken is not None:
            answer["ContinuationToken"] = ContinuationToken
        if len(found) > PAGE:
            answer["NextContinuationToken"] = found[PAGE - 1].id
        return answer

    s3.operation(name=f"PutBucket{member}")(put)
    s3.operation(name=f"GetBucket{member}")(get)
    s3.operation(name=f"DeleteBucket{member}")(delete)
    s3.operation(name=f"ListBucket{member}s")(list_all)


for _kind in LISTED:
    _register(_kind)


def _check(kind: str, configuration_id: str, content: dict[str, Any]) -> None:
    if content["Id"] != configuration_id:
        raise aws_error("IdMismatch", "Document ID does not match the specified configuration ID.")
    if _ID.fullmatch(configuration_id) is None:
        raise aws_error("InvalidConfigurationId", "The specified configuration ID is invalid.")
    if kind == "Inventory":
        arn = content["Destination"]["S3BucketDestination"]["Bucket"]
        if _BUCKET_ARN.fullmatch(arn) is None:
            raise aws_error("InvalidS3DestinationBucket", "Invalid bucket ARN.")


def _no_such_configuration() -> AwsError:
    return aws_error("NoSuchConfiguration", "The specified configuration does not exist.")


@transactional
async def _put(tx: Transaction, kind: str, name: str, expected_owner: str | None, content: dict[str, Any]) -> None:
    bucket = await find_bucket(tx, name, expected_owner)
    tx = home(tx, bucket)
    known = await named.get(tx, bucket.id, kind, content["Id"])
    if known is None and len(await named.list(tx, bucket.id, kind, limit=MOST)) == MOST:
        raise aws_error(
            "TooManyConfigurations",
            "You are attempting to create a new configuration but have already reached the 1,000-configuration limit.",
        )
    await named.put(tx, NamedConfiguration(bucket=bucket.id, kind=kind, id=content["Id"], content=content))


@transactional
async def _get(
    tx: Transaction, kind: str, name: str, configuration_id: str, expected_owner: str | None
) -> dict[str, Any]:
    bucket = await find_bucket(tx, name, expected_owner)
    found = await named.get(home(tx, bucket), bucket.id, kind, configuration_id)
    if found is None:
        raise _no_such_configuration()
    return found.content


@transactional
async def _delete(tx: Transaction, kind: str, name: str, configuration_id: str, expected_owner: str | None) -> None:
    bucket = await find_bucket(tx, name, expected_owner)
    if not await named.delete(home(tx, bucket), bucket.id, kind, configuration_id):
        raise _no_such_configuration()


@transactional
async def _list(
    tx: Transaction, kind: str, name: str, token: str | None, expected_owner: str | None
) -> list[NamedConfiguration]:
    bucket = await find_bucket(tx, name, expected_owner)
    after = (bucket.id, kind, token) if token else None
    return await named.list(home(tx, bucket), bucket.id, kind, after=after, limit=PAGE + 1)
