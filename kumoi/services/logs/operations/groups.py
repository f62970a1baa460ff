"""Log groups: create, describe, delete, and how long they keep events."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.logs import logs, retention
from kumoi.services.logs.events import TABLE, find_group, stored_bytes
from kumoi.services.logs.filter_records import filters_of, group_filters
from kumoi.services.logs.function_streams import FunctionStreams
from kumoi.services.logs.index_policies import index_policies
from kumoi.services.logs.protection_records import ACCOUNT, account_policies, group_protections
from kumoi.services.logs.records import STORED_BYTES, LogGroup, groups, streams
from kumoi.services.logs.rules import RETENTION_DAYS, group_arn, group_name, invalid, page
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@logs.operation
async def create_log_group(
    call: Call,
    logGroupName: str,
    kmsKeyId: str | None = None,
    tags: dict[str, str] | None = None,
    logGroupClass: str = "STANDARD",
    deletionProtectionEnabled: bool = False,
) -> None:
    """Create a group that keeps its events for ever."""
    if logGroupName.startswith("aws/"):
        raise invalid("Log groups starting with aws/ are reserved for AWS.")
    await _create(
        call.state,
        LogGroup(
            name=logGroupName,
            created=int(call.now * 1000),
            log_class=logGroupClass,
            kms_key=kmsKeyId,
            deletion_protected=deletionProtectionEnabled,
            tags=tags or {},
        ),
    )


@logs.operation
async def delete_log_group(call: Call, logGroupName: str) -> None:
    """Delete a group with its streams and events."""
    group = await find_group(call.state, logGroupName)
    if group.deletion_protected:
        raise aws_error("ValidationException", f"Log group {group.name} has deletion protection enabled.")
    await call.lake.delete(TABLE.name, account=call.account, region=call.region, equals={"log_group": logGroupName})
    await _delete(call.state, logGroupName)
    call.part(FunctionStreams).forget(call.account, logGroupName)


@logs.operation
async def describe_log_groups(
    call: Call,
    accountIdentifiers: list[str] | None = None,
    logGroupNamePrefix: str | None = None,
    logGroupNamePattern: str | None = None,
    nextToken: str | None = None,
    limit: int = 50,
    includeLinkedAccounts: bool = False,
    logGroupClass: str | None = None,
    logGroupIdentifiers: list[str] | None = None,
) -> dict[str, Any]:
    """Groups by name: those with a prefix, with a pattern in the name, or of a list."""
    if logGroupNamePrefix is not None and logGroupNamePattern is not None:
        raise invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
    named = None if logGroupIdentifiers is None else {group_name(one) for one in logGroupIdentifiers}
    pattern = (logGroupNamePattern or "").lower()
    found = [
        group
        for group in await _all(call.state)
        if group.name.startswith(logGroupNamePrefix or "")
        and pattern in group.name.lower()
        and (logGroupClass is None or group.log_class == logGroupClass)
        and (named is None or group.name in named)
        and (nextToken is None or group.name > nextToken)
    ]
    sizes = await stored_bytes(call.state, [group.name for group in found[:limit]])
    counts = await _metric_filters(call.state, [group.name for group in found[:limit]])
    protections = await _protections(call.state, [group.name for group in found[:limit]])
    answer: dict[str, Any] = {
        "logGroups": [
            _describe(group, call.account, call.region, sizes[group.name], counts[group.name]) | protections[group.name]
            for group in found[:limit]
        ]
    }
    if len(found) > limit:
        answer["nextToken"] = found[limit - 1].name
    return answer


@logs.operation
async def list_log_groups(
    call: Call,
    logGroupNamePattern: str | None = None,
    logGroupClass: str | None = None,
    includeLinkedAccounts: bool = False,
    accountIdentifiers: list[str] | None = None,
    nextToken: str | None = None,
    limit: int = 50,
) -> dict[str, Any]:
    """Groups whose names contain a text, or begin with it where it begins with `^`; several, with `|` between."""
    wanted = None if logGroupNamePattern is None else logGroupNamePattern.split("|")
    found = {
        group.name: group
        for group in await _all(call.state)
        if (wanted is None or any(_named(group.name, one) for one in wanted))
        and (logGroupClass is None or group.log_class == logGroupClass)
    }
    names, token = page(sorted(found), nextToken, limit)
    return {
        "logGroups": [
            {
                "logGroupName": name,
                "logGroupArn": group_arn(call.account, call.region, name),
                "logGroupClass": found[name].log_class,
            }
            for name in names
        ],
        "nextToken": token,
    }


def _named(name: str, pattern: str) -> bool:
    return name.startswith(pattern[1:]) if pattern.startswith("^") else pattern in name


@logs.operation
async def put_log_group_deletion_protection(
    call: Call, logGroupIdentifier: str, deletionProtectionEnabled: bool
) -> None:
    """Refuse to delete a group, or allow it again."""
    await _protect(call.state, group_name(logGroupIdentifier), deletionProtectionEnabled)


@logs.operation
async def put_retention_policy(call: Call, logGroupName: str, retentionInDays: int) -> None:
    """Keep a group's events for so many days."""
    if retentionInDays not in RETENTION_DAYS:
        raise invalid(
            f"1 validation error detected: Value '{retentionInDays}' at 'retentionInDays' failed to satisfy "
            f"constraint: Member must satisfy enum value set: {list(RETENTION_DAYS)}"
        )
    await _retain(call.state, logGroupName, retentionInDays)


@logs.operation
async def delete_retention_policy(call: Call, logGroupName: str) -> None:
    """Keep a group's events for ever."""
    await _retain(call.state, logGroupName, None)


def _describe(group: LogGroup, account: str, region: str, size: int, metric_filters: int) -> dict[str, Any]:
    group_arn_ = group_arn(account, region, group.name)
    return {
        "logGroupName": group.name,
        "creationTime": group.created,
        "retentionInDays": group.retention,
        "metricFilterCount": metric_filters,
        "arn": f"{group_arn_}:*",
        "logGroupArn": group_arn_,
        "storedBytes": size,
        "kmsKeyId": group.kms_key,
        "logGroupClass": group.log_class,
        "deletionProtectionEnabled": group.deletion_protected,
    }


@transactional
async def _create(tx: Transaction, group: LogGroup) -> None:
    if await groups.get(tx, group.name) is not None:
        raise aws_error("ResourceAlreadyExistsException", "The specified log group already exists")
    await groups.put(tx, group)


@transactional
async def _all(tx: Transaction) -> list[LogGroup]:
    return await groups.list(tx)


@transactional
async def _metric_filters(tx: Transaction, names: list[str]) -> dict[str, int]:
    return {name: len((await filters_of(tx, name)).metrics) for name in names}


@transactional
async def _protections(tx: Transaction, names: list[str]) -> dict[str, dict[str, Any]]:
    """What DescribeLogGroups says of groups' data protection."""
    inherited = await account_policies.get(tx, ACCOUNT) is not None
    told: dict[str, dict[str, Any]] = {}
    for name in names:
        own = await group_protections.get(tx, name)
        told[name] = {} if own is None else {"dataProtectionStatus": "ACTIVATED" if own.document else "DELETED"}
        if inherited:
            told[name]["inheritedProperties"] = ["ACCOUNT_DATA_PROTECTION"]
    return told


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    await find_group(tx, name)
    await groups.delete(tx, name)
    await streams.delete_all(tx, name)
    await group_filters.delete(tx, name)
    await group_protections.delete(tx, name)
    await index_policies.delete(tx, name)
    await tx.add((STORED_BYTES, name), -await tx.add((STORED_BYTES, name), 0))


@transactional
async def _protect(tx: Transaction, name: str, protected: bool) -> None:
    await groups.put(tx, msgspec.structs.replace(await find_group(tx, name), deletion_protected=protected))


@transactional
async def _retain(tx: Transaction, name: str, days: int | None) -> None:
    await groups.put(tx, msgspec.structs.replace(await find_group(tx, name), retention=days))
    if days is not None:
        retention.schedule(tx, name, tx.now)
