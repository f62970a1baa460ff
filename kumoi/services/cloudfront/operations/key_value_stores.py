"""Key value stores: create, describe, list, update, delete. What they hold is the data API's (`key_values.py`)."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.names import Arn, uuid
from kumoi.services.cloudfront import cloudfront
from kumoi.services.cloudfront.configuration.reading import items
from kumoi.services.cloudfront.edge.fetch import gathered
from kumoi.services.cloudfront.errors import check_version, invalid
from kumoi.services.cloudfront.functions.key_values import KeyValues, arn_of
from kumoi.services.cloudfront.key_value_rules import MAX_SIZE, check_pair
from kumoi.services.cloudfront.naming import location, new_id
from kumoi.services.cloudfront.operations.tags import check_untagged
from kumoi.services.cloudfront.pages import page
from kumoi.services.cloudfront.records import KeyValue, KeyValueStore, functions, key_value_stores, key_values
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

_NAME = re.compile(r"[A-Za-z0-9-_]{1,64}")


@cloudfront.operation
async def create_key_value_store(
    call: Call,
    Name: str,
    Comment: str = "",
    ImportSource: dict[str, str] | None = None,
    Tags: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Create a store, with the pairs of a JSON file in S3 where one is named. It is READY by the next request."""
    if not _NAME.fullmatch(Name):
        raise invalid("The parameter Name must have from 1 to 64 characters: letters, digits, hyphens, underscores.")
    check_untagged("key value stores", Tags)
    pairs = await _imported(call, ImportSource) if ImportSource else {}
    fresh = KeyValueStore(
        name=Name,
        id=uuid(),
        etag=new_id("ETVP"),
        version=new_id("KV"),
        comment=Comment,
        created=call.now,
        modified=call.now,
        count=len(pairs),
        size=sum(len(key.encode()) + len(value.encode()) for key, value in pairs.items()),
    )
    await _create(call.state, fresh, pairs)
    return {
        "KeyValueStore": {**_told(call, fresh), "Status": "PROVISIONING"},
        "Location": location(f"key-value-store/{Name}"),
        "ETag": fresh.etag,
    }


@cloudfront.operation
async def describe_key_value_store(call: Call, Name: str) -> dict[str, Any]:
    """A store."""
    found = await _find(call.state, Name)
    return {"KeyValueStore": _told(call, found), "ETag": found.etag}


@cloudfront.operation
async def list_key_value_stores(
    call: Call, Marker: str | None = None, MaxItems: str | None = None, Status: str | None = None
) -> dict[str, Any]:
    """The account's stores."""
    found = await _all(call.state) if Status in (None, "READY") else []
    listed = page(found, lambda one: one.name, lambda one: _told(call, one), Marker, MaxItems, full=False)
    return {"KeyValueStoreList": listed}


@cloudfront.operation
async def update_key_value_store(call: Call, Name: str, Comment: str, IfMatch: str | None = None) -> dict[str, Any]:
    """Change a store's comment."""
    changed = await _comment(call.state, Name, Comment, IfMatch)
    return {"KeyValueStore": _told(call, changed), "ETag": changed.etag}


@cloudfront.operation
async def delete_key_value_store(call: Call, Name: str, IfMatch: str | None = None) -> None:
    """Delete a store that no function uses."""
    gone = await _delete(call.state, call.account, Name, IfMatch)
    call.part(KeyValues).forget(arn_of(call.account, gone))


async def _imported(call: Call, source: dict[str, str]) -> dict[str, str]:
    """The pairs of a file in S3: `{"data": [{"key": …, "value": …}, …]}`; raises InvalidArgument."""
    try:
        arn = Arn.parse(source["SourceARN"])
        bucket, _, key = arn.resource.partition("/")
        answer = await call.to("s3", "GetObject", Bucket=bucket, Key=key)
    except (ValueError, AwsError):
        raise invalid("The parameter ImportSource does not name an object that CloudFront can read.") from None
    content = await gathered(answer["Body"], answer["ContentLength"], MAX_SIZE * 2)
    wrong = invalid('The import source must be JSON of the form {"data":[{"key":"…","value":"…"}]}.')
    try:
        rows = orjson.loads(content or b"")["data"]
        pairs = {row["key"]: row["value"] for row in rows}
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise wrong from None
    for name, value in pairs.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise wrong
        check_pair(name, value)
    return pairs


def _told(call: Call, one: KeyValueStore) -> dict[str, Any]:
    return {
        "Name": one.name,
        "Id": one.id,
        "Comment": one.comment,
        "ARN": arn_of(call.account, one),
        "Status": "READY",
        "LastModifiedTime": one.modified,
    }


@transactional
async def _find(tx: Transaction, name: str) -> KeyValueStore:
    found = await key_value_stores.get(tx, name)
    if found is None:
        raise aws_error("EntityNotFound", "The key value store entity was not found.", status=404)
    return found


@transactional
async def _all(tx: Transaction) -> list[KeyValueStore]:
    return await key_value_stores.list(tx)


@transactional
async def _create(tx: Transaction, fresh: KeyValueStore, pairs: dict[str, str]) -> None:
    if await key_value_stores.get(tx, fresh.name) is not None:
        raise aws_error(
            "EntityAlreadyExists", "The entity already exists. You must provide a unique entity.", status=409
        )
    if fresh.size > MAX_SIZE:
        raise aws_error("EntitySizeLimitExceeded", "The entity size limit was exceeded.", status=413)
    await key_value_stores.put(tx, fresh)
    for key, value in pairs.items():
        await key_values.put(tx, KeyValue(fresh.id, key, value))


@transactional
async def _comment(tx: Transaction, name: str, comment: str, if_match: str | None) -> KeyValueStore:
    found = await _find(tx, name)
    check_version(found.etag, if_match)
    changed = msgspec.structs.replace(found, comment=comment, etag=new_id("ETVP"), modified=tx.now)
    await key_value_stores.put(tx, changed)
    return changed


@transactional
async def _delete(tx: Transaction, account: str, name: str, if_match: str | None) -> KeyValueStore:
    found = await _find(tx, name)
    check_version(found.etag, if_match)
    arn = arn_of(account, found)
    for function in await functions.list(tx):
        for stage in (function.development, function.live):
            if stage is not None and any(
                one["KeyValueStoreARN"] == arn for one in items(stage.config.get("KeyValueStoreAssociations"))
            ):
                raise aws_error(
                    "CannotDeleteEntityWhileInUse", "The entity cannot be deleted while it is in use.", status=409
                )
    await key_values.delete_all(tx, found.id)
    await key_value_stores.delete(tx, name)
    return found
