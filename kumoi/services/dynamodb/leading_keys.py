"""The partition keys that a call touches: what `dynamodb:LeadingKeys` restricts callers to. Pure.

Source: "Using IAM policy conditions for fine-grained access control" of the DynamoDB developer guide.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

_EQUALS = re.compile(r"(#?[A-Za-z_][\w.\-]*)\s*=\s*(:\w+)")
_KEYED = ("Key", "Item")


def leading_keys(operation: str, params: Mapping[str, Any], named: tuple[str, str], hash_key: str) -> tuple[str, ...]:
    """The partition keys of a table's items that a call names, as texts; `named` are the table's name and ARN."""
    return tuple(dict.fromkeys(_text(value) for value in _values(operation, params, named, hash_key)))


def _values(operation: str, params: Mapping[str, Any], named: tuple[str, str], hash_key: str) -> Iterator[Any]:
    if operation == "Query":
        yield from _of_query(params, hash_key)
        return
    for item in _items(operation, params, named):
        if isinstance(item, Mapping) and hash_key in item:
            yield item[hash_key]


def _items(operation: str, params: Mapping[str, Any], named: tuple[str, str]) -> Iterator[Any]:
    """The keys and items of a call that are of the table."""
    if operation.startswith("Transact"):
        for entry in params.get("TransactItems") or ():
            for content in entry.values():
                if content.get("TableName") in named:
                    yield from (content[member] for member in _KEYED if member in content)
    elif operation.startswith("Batch"):
        requests = params.get("RequestItems") or {}
        for name in named:
            found = requests.get(name) or ()
            if isinstance(found, Mapping):
                yield from found.get("Keys") or ()
            else:
                for request in found:
                    yield from (
                        content[member] for content in request.values() for member in _KEYED if member in content
                    )
    else:
        yield from (params[member] for member in _KEYED if member in params)


def _of_query(params: Mapping[str, Any], hash_key: str) -> Iterator[Any]:
    conditions = params.get("KeyConditions") or {}
    if hash_key in conditions:
        yield from conditions[hash_key].get("AttributeValueList") or ()
    names = params.get("ExpressionAttributeNames") or {}
    values = params.get("ExpressionAttributeValues") or {}
    for name, value in _EQUALS.findall(params.get("KeyConditionExpression") or ""):
        if names.get(name, name) == hash_key and value in values:
            yield values[value]


def _text(value: Any) -> str:
    """A key's value as policies write it: numbers as they are sent, bytes in base64."""
    found = next(iter(value.values()), "") if isinstance(value, Mapping) else value
    return base64.b64encode(found).decode() if isinstance(found, bytes) else str(found)
