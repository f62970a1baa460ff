"""Put, Get and Delete of every configuration that a bucket has once, made from the table in `kinds.py`.

What follows a change (a lifecycle's timers) is `changed.bucket_configured`'s matter.
"""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.s3 import changed, policies, s3
from kumoi.services.s3.conforming import conform
from kumoi.services.s3.kinds import KINDS, Kind, configured_as
from kumoi.services.s3.lifecycle_rules import MINIMUM_SIZES
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.settings import configure, unconfigure
from kumoi.state import Transaction, transactional
from kumoi.wire import Wire
from kumoi.wire.errors import aws_error
from kumoi.wire.xml_shapes import malformed

_SIZE = "TransitionDefaultMinimumObjectSize"


def _register(kind: Kind) -> None:
    async def put(
        call: Call, Bucket: str, ExpectedBucketOwner: str | None = None, **members: Any
    ) -> dict[str, Any] | None:
        content = members.get(kind.member)
        if content is None:
            raise malformed()
        operation = call.part(Wire).codec("s3").operation(kind.put)
        if operation.input is not None:
            conform(operation.input.members[kind.member], content, kind.own_words)
        answer = None
        if kind.name == "Lifecycle":
            content, answer = _with_minimum_size(content, members.get(_SIZE))
        await _put(call.state, kind, Bucket, ExpectedBucketOwner, content)
        return answer

    async def get(call: Call, Bucket: str, ExpectedBucketOwner: str | None = None) -> dict[str, Any]:
        content = await _get(call.state, kind, Bucket, ExpectedBucketOwner)
        return content if kind.spread else {kind.member: content}

    async def delete(call: Call, Bucket: str, ExpectedBucketOwner: str | None = None) -> None:
        await _delete(call.state, kind, Bucket, ExpectedBucketOwner)

    s3.operation(name=kind.put)(put)
    s3.operation(name=kind.get)(get)
    if kind.delete:
        s3.operation(name=kind.delete)(delete)


for _kind in KINDS:
    _register(_kind)


def _with_minimum_size(content: dict[str, Any], size: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """(a lifecycle with the smallest size that it moves, what is answered of it)."""
    if size is not None and size not in MINIMUM_SIZES:
        raise aws_error("InvalidRequest", f"Invalid {_SIZE} found: {size}")
    told = {_SIZE: size or MINIMUM_SIZES[0]}
    return content | told, told


@transactional
async def _put(tx: Transaction, kind: Kind, name: str, expected_owner: str | None, content: Any) -> None:
    bucket = await find_bucket(tx, name, expected_owner)
    tx = home(tx, bucket)
    content = kind.check(bucket, content)
    await kind.examine(tx, bucket, content)
    await configure(tx, bucket, kind.name, content)
    await changed.bucket_configured(tx, bucket, kind.name)


@transactional
async def _get(tx: Transaction, kind: Kind, name: str, expected_owner: str | None) -> Any:
    bucket = await find_bucket(tx, name, expected_owner)
    content = await configured_as(home(tx, bucket), bucket, kind.name)
    if content is None:
        code, text = kind.missing or ("NoSuchConfiguration", "The specified configuration does not exist.")
        raise aws_error(code, text, BucketName=name)
    return content


@transactional
async def _delete(tx: Transaction, kind: Kind, name: str, expected_owner: str | None) -> None:
    bucket = await find_bucket(tx, name, expected_owner)
    tx = home(tx, bucket)
    if kind.deleted_is_missing:
        await configure(tx, bucket, kind.name, None)
    else:
        await unconfigure(tx, bucket, kind.name)
    await changed.bucket_configured(tx, bucket, kind.name)


@s3.operation
async def get_bucket_policy_status(call: Call, Bucket: str, ExpectedBucketOwner: str | None = None) -> dict[str, Any]:
    """Whether the bucket's policy lets everybody in."""
    kind = next(one for one in KINDS if one.name == "Policy")
    text = await _get(call.state, kind, Bucket, ExpectedBucketOwner)
    return {"PolicyStatus": {"IsPublic": policies.is_public(text)}}
