"""What is set for an account or a function beside its configuration: limits, runtime management, recursion, signing."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.concurrency import ACCOUNT_LIMIT
from kumoi.services.lambda_.configuration import invalid
from kumoi.services.lambda_.identifiers import LATEST, FunctionIdentifier
from kumoi.services.lambda_.operations.find import find, find_head, find_version, identify
from kumoi.services.lambda_.operations.provisioned import taken
from kumoi.services.lambda_.records import FunctionHead, heads, layer_versions, versions
from kumoi.state import Transaction, transactional


@lambda_.operation
async def get_account_settings(call: Call) -> dict[str, Any]:
    """The account's limits, and how much of them is used. Each version and layer version counts its code again."""
    size, count, reserved = await _usage(call.state)
    return {
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": ACCOUNT_LIMIT,
            "UnreservedConcurrentExecutions": ACCOUNT_LIMIT - reserved,
        },
        "AccountUsage": {"TotalCodeSize": size, "FunctionCount": count},
    }


@lambda_.operation
async def put_runtime_management_config(
    call: Call,
    FunctionName: str,
    UpdateRuntimeOn: str,
    Qualifier: str | None = None,
    RuntimeVersionArn: str | None = None,
) -> dict[str, Any]:
    """When a function's runtime is updated: kept and answered; a machine's interpreters are what they are."""
    identifier = identify(call, FunctionName, Qualifier)
    if UpdateRuntimeOn == "Manual" and RuntimeVersionArn is None:
        raise invalid("RuntimeVersionArn must be specified when UpdateRuntimeOn is Manual.")
    if UpdateRuntimeOn != "Manual" and RuntimeVersionArn is not None:
        raise invalid("RuntimeVersionArn can be specified only when UpdateRuntimeOn is Manual.")
    config = {"UpdateRuntimeOn": UpdateRuntimeOn}
    if RuntimeVersionArn is not None:
        config["RuntimeVersionArn"] = RuntimeVersionArn
    await _manage(call.state, identifier, config)
    return {"FunctionArn": f"{identifier.function_arn}:{identifier.qualifier or LATEST}", **config}


@lambda_.operation
async def get_runtime_management_config(call: Call, FunctionName: str, Qualifier: str | None = None) -> dict[str, Any]:
    """When a function's runtime is updated."""
    found = await find(call, FunctionName, Qualifier)
    qualifier = found.identifier.qualifier or LATEST
    config = found.head.runtime_management.get(qualifier, {"UpdateRuntimeOn": "Auto"})
    return {"FunctionArn": f"{found.identifier.function_arn}:{qualifier}", **config}


@lambda_.operation
async def put_function_recursion_config(call: Call, FunctionName: str, RecursiveLoop: str) -> dict[str, Any]:
    """Whether a function may call itself again and again over other services."""
    await _replace(call.state, identify(call, FunctionName), {"recursive_loop": RecursiveLoop})
    return {"RecursiveLoop": RecursiveLoop}


@lambda_.operation
async def get_function_recursion_config(call: Call, FunctionName: str) -> dict[str, Any]:
    """Whether a function may call itself again and again over other services."""
    return {"RecursiveLoop": (await find(call, FunctionName)).head.recursive_loop}


@transactional
async def _usage(tx: Transaction) -> tuple[int, int, int]:
    functions = await versions.list(tx)
    layers = await layer_versions.list(tx)
    size = sum(one.code.size for one in functions) + sum(one.code.size for one in layers)
    return size, sum(one.version == LATEST for one in functions), await taken(tx)


@transactional
async def _manage(tx: Transaction, identifier: FunctionIdentifier, config: dict[str, str]) -> None:
    await find_version(tx, identifier)
    head = await find_head(tx, identifier)
    management = {**head.runtime_management, identifier.qualifier or LATEST: config}
    await heads.put(tx, msgspec.structs.replace(head, runtime_management=management))


@transactional
async def _replace(tx: Transaction, identifier: FunctionIdentifier, changes: dict[str, Any]) -> FunctionHead:
    head = msgspec.structs.replace(await find_head(tx, identifier), **changes)
    await heads.put(tx, head)
    return head
