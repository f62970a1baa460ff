"""State machines: made, changed, described, listed, deleted."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.stepfunctions import stepfunctions
from kumoi.services.stepfunctions.language.definition import Machine, State, compile_machine
from kumoi.services.stepfunctions.language.diagnostics import ERROR, error_text
from kumoi.services.stepfunctions.language.validation import MAX_BYTES, validate
from kumoi.services.stepfunctions.logging_configuration import check_logging
from kumoi.services.stepfunctions.lookup import definition_text, find_machine, place_of
from kumoi.services.stepfunctions.naming import check_name, machine_arn
from kumoi.services.stepfunctions.paging import page
from kumoi.services.stepfunctions.records import (
    DefinitionRecord,
    MachineRecord,
    VersionRecord,
    aliases,
    definitions,
    machines,
    versions,
)
from kumoi.services.stepfunctions.tagging import check_tags
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_OFF = {"level": "OFF", "includeExecutionData": False}


@stepfunctions.operation
async def create_state_machine(
    call: Call,
    name: str,
    definition: str,
    roleArn: str,
    type: str = "STANDARD",
    loggingConfiguration: dict[str, Any] | None = None,
    tags: list[dict[str, str]] | None = None,
    tracingConfiguration: dict[str, Any] | None = None,
    publish: bool = False,
    versionDescription: str | None = None,
    encryptionConfiguration: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Make a state machine; the same request made again answers the same."""
    check_name(name)
    check_definition(definition, type)
    check_role(roleArn)
    if versionDescription is not None and not publish:
        raise aws_error("ValidationException", "Version description can only be set when publish is true")
    await check_logging(call, loggingConfiguration)
    key = digest(definition)
    machine = MachineRecord(
        name=name,
        id=uuid(),
        type=type,
        hash=key,
        role=roleArn,
        created=call.now,
        updated=call.now,
        logging=loggingConfiguration or _OFF,
        tracing=tracingConfiguration or {"enabled": False},
        encryption=encryptionConfiguration or {"type": "AWS_OWNED_KEY"},
        tags=check_tags(tags),
    )
    stored, number = await _create(call.state, machine, definition, publish, versionDescription)
    arn = call.arn("states", f"stateMachine:{name}")
    answer: dict[str, Any] = {"stateMachineArn": arn, "creationDate": stored.created}
    if number is not None:
        answer["stateMachineVersionArn"] = f"{arn}:{number}"
    return answer


@transactional
async def _create(
    tx: Transaction, machine: MachineRecord, text: str, publish: bool, description: str | None
) -> tuple[MachineRecord, int | None]:
    there = await machines.get(tx, machine.name)
    if there is not None:
        same = (there.type, there.hash, there.logging, there.tracing, there.encryption) == (
            *(machine.type, machine.hash, machine.logging, machine.tracing, machine.encryption),
        )
        if not same:
            arn = f"arn:aws:states:{tx.region}:{tx.account}:stateMachine:{machine.name}"
            raise aws_error("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
        machine = there
    await definitions.put(tx, DefinitionRecord(machine.hash, text))
    await machines.put(tx, machine)
    return machine, await publish_version(tx, machine, description) if publish else None


async def publish_version(tx: Transaction, machine: MachineRecord, description: str | None) -> int:
    """Publish what a machine is now as a version, unless the latest version is that already; its number."""
    latest = await versions.get(tx, machine.name, machine.version)
    if latest is not None and latest.revision == machine.revision:
        return latest.number
    number = machine.version + 1
    await versions.put(
        tx,
        VersionRecord(
            machine=machine.name,
            number=number,
            hash=machine.hash,
            role=machine.role,
            revision=machine.revision,
            created=tx.now,
            description=description,
        ),
    )
    await machines.put(tx, msgspec.structs.replace(machine, version=number))
    return number


@stepfunctions.operation
async def update_state_machine(
    call: Call,
    stateMachineArn: str,
    definition: str | None = None,
    roleArn: str | None = None,
    loggingConfiguration: dict[str, Any] | None = None,
    tracingConfiguration: dict[str, Any] | None = None,
    publish: bool = False,
    versionDescription: str | None = None,
    encryptionConfiguration: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Change a state machine. What runs goes on with the definition it began with."""
    found = await find_machine(call, stateMachineArn)
    given = {
        "role": roleArn,
        "logging": loggingConfiguration,
        "tracing": tracingConfiguration,
        "encryption": encryptionConfiguration,
    }
    if definition is None and all(one is None for one in given.values()):
        raise aws_error(
            "MissingRequiredParameter",
            "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be "
            "specified",
        )
    if definition is not None:
        check_definition(definition, found.machine.type)
        given["hash"] = digest(definition)
    if roleArn is not None:
        check_role(roleArn)
    await check_logging(call, loggingConfiguration)
    changes = {name: one for name, one in given.items() if one is not None}
    number, updated = await _update(
        place_of(call, found.arn), found.machine.name, changes, definition, publish, versionDescription
    )
    answer: dict[str, Any] = {"updateDate": updated.updated, "revisionId": updated.revision}
    if number is not None:
        answer["stateMachineVersionArn"] = f"{stateMachineArn}:{number}"
    return answer


@transactional
async def _update(
    tx: Transaction, name: str, changes: dict[str, Any], text: str | None, publish: bool, description: str | None
) -> tuple[int | None, MachineRecord]:
    machine = await machines.get(tx, name)
    assert machine is not None
    machine = msgspec.structs.replace(machine, **changes, revision=uuid(), updated=tx.now)
    if text is not None:
        await definitions.put(tx, DefinitionRecord(machine.hash, text))
    await machines.put(tx, machine)
    return await publish_version(tx, machine, description) if publish else None, machine


@stepfunctions.operation
async def describe_state_machine(call: Call, stateMachineArn: str, includedData: str = "ALL_DATA") -> dict[str, Any]:
    """A state machine, or one of its versions."""
    found = await find_machine(call, stateMachineArn)
    machine, version = found.machine, found.version
    answer: dict[str, Any] = {
        "stateMachineArn": stateMachineArn,
        "name": machine.name,
        "status": "ACTIVE",
        "roleArn": found.role,
        "type": machine.type,
        "creationDate": machine.created if version is None else version.created,
        "loggingConfiguration": machine.logging,
        "tracingConfiguration": machine.tracing,
        "encryptionConfiguration": machine.encryption,
    }
    text = await definition_text(place_of(call, found.arn), found.hash)
    if includedData == "ALL_DATA":
        answer["definition"] = text
        references = variable_references(compile_machine(text))
        if references:
            answer["variableReferences"] = references
    revision = machine.revision if version is None else version.revision
    if revision:
        answer["revisionId"] = revision
    if version is not None and version.description is not None:
        answer["description"] = version.description
    label = found.arn.label
    if label is not None:
        answer["label"] = label
    return answer


@stepfunctions.operation
async def list_state_machines(call: Call, maxResults: int = 0, nextToken: str | None = None) -> dict[str, Any]:
    """The state machines of the account and region."""
    found, more = page(await _all(call.state), nextToken, maxResults, 100)
    listed = [
        {
            "stateMachineArn": call.arn("states", f"stateMachine:{one.name}"),
            "name": one.name,
            "type": one.type,
            "creationDate": one.created,
        }
        for one in found
    ]
    return {"stateMachines": listed, **more}


@transactional
async def _all(tx: Transaction) -> list[MachineRecord]:
    return await machines.list(tx)


@stepfunctions.operation
async def delete_state_machine(call: Call, stateMachineArn: str) -> None:
    """Delete a state machine with its versions and aliases; what runs goes on to its end."""
    parsed = machine_arn(stateMachineArn)
    await _delete(place_of(call, parsed), parsed.name)


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    if await machines.delete(tx, name):
        await versions.delete_all(tx, name)
        await aliases.delete_all(tx, name)


def check_definition(text: str, kind: str) -> None:
    """Raise InvalidDefinition."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise aws_error("InvalidDefinition", "Invalid State Machine Definition: 'Definition is longer than 1 MiB'")
    found = validate(text, express=kind == "EXPRESS")
    if any(one.severity == ERROR for one in found):
        raise aws_error("InvalidDefinition", f"Invalid State Machine Definition: '{error_text(found)}'")


def check_role(role: str) -> None:
    """Raise InvalidArn for what is no role's ARN."""
    if not role.startswith("arn:") or ":role/" not in role:
        raise aws_error("InvalidArn", f"Invalid Role Arn: '{role}'")


def digest(text: str) -> str:
    """The hash that a definition is known by."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def variable_references(machine: Machine) -> dict[str, list[str]]:
    """For each state that reads variables, their names."""
    import re

    def names(state: State) -> list[str]:
        if state.jsonata:
            return []
        text = msgspec.json.encode({key: one for key, one in state.fields.items() if key not in _INNER}).decode()
        return sorted(set(re.findall(r"(?<![$\w.'])\$([A-Za-z_]\w*)", text)) - {"states"})

    found = {name: names(state) for name, state in machine.states.items()}
    return {name: read for name, read in found.items() if read}


_INNER = frozenset({"Branches", "ItemProcessor", "Iterator", "Comment"})
