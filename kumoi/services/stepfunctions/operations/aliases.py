"""Aliases of state machines: names that lead to one version or, by weights, to two."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.stepfunctions import stepfunctions
from kumoi.services.stepfunctions.lookup import place_of
from kumoi.services.stepfunctions.naming import (
    MachineArn,
    check_alias_name,
    invalid_arn,
    machine_arn,
    no_machine,
    small_number,
)
from kumoi.services.stepfunctions.paging import page
from kumoi.services.stepfunctions.records import AliasRecord, aliases, machines, versions
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

Routes = list[dict[str, Any]]


@stepfunctions.operation
async def create_state_machine_alias(
    call: Call, name: str, routingConfiguration: Routes, description: str | None = None
) -> dict[str, Any]:
    """Make an alias; the same one made again is answered again."""
    check_alias_name(name)
    arn, routes = _routes(routingConfiguration)
    made = AliasRecord(
        machine=arn.name, name=name, routes=routes, created=call.now, updated=call.now, description=description
    )
    stored = await _create(place_of(call, arn), made)
    base = f"arn:aws:states:{arn.region}:{arn.account}:stateMachine:{arn.name}"
    return {"stateMachineAliasArn": f"{base}:{name}", "creationDate": stored.created}


@transactional
async def _create(tx: Transaction, made: AliasRecord) -> AliasRecord:
    await _check_versions(tx, made)
    there = await aliases.get(tx, made.machine, made.name)
    if there is not None:
        if (there.routes, there.description) != (made.routes, made.description):
            raise aws_error(
                "ConflictException",
                "Failed to create alias because an alias with the same name and a different routing configuration "
                "already exists.",
            )
        return there
    await aliases.put(tx, made)
    return made


async def _check_versions(tx: Transaction, alias: AliasRecord) -> None:
    if await machines.get(tx, alias.machine) is None:
        raise no_machine(f"arn:aws:states:{tx.region}:{tx.account}:stateMachine:{alias.machine}")
    for number, _ in alias.routes:
        if await versions.get(tx, alias.machine, number) is None:
            arn = f"arn:aws:states:{tx.region}:{tx.account}:stateMachine:{alias.machine}:{number}"
            raise aws_error("ResourceNotFound", f"Resource not found: '{arn}'", resourceName=arn)


def _routes(given: Routes) -> tuple[MachineArn, list[tuple[int, int]]]:
    """The machine whose versions are routed to, and the routes as numbers and weights."""
    arns = [one["stateMachineVersionArn"] for one in given]
    weights = [one["weight"] for one in given]
    if len(set(arns)) != len(arns):
        shown = ", ".join(arns)
        raise _refused(f"Routing configuration must contain distinct state machine version ARNs. Received: [{shown}]")
    if sum(weights) != 100:
        shown = ", ".join(map(str, weights))
        raise _refused(f"Sum of routing configuration weights must equal 100. Received: [{shown}]")
    parsed = [machine_arn(one) for one in arns]
    numbers: list[int] = []
    for text, one in zip(arns, parsed, strict=True):
        version = small_number(one.qualifier)
        if version is None:
            raise _refused(f"Routing configuration must contain state machine version ARNs. Received: [{text}]")
        numbers.append(version)
    if len({one.name for one in parsed}) > 1:
        raise _refused("Routing configuration must contain versions of one state machine.")
    return parsed[0], list(zip(numbers, weights, strict=True))


def _refused(why: str) -> AwsError:
    return aws_error("ValidationException", why)


@stepfunctions.operation
async def update_state_machine_alias(
    call: Call, stateMachineAliasArn: str, description: str | None = None, routingConfiguration: Routes | None = None
) -> dict[str, Any]:
    """Change where an alias leads, or its description."""
    if description is None and routingConfiguration is None:
        raise _refused("Either description or routingConfiguration must be provided.")
    arn, alias = await _find(call, stateMachineAliasArn)
    changes: dict[str, Any] = {"updated": call.now}
    if description is not None:
        changes["description"] = description
    if routingConfiguration is not None:
        changes["routes"] = _routes(routingConfiguration)[1]
    await _replace(place_of(call, arn), msgspec.structs.replace(alias, **changes))
    return {"updateDate": call.now}


@transactional
async def _replace(tx: Transaction, alias: AliasRecord) -> None:
    await _check_versions(tx, alias)
    await aliases.put(tx, alias)


@stepfunctions.operation
async def describe_state_machine_alias(call: Call, stateMachineAliasArn: str) -> dict[str, Any]:
    """An alias."""
    _, alias = await _find(call, stateMachineAliasArn)
    base = stateMachineAliasArn.rpartition(":")[0]
    answer: dict[str, Any] = {
        "stateMachineAliasArn": stateMachineAliasArn,
        "name": alias.name,
        "routingConfiguration": [
            {"stateMachineVersionArn": f"{base}:{number}", "weight": weight} for number, weight in alias.routes
        ],
        "creationDate": alias.created,
        "updateDate": alias.updated,
    }
    return answer if alias.description is None else {**answer, "description": alias.description}


@stepfunctions.operation
async def list_state_machine_aliases(
    call: Call, stateMachineArn: str, maxResults: int = 0, nextToken: str | None = None
) -> dict[str, Any]:
    """The aliases of a machine, or those that lead to a version."""
    arn = machine_arn(stateMachineArn)
    found = await _list(place_of(call, arn), arn)
    if found is None:
        raise no_machine(stateMachineArn)
    shown, more = page(found, nextToken, maxResults, 100)
    base = ":".join(stateMachineArn.split(":")[:7])
    listed = [{"stateMachineAliasArn": f"{base}:{one.name}", "creationDate": one.created} for one in shown]
    return {"stateMachineAliases": listed, **more}


@transactional
async def _list(tx: Transaction, arn: MachineArn) -> list[AliasRecord] | None:
    if await machines.get(tx, arn.name) is None:
        return None
    found = await aliases.list(tx, arn.name)
    if arn.qualifier is None:
        return found
    return [one for one in found if arn.qualifier in [str(version) for version, _ in one.routes]]


@stepfunctions.operation
async def delete_state_machine_alias(call: Call, stateMachineAliasArn: str) -> dict[str, Any]:
    """Delete an alias."""
    arn, alias = await _find(call, stateMachineAliasArn)
    await _delete(place_of(call, arn), alias)
    return {}


@transactional
async def _delete(tx: Transaction, alias: AliasRecord) -> None:
    await aliases.delete(tx, alias.machine, alias.name)


async def _find(call: Call, text: str) -> tuple[MachineArn, AliasRecord]:
    arn = machine_arn(text)
    if arn.qualifier is None:
        raise invalid_arn(f"Resource type not valid in this context: {text}")
    found = await _get(place_of(call, arn), arn.name, arn.qualifier)
    if found is None:
        raise aws_error("ResourceNotFound", f"Resource not found: '{text}'", resourceName=text)
    return arn, found


@transactional
async def _get(tx: Transaction, machine: str, name: str) -> AliasRecord | None:
    return await aliases.get(tx, machine, name)
