"""Field index policies of groups, and the indexes that follow from them."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.logs import logs
from kumoi.services.logs.events import find_group
from kumoi.services.logs.index_policies import DEFAULT, IndexPolicy, fields_of, index_policies
from kumoi.services.logs.records import LogGroup
from kumoi.services.logs.rules import group_arn, group_name, invalid
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@logs.operation
async def put_index_policy(call: Call, logGroupIdentifier: str, policyDocument: str) -> dict[str, Any]:
    """Have a group indexed on the fields of a policy."""
    fields_of(policyDocument)
    name = group_name(logGroupIdentifier)
    made = IndexPolicy(group=name, document=policyDocument, updated=int(call.now * 1000))
    await _put(call.state, made)
    return {"indexPolicy": _described(call, made)}


@logs.operation
async def describe_index_policies(
    call: Call, logGroupIdentifiers: list[str], nextToken: str | None = None
) -> dict[str, Any]:
    """The policy of a group, if it has one."""
    found = await _find(call.state, [group_name(one) for one in logGroupIdentifiers])
    return {"indexPolicies": [_described(call, policy) for _, policy in found if policy is not None]}


@logs.operation
async def delete_index_policy(call: Call, logGroupIdentifier: str) -> None:
    """Have a group indexed on what all are indexed on alone."""
    await _delete(call.state, group_name(logGroupIdentifier))


@logs.operation
async def describe_field_indexes(
    call: Call,
    logGroupIdentifiers: list[str],
    indexCategories: list[str] | None = None,
    nextToken: str | None = None,
) -> dict[str, Any]:
    """The fields that groups are indexed on; nothing is told of when events with them came."""
    listed = []
    wanted = set(indexCategories or ("DEFAULT", "CUSTOM"))
    for group, policy in await _find(call.state, [group_name(one) for one in logGroupIdentifiers]):
        default = DEFAULT if group.log_class == "STANDARD" else frozenset()
        fields = {} if policy is None else fields_of(policy.document)
        categories = {
            "DEFAULT": dict.fromkeys(sorted(default - set(fields)), "FIELD_INDEX"),
            "CUSTOM": dict(sorted(fields.items())),
        }
        listed += [
            {
                "logGroupIdentifier": group_arn(call.account, call.region, group.name),
                "fieldIndexName": field,
                "type": kind,
                "indexCategory": category,
            }
            for category, found in categories.items()
            if category in wanted
            for field, kind in found.items()
        ]
    return {"fieldIndexes": listed}


def _described(call: Call, one: IndexPolicy) -> dict[str, Any]:
    return {
        "logGroupIdentifier": group_arn(call.account, call.region, one.group),
        "lastUpdateTime": one.updated,
        "policyDocument": one.document,
        "source": "LOG_GROUP",
    }


@transactional
async def _put(tx: Transaction, made: IndexPolicy) -> None:
    group = await find_group(tx, made.group)
    if group.log_class != "STANDARD":
        raise invalid(f"Log groups of the class STANDARD alone are indexed; {group.name} is {group.log_class}.")
    await index_policies.put(tx, made)


@transactional
async def _find(tx: Transaction, names: list[str]) -> list[tuple[LogGroup, IndexPolicy | None]]:
    found = []
    for name in dict.fromkeys(names):
        found.append((await find_group(tx, name), await index_policies.get(tx, name)))
    return found


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    await find_group(tx, name)
    if not await index_policies.delete(tx, name):
        raise aws_error("ResourceNotFoundException", "The log group has no index policy.")
