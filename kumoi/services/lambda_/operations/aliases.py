"""Aliases: names for versions, with a share of the traffic for a second one."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.configuration import invalid
from kumoi.services.lambda_.executor import Executor
from kumoi.services.lambda_.identifiers import LATEST, FunctionIdentifier, version_number
from kumoi.services.lambda_.operations.find import check_revision, find_head, identify
from kumoi.services.lambda_.operations.provisioned import check_can_be_ready
from kumoi.services.lambda_.records import (
    Alias,
    aliases,
    event_invoke_configs,
    policies,
    provisioned,
    url_places,
    urls,
    versions,
)
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

PAGE = 50


@lambda_.operation
async def create_alias(
    call: Call,
    FunctionName: str,
    Name: str,
    FunctionVersion: str,
    Description: str = "",
    RoutingConfig: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Name a version of a function."""
    identifier = identify(call, FunctionName)
    weights = _weights(RoutingConfig)
    check_weights(FunctionVersion, weights)
    alias = Alias(identifier.name, Name, FunctionVersion, Description, uuid(), weights)
    await _create(call.state, identifier, alias)
    return describe(alias, identifier)


@lambda_.operation
async def get_alias(call: Call, FunctionName: str, Name: str) -> dict[str, Any]:
    """One alias."""
    identifier = identify(call, FunctionName)
    return describe(await _get(call.state, identifier, Name), identifier)


@lambda_.operation
async def list_aliases(
    call: Call, FunctionName: str, FunctionVersion: str | None = None, Marker: str | None = None, MaxItems: int = PAGE
) -> dict[str, Any]:
    """The aliases of a function by name, or those that lead to a version."""
    identifier = identify(call, FunctionName)
    page = min(MaxItems, PAGE)
    found = await _list(call.state, identifier, Marker)
    if FunctionVersion is not None:
        found = [one for one in found if FunctionVersion in (one.function_version, *one.weights)]
    answer: dict[str, Any] = {"Aliases": [describe(alias, identifier) for alias in found[:page]]}
    if len(found) > page:
        answer["NextMarker"] = found[page - 1].name
    return answer


@lambda_.operation
async def update_alias(
    call: Call,
    FunctionName: str,
    Name: str,
    FunctionVersion: str | None = None,
    Description: str | None = None,
    RoutingConfig: dict[str, Any] | None = None,
    RevisionId: str | None = None,
) -> dict[str, Any]:
    """Change what is given; an empty RoutingConfig takes the second version away."""
    identifier = identify(call, FunctionName)
    changes: dict[str, Any] = {}
    if FunctionVersion is not None:
        changes["function_version"] = FunctionVersion
    if Description is not None:
        changes["description"] = Description
    if RoutingConfig is not None:
        changes["weights"] = _weights(RoutingConfig)
    before, alias, ready = await _update(call.state, identifier, Name, changes, RevisionId)
    if ready:
        executor = call.part(Executor)
        await executor.provision(call.account, call.region, alias.function, before.function_version, 0)
        await executor.provision(call.account, call.region, alias.function, alias.function_version, ready)
    return describe(alias, identifier)


@lambda_.operation
async def delete_alias(call: Call, FunctionName: str, Name: str) -> None:
    """Forget a name and what hangs on it; nothing happens when there is none."""
    identifier = identify(call, FunctionName)
    provisioned_version = await _delete(call.state, identifier, Name)
    if provisioned_version is not None:
        executor = call.part(Executor)
        await executor.provision(call.account, call.region, identifier.name, provisioned_version, 0)


def describe(alias: Alias, identifier: FunctionIdentifier) -> dict[str, Any]:
    """An alias as the API has it."""
    answer: dict[str, Any] = {
        "AliasArn": f"{identifier.function_arn}:{alias.name}",
        "Name": alias.name,
        "FunctionVersion": alias.function_version,
        "Description": alias.description,
        "RevisionId": alias.revision_id,
    }
    if alias.weights:
        answer["RoutingConfig"] = {"AdditionalVersionWeights": alias.weights}
    return answer


def check_weights(version: str, weights: dict[str, float]) -> None:
    """Raise InvalidParameterValueException for a division of traffic that Lambda refuses."""
    if len(weights) > 1:
        raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    for other, weight in weights.items():
        if not 0.0 <= weight <= 1.0:
            shown = ", ".join(f"{name}={float(value)}" for name, value in weights.items())
            raise aws_error(
                "ValidationException",
                f"1 validation error detected: Value '{{{shown}}}' at 'routingConfig.additionalVersionWeights' failed "
                "to satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal "
                "to 1.0, Member must have value greater than or equal to 0.0]",
            )
        if LATEST in (version, other):
            raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
        if other == version:
            raise invalid(
                f"Invalid function version {other}. Function version {other} is already included in routing "
                "configuration."
            )


def _weights(RoutingConfig: dict[str, Any] | None) -> dict[str, float]:
    return dict((RoutingConfig or {}).get("AdditionalVersionWeights") or {})


@transactional
async def _create(tx: Transaction, identifier: FunctionIdentifier, alias: Alias) -> None:
    await find_head(tx, identifier)
    await _check_versions(tx, identifier, alias)
    if await aliases.get(tx, alias.function, alias.name) is not None:
        raise aws_error(
            "ResourceConflictException",
            f"Alias already exists: {identifier.function_arn}:{alias.name}",
            Type="User",
        )
    await aliases.put(tx, alias)


async def _check_versions(tx: Transaction, identifier: FunctionIdentifier, alias: Alias) -> None:
    for version in (alias.function_version, *alias.weights):
        if await versions.get(tx, alias.function, version_number(version)) is None:
            raise identifier._replace(qualifier=version).not_found()


@transactional
async def _get(tx: Transaction, identifier: FunctionIdentifier, name: str) -> Alias:
    alias = await aliases.get(tx, identifier.name, name)
    if alias is None:
        raise aws_error(
            "ResourceNotFoundException", f"Cannot find alias arn: {identifier.function_arn}:{name}", Type="User"
        )
    return alias


@transactional
async def _list(tx: Transaction, identifier: FunctionIdentifier, after: str | None) -> list[Alias]:
    await find_head(tx, identifier)
    return await aliases.list(tx, identifier.name, after=None if after is None else (identifier.name, after))


@transactional
async def _update(
    tx: Transaction, identifier: FunctionIdentifier, name: str, changes: dict[str, Any], revision_id: str | None
) -> tuple[Alias, Alias, int]:
    """The alias before and after, and how many provisioned environments move with it to another version."""
    current = await _get(tx, identifier, name)
    check_revision(current.revision_id, revision_id)
    updated = msgspec.structs.replace(current, **changes, revision_id=uuid())
    check_weights(updated.function_version, updated.weights)
    await _check_versions(tx, identifier, updated)
    ready = None
    if updated.function_version != current.function_version:
        ready = await provisioned.get(tx, identifier.account, identifier.region, identifier.name, name)
        if ready is not None:
            await check_can_be_ready(tx, identifier._replace(qualifier=name), updated.function_version)
    await aliases.put(tx, updated)
    return current, updated, 0 if ready is None else ready.requested


@transactional
async def _delete(tx: Transaction, identifier: FunctionIdentifier, name: str) -> str | None:
    alias = await aliases.get(tx, identifier.name, name)
    if alias is None:
        return None
    await aliases.delete(tx, identifier.name, name)
    return alias.function_version if await forget_qualifier(tx, identifier, name) else None


async def forget_qualifier(tx: Transaction, identifier: FunctionIdentifier, qualifier: str) -> bool:
    """Delete what hangs on a version or an alias: policy, URL, settings; whether environments were provisioned."""
    name = identifier.name
    await policies.delete(tx, name, qualifier)
    await event_invoke_configs.delete(tx, name, qualifier or LATEST)
    url = await urls.get(tx, name, qualifier)
    if url is not None:
        await urls.delete(tx, name, qualifier)
        await url_places.delete(tx, url.url_id)
    return await provisioned.delete(tx, identifier.account, identifier.region, name, qualifier)
