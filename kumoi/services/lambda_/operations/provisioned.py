"""Reserved and provisioned concurrency."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.concurrency import ACCOUNT_LIMIT, UNRESERVED_MINIMUM
from kumoi.services.lambda_.configuration import invalid, timestamp
from kumoi.services.lambda_.executor import Executor
from kumoi.services.lambda_.identifiers import LATEST, FunctionIdentifier
from kumoi.services.lambda_.operations.find import Found, find, find_head, identify
from kumoi.services.lambda_.records import ProvisionedConfig, heads, provisioned
from kumoi.state import State, Transaction, transactional
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
    found = await _published(call, FunctionName, Qualifier)
    reserved = found.head.reserved_concurrency
    if reserved is not None and ProvisionedConcurrentExecutions > reserved:
        raise invalid(
            "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
        )
    if ProvisionedConcurrentExecutions > ACCOUNT_LIMIT - UNRESERVED_MINIMUM:
        raise invalid(
            "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency "
            f"[{ACCOUNT_LIMIT}]."
        )
    config = ProvisionedConfig(
        call.account, call.region, found.identifier.name, Qualifier, ProvisionedConcurrentExecutions, call.now
    )
    await _put(call.doorway.state.at("", ""), config)
    await call.part(Executor).provision(
        call.account, call.region, config.function, found.function.version, config.requested
    )
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
    found = await _published(call, FunctionName, Qualifier)
    config = await _get(call.doorway.state.at("", ""), found.identifier)
    if config is None:
        raise aws_error(
            "ProvisionedConcurrencyConfigNotFoundException",
            "No Provisioned Concurrency Config found for this function",
            Type="User",
        )
    return _described(call, config, found.function.version)


@lambda_.operation
async def delete_provisioned_concurrency_config(call: Call, FunctionName: str, Qualifier: str) -> None:
    """Keep no environments ready any more."""
    found = await _published(call, FunctionName, Qualifier)
    await _delete(call.doorway.state.at("", ""), found.identifier)
    await call.part(Executor).provision(call.account, call.region, found.identifier.name, found.function.version, 0)


@lambda_.operation
async def list_provisioned_concurrency_configs(
    call: Call, FunctionName: str, Marker: str | None = None, MaxItems: int = PAGE
) -> dict[str, Any]:
    """What is kept ready of a function."""
    identifier = identify(call, FunctionName)
    await _check(call.state, identifier)
    page = min(MaxItems, PAGE)
    configs = await _list(call.doorway.state.at("", ""), identifier, Marker, page + 1)
    items = []
    for config in configs[:page]:
        found = await find(call, FunctionName, config.qualifier)
        arn = f"{identifier.function_arn}:{config.qualifier}"
        items.append({"FunctionArn": arn, **_described(call, config, found.function.version)})
    answer: dict[str, Any] = {"ProvisionedConcurrencyConfigs": items}
    if len(configs) > page:
        answer["NextMarker"] = configs[page - 1].qualifier
    return answer


async def provisioned_for(state: State, account: str, region: str, function: str, qualifier: str) -> int:
    """How many environments are asked for by a qualifier."""
    identifier = FunctionIdentifier(account, region, function, qualifier)
    config = await _get(state.at("", ""), identifier)
    return 0 if config is None else config.requested


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


async def _published(call: Call, FunctionName: str, Qualifier: str) -> Found:
    if Qualifier == LATEST:
        raise invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
    return await find(call, FunctionName, Qualifier)


@transactional
async def _check(tx: Transaction, identifier: FunctionIdentifier) -> None:
    await find_head(tx, identifier)


@transactional
async def _reserve(tx: Transaction, identifier: FunctionIdentifier, reserved: int | None) -> None:
    head = await find_head(tx, identifier)
    others = sum(one.reserved_concurrency or 0 for one in await heads.list(tx) if one.name != head.name)
    if reserved is not None and ACCOUNT_LIMIT - others - reserved < UNRESERVED_MINIMUM:
        raise invalid(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{UNRESERVED_MINIMUM}]."
        )
    await heads.put(tx, msgspec.structs.replace(head, reserved_concurrency=reserved))


@transactional
async def _put(tx: Transaction, config: ProvisionedConfig) -> None:
    await provisioned.put(tx, config)


@transactional
async def _get(tx: Transaction, identifier: FunctionIdentifier) -> ProvisionedConfig | None:
    return await provisioned.get(tx, identifier.account, identifier.region, identifier.name, identifier.qualifier)


@transactional
async def _delete(tx: Transaction, identifier: FunctionIdentifier) -> None:
    await provisioned.delete(tx, identifier.account, identifier.region, identifier.name, identifier.qualifier)


@transactional
async def _list(
    tx: Transaction, identifier: FunctionIdentifier, after: str | None, limit: int
) -> list[ProvisionedConfig]:
    prefix = (identifier.account, identifier.region, identifier.name)
    return await provisioned.list(tx, *prefix, after=None if after is None else (*prefix, after), limit=limit)
