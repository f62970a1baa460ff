"""Targets of rules: put, remove, list."""

from __future__ import annotations

from typing import Any

from kumoi.delivery.json_path import PathError
from kumoi.delivery.json_path import parse as parse_path
from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.events import events
from kumoi.services.events.lookup import find_bus, find_rule, targets_of
from kumoi.services.events.naming import bus_name, check_dead_letters, page
from kumoi.services.events.records import RuleTargets, targets
from kumoi.services.events.rule_index import changed
from kumoi.services.events.target_input import InputError, check
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

MAX_TARGETS = 5


@events.operation
async def put_targets(
    call: Call, Rule: str, Targets: list[dict[str, Any]], EventBusName: str | None = None
) -> dict[str, Any]:
    """Add targets to a rule; those of the same Id are replaced."""
    for target in Targets:
        _check(target)
    await _put(call.state, bus_name(EventBusName), Rule, Targets)
    return {"FailedEntryCount": 0, "FailedEntries": []}


@events.operation
async def remove_targets(
    call: Call, Rule: str, Ids: list[str], EventBusName: str | None = None, Force: bool = False
) -> dict[str, Any]:
    """Remove targets from a rule by their Ids; those it does not have are removed already."""
    await _remove(call.state, bus_name(EventBusName), Rule, Ids)
    return {"FailedEntryCount": 0, "FailedEntries": []}


@events.operation
async def list_targets_by_rule(
    call: Call,
    Rule: str,
    EventBusName: str | None = None,
    NextToken: str | None = None,
    Limit: int | None = None,
) -> dict[str, Any]:
    """A rule's targets."""
    found = sorted(await _list(call.state, bus_name(EventBusName), Rule), key=lambda target: str(target["Id"]))
    shown, more = page(found, lambda target: str(target["Id"]), NextToken, Limit)
    return {"Targets": list(shown), **more}


def _check(target: dict[str, Any]) -> None:
    """Raise ValidationException for a target that nothing could be delivered to."""
    try:
        check(target)
    except InputError as error:
        raise _refused(str(error)) from None
    name = target["Id"]
    try:
        arn = Arn.parse(target["Arn"])
    except ValueError:
        raise _refused(
            f"Parameter {target['Arn']} is not valid. Reason: Provided Arn is not in correct format."
        ) from None
    check_dead_letters(target.get("DeadLetterConfig"))
    is_fifo = arn.service == "sqs" and arn.resource.endswith(".fifo")
    if is_fifo and not target.get("SqsParameters", {}).get("MessageGroupId"):
        raise _refused(f"Parameter(s) SqsParameters must be specified for target: {name}.")
    if arn.service == "states" and "RoleArn" not in target:
        raise _refused(f"RoleArn is required for target {target['Arn']}.")
    if "KinesisParameters" in target:
        try:
            parse_path(target["KinesisParameters"]["PartitionKeyPath"])
        except PathError:
            raise _refused(f"Invalid PartitionKeyPath for target {name}.") from None


def _refused(text: str) -> AwsError:
    return aws_error("ValidationException", text)


@transactional
async def _put(tx: Transaction, bus: str, rule: str, added: list[dict[str, Any]]) -> None:
    await find_bus(tx, bus)
    await find_rule(tx, bus, rule)
    merged = {target["Id"]: target for target in (await targets_of(tx, bus, rule)).targets}
    merged |= {target["Id"]: target for target in added}
    if len(merged) > MAX_TARGETS:
        raise aws_error("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    await targets.put(tx, RuleTargets(bus, rule, tuple(merged.values())))
    await changed(tx, bus)


@transactional
async def _remove(tx: Transaction, bus: str, rule: str, removed: list[str]) -> None:
    await find_bus(tx, bus)
    await find_rule(tx, bus, rule)
    kept = tuple(target for target in (await targets_of(tx, bus, rule)).targets if target["Id"] not in removed)
    await targets.put(tx, RuleTargets(bus, rule, kept))
    await changed(tx, bus)


@transactional
async def _list(tx: Transaction, bus: str, rule: str) -> tuple[dict[str, Any], ...]:
    await find_bus(tx, bus)
    await find_rule(tx, bus, rule)
    return (await targets_of(tx, bus, rule)).targets
