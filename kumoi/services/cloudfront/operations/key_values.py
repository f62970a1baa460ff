"""The data API of key value stores: read pairs, and change them under the version (ETag) of the whole store."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.cloudfront import key_value_data
from kumoi.services.cloudfront.functions.key_values import KeyValues, find_by_arn
from kumoi.services.cloudfront.key_value_rules import MAX_SIZE, pair_problem
from kumoi.services.cloudfront.naming import REGION, new_id
from kumoi.services.cloudfront.records import KeyValue, KeyValueStore, key_value_stores, key_values
from kumoi.state import State, Transaction, transactional
from kumoi.wire.errors import aws_error

PAGE = 50


@key_value_data.operation
async def describe_key_value_store(call: Call, KvsARN: str) -> dict[str, Any]:
    """A store, and the version that changes must name."""
    found = await _find(_state(call), KvsARN)
    return {
        **_counts(found),
        "KvsARN": KvsARN,
        "Created": found.created,
        "LastModified": found.modified,
        "ETag": found.version,
        "Status": "READY",
    }


@key_value_data.operation
async def get_key(call: Call, KvsARN: str, Key: str) -> dict[str, Any]:
    """A pair."""
    found, pair = await _get(_state(call), KvsARN, Key)
    return {"Key": Key, "Value": pair.value, **_counts(found)}


@key_value_data.operation
async def list_keys(
    call: Call, KvsARN: str, NextToken: str | None = None, MaxResults: int | None = None
) -> dict[str, Any]:
    """Pairs by key."""
    most = min(MaxResults or 10, PAGE)
    if most < 1:
        raise aws_error("ValidationException", "MaxResults must be from 1 to 50.")
    rows = await _list(_state(call), KvsARN, NextToken, most + 1)
    answer: dict[str, Any] = {"Items": [{"Key": one.key, "Value": one.value} for one in rows[:most]]}
    if len(rows) > most:
        answer["NextToken"] = rows[most - 1].key
    return answer


@key_value_data.operation
async def put_key(call: Call, KvsARN: str, Key: str, Value: str, IfMatch: str) -> dict[str, Any]:
    """Write a pair."""
    return await _changed(call, KvsARN, IfMatch, {Key: Value})


@key_value_data.operation
async def delete_key(call: Call, KvsARN: str, Key: str, IfMatch: str) -> dict[str, Any]:
    """Remove a pair."""
    return await _changed(call, KvsARN, IfMatch, {Key: None})


@key_value_data.operation
async def update_keys(
    call: Call,
    KvsARN: str,
    IfMatch: str,
    Puts: list[dict[str, str]] | None = None,
    Deletes: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Write and remove pairs at once."""
    changes: dict[str, str | None] = {}
    for one in Puts or ():
        changes[one["Key"]] = one["Value"]
    for one in Deletes or ():
        if one["Key"] in changes:
            raise aws_error("ValidationException", f"The key {one['Key']} is named twice.")
        changes[one["Key"]] = None
    if not changes or len(changes) > PAGE:
        raise aws_error("ValidationException", f"From 1 to {PAGE} keys can be changed at once.")
    return await _changed(call, KvsARN, IfMatch, changes)


def _state(call: Call) -> State:
    return call.doorway.state.at(call.account, REGION)


def _counts(one: KeyValueStore) -> dict[str, int]:
    return {"ItemCount": one.count, "TotalSizeInBytes": one.size}


async def _changed(call: Call, arn: str, if_match: str, changes: dict[str, str | None]) -> dict[str, Any]:
    for key, value in changes.items():
        if value is not None and (problem := pair_problem(key, value)):
            raise aws_error("ValidationException", problem)
    changed = await _change(_state(call), arn, if_match, changes)
    call.part(KeyValues).forget(arn)
    return {**_counts(changed), "ETag": changed.version}


@transactional
async def _find(tx: Transaction, arn: str) -> KeyValueStore:
    found = await find_by_arn(tx, arn)
    if found is None:
        raise aws_error("ResourceNotFoundException", "The key value store was not found.")
    return found


@transactional
async def _get(tx: Transaction, arn: str, key: str) -> tuple[KeyValueStore, KeyValue]:
    found = await _find(tx, arn)
    pair = await key_values.get(tx, found.id, key)
    if pair is None:
        raise aws_error("ResourceNotFoundException", "The key was not found.")
    return found, pair


@transactional
async def _list(tx: Transaction, arn: str, after: str | None, limit: int) -> list[KeyValue]:
    found = await _find(tx, arn)
    return await key_values.list(tx, found.id, after=None if after is None else (found.id, after), limit=limit)


@transactional
async def _change(tx: Transaction, arn: str, if_match: str, changes: dict[str, str | None]) -> KeyValueStore:
    found = await _find(tx, arn)
    if if_match.strip('"') != found.version:
        raise aws_error("ConflictException", "The ETag does not match the key value store's current one.")
    count, size = found.count, found.size
    for key, value in changes.items():
        old = await key_values.get(tx, found.id, key)
        if old is not None:
            count, size = count - 1, size - len(key.encode()) - len(old.value.encode())
        if value is None:
            if old is None:
                raise aws_error("ResourceNotFoundException", f"The key {key} was not found.")
            await key_values.delete(tx, found.id, key)
        else:
            count, size = count + 1, size + len(key.encode()) + len(value.encode())
            await key_values.put(tx, KeyValue(found.id, key, value))
    if size > MAX_SIZE:
        raise aws_error("ServiceQuotaExceededException", "A key value store can have up to 5 MB.")
    changed = msgspec.structs.replace(found, count=count, size=size, version=new_id("KV"), modified=tx.now)
    await key_value_stores.put(tx, changed)
    return changed
