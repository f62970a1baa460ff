"""Reserved and provisioned concurrency."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.concurrency import ACCOUNT_LIMIT, UNRESERVED_MINIMUM
from kumoi.services.lambda_.configuration import invalid, timestamp
from kumoi.services.lambda_.executor import Executor
from kumoi.services.lambda_.identifiers import LATEST, FunctionIdentifier
from kumoi.services.lambda_.operations.find import Found, find, find_all, find_head, identify
from kumoi.services.lambda_.records import ProvisionedConfig, heads, provisioned
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

PAGE = 50


@lambda_.operation
async def put_function_concurrency(call: Call, FunctionName: str, ReservedConcurrentExecutions: int) -> dict[str, Any]:
    """Reserve so many concurrent executions for a function; it gets no more than those. 0 stops it."""
    await _reserve(call.state, identify(call, FunctionName), ReservedConcurrentExecutions)
    return {"ReservedConcurrentExecutions": ReservedConcurrentExecutions}


@lambda_.operation
async def get_function_concurrency(call: Call, FunctionName: str) -> dict[str, Any]:
    """What a function reserves."""
    reserved = (await find(call, FunctionName)).head.reserved_concurrency
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


@lambda_.operation
async def delete_function_concurrency(call: Call, FunctionName: str) -> None:
    """Give a reservation back."""
    await _reserve(call.state, identify(call, FunctionName), None)


@lambda_.operation
async def put_provisioned_concurrency_config(
    call: Call, FunctionName: str, Qualifier: str, ProvisionedConcurrentExecutions: int
) -> dict[str, Any]:
    """Keep so many environments of a version ready."""
    if Qualifier == LATEST:
        raise invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
    identifier = identify(call, FunctionName, Qualifier)
    config = ProvisionedConfig(
        call.account, call.region, identifier.name, Qualifier, ProvisionedConcurrentExecutions, call.now
    )
    version = await _put(call.state, identifier, config)
    await call.part(Executor).provision(call.account, call.region, config.function, version, config.requested)
    return {
        "RequestedProvisionedConcurrentExecutions": config.requested,
        "AvailableProvisionedConcurrentExecutions": 0,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
        "LastModified": timestamp(config.last_modified),
    }


@lambda_.operation
async def get_provisioned_concurrency_config(call: Call, FunctionName: str, Qualifier: str) -> dict[str, Any]:
    """What is kept ready of a version, and how far it has come."""
    identifier = _published(call, FunctionName, Qualifier)
    version, config = await _get(call.state, identifier)
    if config is None:
        raise aws_error(
            "ProvisionedConcurrencyConfigNotFoundException",
            "No Provisioned Concurrency Config found for this function",
            Type="User",
        )
    return _described(call, config, version)


@lambda_.operation
async def delete_provisioned_concurrency_config(call: Call, FunctionName: str, Qualifier: str) -> None:
    """Keep no environments ready any more."""
    identifier = _published(call, FunctionName, Qualifier)
    version = await _delete(call.state, identifier)
    if version is not None:
        await call.part(Executor).provision(call.account, call.region, identifier.name, version, 0)


@lambda_.operation
async def list_provisioned_concurrency_configs(
    call: Call, FunctionName: str, Marker: str | None = None, MaxItems: int = PAGE
) -> dict[str, Any]:
    """What is kept ready of a function."""
    identifier = identify(call, FunctionName)
    page = min(MaxItems, PAGE)
    configs = await _list(call.state, identifier, Marker, page + 1)
    answer: dict[str, Any] = {
        "ProvisionedConcurrencyConfigs": [
            {"FunctionArn": f"{identifier.function_arn}:{config.qualifier}", **_described(call, config, version)}
            for version, config in configs[:page]
        ]
    }
    if len(configs) > page:
        answer["NextMarker"] = configs[page - 1][1].qualifier
    return answer


async def provisioned_of(tx: Transaction, identifier: FunctionIdentifier) -> list[ProvisionedConfig]:
    """What is kept ready of a function, by all its qualifiers."""
    return await provisioned.list(tx, identifier.account, identifier.region, identifier.name)


async def taken(tx: Transaction, identifier: FunctionIdentifier | None = None) -> int:
    """How much of the account's concurrency functions have for themselves, but for the one that is named.

    A reservation includes what is provisioned; a function without one takes what is provisioned.
    """
    ready: Counter[str] = Counter()
    for config in await provisioned.list(tx, tx.account, tx.region):
        ready[config.function] += config.requested
    return sum(
        ready[head.name] if head.reserved_concurrency is None else head.reserved_concurrency
        for head in await heads.list(tx)
        if identifier is None or head.name != identifier.name
    )


async def check_can_be_ready(tx: Transaction, identifier: FunctionIdentifier, version: str) -> None:
    """Refuse to provision $LATEST, and a version by a second qualifier beside the one that is named."""
    if version == LATEST:
        raise invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
    for config in await provisioned_of(tx, identifier):
        other = await find_all(tx, identifier._replace(qualifier=config.qualifier))
        if config.qualifier != identifier.qualifier and _version(other) == version:
            raise aws_error(
                "ResourceConflictException",
                "Version is pointed by a Provisioned Concurrency alias"
                if identifier.qualifier == version
                else "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
                Type="User",
            )


def _described(call: Call, config: ProvisionedConfig, version: str) -> dict[str, Any]:
    status = call.part(Executor).provisioned_status(config.account, config.region, config.function, version)
    answer: dict[str, Any] = {
        "RequestedProvisionedConcurrentExecutions": config.requested,
        "AvailableProvisionedConcurrentExecutions": status.available,
        "AllocatedProvisionedConcurrentExecutions": status.allocated,
        "Status": status.status,
        "LastModified": timestamp(config.last_modified),
    }
    if status.reason is not None:
        answer["StatusReason"] = status.reason
    return answer


def _published(call: Call, FunctionName: str, Qualifier: str) -> FunctionIdentifier:
    if Qualifier == LATEST:
        raise invalid("The function resource provided must be an alias or a published version.")
    return identify(call, FunctionName, Qualifier)


def _version(found: Found) -> str:
    """The version that a qualifier provisions: an alias's own, not the one that has a share of its traffic."""
    return found.function.version if found.alias is None else found.alias.function_version


@transactional
async def _reserve(tx: Transaction, identifier: FunctionIdentifier, reserved: int | None) -> None:
    head = await find_head(tx, identifier)
    if reserved is not None:
        ready = sum(config.requested for config in await provisioned_of(tx, identifier))
        if reserved < ready:
            raise invalid(
                f"ReservedConcurrentExecutions {reserved} should not be lower than function's total provisioned "
                f"concurrency [{ready}]."
            )
        if ACCOUNT_LIMIT - await taken(tx, identifier) - reserved < UNRESERVED_MINIMUM:
            raise invalid(
                "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
                f"below its minimum value of [{UNRESERVED_MINIMUM}]."
            )
    await heads.put(tx, msgspec.structs.replace(head, reserved_concurrency=reserved))


@transactional
async def _put(tx: Transaction, identifier: FunctionIdentifier, config: ProvisionedConfig) -> str:
    """Store what shall be ready; the version it is for."""
    found = await find_all(tx, identifier)
    await check_can_be_ready(tx, identifier, _version(found))
    same = await provisioned_of(tx, identifier)
    others = sum(one.requested for one in same if one.qualifier != config.qualifier)
    reserved = found.head.reserved_concurrency
    if reserved is not None:
        if others + config.requested > reserved:
            raise invalid(
                "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for "
                "function"
            )
    else:
        unreserved = ACCOUNT_LIMIT - await taken(tx, identifier) - others
        if config.requested > unreserved:
            raise invalid(
                "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency "
                f"[{unreserved}]."
            )
        if unreserved - config.requested < UNRESERVED_MINIMUM:
            raise invalid(
                "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
                f"its minimum value of [{UNRESERVED_MINIMUM}]."
            )
    await provisioned.put(tx, config)
    return _version(found)


@transactional
async def _get(tx: Transaction, identifier: FunctionIdentifier) -> tuple[str, ProvisionedConfig | None]:
    found = await find_all(tx, identifier)
    key = (identifier.account, identifier.region, identifier.name, identifier.qualifier)
    return _version(found), await provisioned.get(tx, *key)


@transactional
async def _delete(tx: Transaction, identifier: FunctionIdentifier) -> str | None:
    """Forget a configuration; the version it was for, None where there was none."""
    version, config = await _get(tx, identifier)
    if config is None:
        return None
    await provisioned.delete(tx, config.account, config.region, config.function, config.qualifier)
    return version


@transactional
async def _list(
    tx: Transaction, identifier: FunctionIdentifier, after: str | None, limit: int
) -> list[tuple[str, ProvisionedConfig]]:
    await find_head(tx, identifier)
    prefix = (identifier.account, identifier.region, identifier.name)
    found = await provisioned.list(tx, *prefix, after=None if after is None else (*prefix, after), limit=limit)
    return [(_version(await find_all(tx, identifier._replace(qualifier=one.qualifier))), one) for one in found]
