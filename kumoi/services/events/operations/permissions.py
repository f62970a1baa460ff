"""Who may put events on a bus: PutPermission and RemovePermission."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.names import partition_of
from kumoi.services.events import events
from kumoi.services.events.lookup import find_bus
from kumoi.services.events.naming import bus_arn, bus_name, invalid, not_found
from kumoi.services.events.records import EventBus, buses
from kumoi.services.events.rule_index import changed
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_POLICY = 10_240


@events.operation
async def put_permission(
    call: Call,
    EventBusName: str | None = None,
    Action: str | None = None,
    Principal: str | None = None,
    StatementId: str | None = None,
    Condition: dict[str, str] | None = None,
    Policy: str | None = None,
) -> None:
    """Add one statement to a bus's policy (the same StatementId replaces), or put a whole policy."""
    name = bus_name(EventBusName)
    if Policy is not None:
        if any(given is not None for given in (Action, Principal, StatementId, Condition)):
            raise invalid("Policy", "Policy cannot be combined with Action, Principal, StatementId or Condition.")
        await _put(call.state, name, _document(Policy))
        return
    if Action is None or Principal is None or StatementId is None:
        raise invalid("Principal", "Action, Principal and StatementId are required where no Policy is given.")
    if Action != "events:PutEvents":
        raise invalid("Action", "Provided value in parameter 'action' is not supported.")
    root = f"arn:{partition_of(call.region)}:iam::{Principal}:root"
    statement: dict[str, Any] = {
        "Sid": StatementId,
        "Effect": "Allow",
        "Principal": "*" if Principal == "*" else {"AWS": root},
        "Action": Action,
        "Resource": bus_arn(call.account, call.region, name),
    }
    if Condition is not None:
        statement["Condition"] = {Condition["Type"]: {Condition["Key"]: Condition["Value"]}}
    await _add(call.state, name, statement)


@events.operation
async def remove_permission(
    call: Call, StatementId: str | None = None, RemoveAllPermissions: bool = False, EventBusName: str | None = None
) -> None:
    """Remove one statement of a bus's policy, or all of them."""
    name = bus_name(EventBusName)
    if RemoveAllPermissions:
        await _put(call.state, name, None)
    elif StatementId is None:
        raise invalid("StatementId", "StatementId is a required argument.")
    else:
        await _remove(call.state, name, StatementId)


def _document(text: str) -> dict[str, Any]:
    try:
        policy = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise invalid("Policy", "The policy is not valid JSON.") from None
    if not isinstance(policy, dict) or not isinstance(policy.get("Statement"), list | dict):
        raise invalid("Policy", "A policy is an object with a Statement.")
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    if not all(isinstance(statement, dict) for statement in statements):
        raise invalid("Policy", "A statement is an object.")
    return {**policy, "Statement": statements}


async def _store(tx: Transaction, bus: EventBus, policy: dict[str, Any] | None) -> None:
    if policy is not None and len(orjson.dumps(policy)) > MAX_POLICY:
        raise aws_error("PolicyLengthExceededException", f"The policy of a bus has up to {MAX_POLICY} characters.")
    await buses.put(tx, msgspec.structs.replace(bus, policy=policy, modified=tx.now, created=bus.created or tx.now))
    await changed(tx, bus.name)


@transactional
async def _put(tx: Transaction, name: str, policy: dict[str, Any] | None) -> None:
    await _store(tx, await find_bus(tx, name), policy)


@transactional
async def _add(tx: Transaction, name: str, statement: dict[str, Any]) -> None:
    bus = await find_bus(tx, name)
    policy = bus.policy or {"Version": "2012-10-17", "Statement": []}
    kept = [one for one in policy["Statement"] if one.get("Sid") != statement["Sid"]]
    await _store(tx, bus, {**policy, "Statement": [*kept, statement]})


@transactional
async def _remove(tx: Transaction, name: str, sid: str) -> None:
    bus = await find_bus(tx, name)
    statements = (bus.policy or {}).get("Statement", [])
    kept = [one for one in statements if one.get("Sid") != sid]
    if len(kept) == len(statements):
        raise not_found("Statement with the provided id does not exist.")
    await _store(tx, bus, {**(bus.policy or {}), "Statement": kept} if kept else None)
