"""Finding what an ARN names: a machine with the version or alias that is meant, an execution, an activity."""

from __future__ import annotations

import random
from typing import NamedTuple

from kumoi.doorway import Call
from kumoi.services.stepfunctions.naming import (
    ExecutionArn,
    MachineArn,
    activity_name,
    execution_arn,
    machine_arn,
    no_execution,
    no_machine,
    small_number,
)
from kumoi.services.stepfunctions.records import (
    ActivityRecord,
    AliasRecord,
    DefinitionRecord,
    ExecutionRecord,
    MachineRecord,
    VersionRecord,
    activities,
    aliases,
    definitions,
    executions,
    machines,
    versions,
)
from kumoi.state import State, Transaction, transactional
from kumoi.wire.errors import aws_error


class Found(NamedTuple):
    """A machine, and what of it an ARN means: its present definition, or a version's."""

    arn: MachineArn
    machine: MachineRecord
    hash: str
    role: str
    version: VersionRecord | None
    alias: AliasRecord | None


def place_of(call: Call, arn: MachineArn | ExecutionArn) -> State:
    """The key space that an ARN belongs to."""
    return call.doorway.state.at(arn.account, arn.region)


async def find_machine(call: Call, arn: str) -> Found:
    """The machine of an ARN, of whatever qualification; StateMachineDoesNotExist."""
    parsed = machine_arn(arn)
    found = await _find(place_of(call, parsed), parsed)
    if found is None:
        raise no_machine(arn)
    return found


async def find_definition(call: Call, arn: str) -> tuple[Found, str]:
    """The machine of an ARN and the text of the definition that is meant; StateMachineDoesNotExist."""
    parsed = machine_arn(arn)
    found = await _find_definition(place_of(call, parsed), parsed)
    if found is None:
        raise no_machine(arn)
    return found


@transactional
async def _find_definition(tx: Transaction, arn: MachineArn) -> tuple[Found, str] | None:
    found = await _find(tx, arn)
    return None if found is None else (found, await definition_text(tx, found.hash))


@transactional
async def _find(tx: Transaction, arn: MachineArn) -> Found | None:
    machine = await machines.get(tx, arn.name)
    if machine is None:
        return None
    if arn.qualifier is None:
        return Found(arn, machine, machine.hash, machine.role, None, None)
    alias = None
    number = small_number(arn.qualifier)
    if number is None:
        alias = await aliases.get(tx, arn.name, arn.qualifier)
        if alias is None:
            return None
        number = random.choices([one for one, _ in alias.routes], [weight for _, weight in alias.routes])[0]
    version = await versions.get(tx, arn.name, number)
    if version is None:
        return None
    return Found(arn, machine, version.hash, version.role, version, alias)


@transactional
async def definition_text(tx: Transaction, key: str) -> str:
    """The text of a definition."""
    found = await definitions.get(tx, key)
    assert isinstance(found, DefinitionRecord)
    return found.text


async def find_execution(call: Call, arn: str) -> tuple[ExecutionArn, ExecutionRecord]:
    """A stored execution; ExecutionDoesNotExist."""
    parsed = execution_arn(arn)
    found = None if parsed.express else await _execution(place_of(call, parsed), parsed)
    if found is None:
        raise no_execution(arn)
    return parsed, found


@transactional
async def _execution(tx: Transaction, arn: ExecutionArn) -> ExecutionRecord | None:
    machine = arn.machine if arn.label is None else f"{arn.machine}/{arn.label}"
    return await executions.get(tx, machine, arn.name)


async def find_activity(call: Call, arn: str) -> ActivityRecord:
    """An activity; ActivityDoesNotExist."""
    found = await _activity(call.state, activity_name(arn))
    if found is None:
        raise aws_error("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'")
    return found


@transactional
async def _activity(tx: Transaction, name: str) -> ActivityRecord | None:
    return await activities.get(tx, name)
