"""Rules: put, describe, list, enable, disable, delete."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.event_pattern import PatternError, compile_pattern
from kumoi.schedules import ScheduleError
from kumoi.services.events import events, rule_schedules
from kumoi.services.events.lookup import find_bus, find_rule, targets_of
from kumoi.services.events.naming import bus_name, invalid, page, rule_arn
from kumoi.services.events.operations.tags import tags_of
from kumoi.services.events.records import DEFAULT_BUS, Rule, rules, targets
from kumoi.services.events.rule_index import changed
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_RULES = 300
"""Rules of one bus, as AWS has it unless asked for more."""


@events.operation
async def put_rule(
    call: Call,
    Name: str,
    ScheduleExpression: str | None = None,
    EventPattern: str | None = None,
    State: str = "ENABLED",
    Description: str | None = None,
    RoleArn: str | None = None,
    Tags: list[dict[str, str]] | None = None,
    EventBusName: str | None = None,
) -> dict[str, Any]:
    """Create a rule, or replace what is said of one; its targets and tags stay."""
    bus = bus_name(EventBusName)
    if not ScheduleExpression and not EventPattern:
        raise invalid("EventPattern", "EventPattern or ScheduleExpression is a required argument.")
    if ScheduleExpression:
        if bus != DEFAULT_BUS:
            raise aws_error("ValidationException", "ScheduleExpression is supported only on the default event bus.")
        try:
            rule_schedules.parse(ScheduleExpression, call.now)
        except ScheduleError:
            raise invalid("ScheduleExpression") from None
    if EventPattern:
        check_pattern(EventPattern)
    rule = Rule(
        bus=bus,
        name=Name,
        pattern=EventPattern or None,
        schedule=ScheduleExpression or None,
        state=State,
        description=Description,
        role=RoleArn,
        tags=tags_of(Tags),
        created_by=call.account,
        started=call.now,
    )
    await _put(call.state, rule)
    return {"RuleArn": rule_arn(call.account, call.region, bus, Name)}


@events.operation
async def describe_rule(call: Call, Name: str, EventBusName: str | None = None) -> dict[str, Any]:
    """A rule."""
    rule = await find_rule(call.state, bus_name(EventBusName), Name)
    return {**_describe(call, rule), "CreatedBy": rule.created_by}


@events.operation
async def list_rules(
    call: Call,
    NamePrefix: str = "",
    EventBusName: str | None = None,
    NextToken: str | None = None,
    Limit: int | None = None,
) -> dict[str, Any]:
    """The rules of a bus by name."""
    found = [rule for rule in await _all(call.state, bus_name(EventBusName)) if rule.name.startswith(NamePrefix)]
    shown, more = page(found, lambda rule: rule.name, NextToken, Limit)
    return {"Rules": [_describe(call, rule) for rule in shown], **more}


@events.operation
async def list_rule_names_by_target(
    call: Call,
    TargetArn: str,
    EventBusName: str | None = None,
    NextToken: str | None = None,
    Limit: int | None = None,
) -> dict[str, Any]:
    """The names of a bus's rules that have a target."""
    found = await _by_target(call.state, bus_name(EventBusName), TargetArn)
    shown, more = page(found, lambda name: name, NextToken, Limit)
    return {"RuleNames": list(shown), **more}


@events.operation
async def enable_rule(call: Call, Name: str, EventBusName: str | None = None) -> None:
    """Have a rule act again."""
    await _switch(call.state, bus_name(EventBusName), Name, "ENABLED")


@events.operation
async def disable_rule(call: Call, Name: str, EventBusName: str | None = None) -> None:
    """Have a rule rest."""
    await _switch(call.state, bus_name(EventBusName), Name, "DISABLED")


@events.operation
async def delete_rule(call: Call, Name: str, EventBusName: str | None = None, Force: bool = False) -> None:
    """Delete a rule without targets; one that does not exist is deleted already."""
    await _delete(call.state, bus_name(EventBusName), Name)


def check_pattern(pattern: str) -> None:
    """Raise InvalidEventPatternException for what is no event pattern."""
    try:
        compile_pattern(pattern)
    except PatternError as error:
        raise aws_error("InvalidEventPatternException", f"Event pattern is not valid. Reason: {error}") from None


def _describe(call: Call, rule: Rule) -> dict[str, Any]:
    return {
        "Name": rule.name,
        "Arn": rule_arn(call.account, call.region, rule.bus, rule.name),
        "EventPattern": rule.pattern,
        "ScheduleExpression": rule.schedule,
        "State": rule.state,
        "Description": rule.description,
        "RoleArn": rule.role,
        "EventBusName": rule.bus,
    }


@transactional
async def _put(tx: Transaction, rule: Rule) -> None:
    await find_bus(tx, rule.bus)
    known = await rules.get(tx, rule.bus, rule.name)
    if known is not None:
        same_schedule = known.schedule == rule.schedule and known.enabled and rule.enabled
        started = known.started if same_schedule else rule.started
        rule = msgspec.structs.replace(rule, tags=known.tags, created_by=known.created_by, started=started)
    elif len(await rules.list(tx, rule.bus)) >= MAX_RULES:
        raise aws_error("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    await _store(tx, rule)


async def _store(tx: Transaction, rule: Rule) -> None:
    await rules.put(tx, rule)
    await changed(tx, rule.bus)
    rule_schedules.set_timer(tx, rule, tx.now)


@transactional
async def _all(tx: Transaction, bus: str) -> list[Rule]:
    await find_bus(tx, bus)
    return await rules.list(tx, bus)


@transactional
async def _by_target(tx: Transaction, bus: str, target: str) -> list[str]:
    await find_bus(tx, bus)
    return [one.rule for one in await targets.list(tx, bus) if any(each["Arn"] == target for each in one.targets)]


@transactional
async def _switch(tx: Transaction, bus: str, name: str, state: str) -> None:
    rule = await find_rule(tx, bus, name)
    if rule.enabled != (state != "DISABLED"):
        await _store(tx, msgspec.structs.replace(rule, state=state, started=tx.now))


@transactional
async def _delete(tx: Transaction, bus: str, name: str) -> None:
    await find_bus(tx, bus)
    rule = await rules.get(tx, bus, name)
    if rule is None:
        return
    if (await targets_of(tx, bus, name)).targets:
        raise aws_error("ValidationException", "Rule can't be deleted since it has targets.")
    await rules.delete(tx, bus, name)
    await targets.delete(tx, bus, name)
    await changed(tx, bus)
    rule_schedules.set_timer(tx, msgspec.structs.replace(rule, state="DISABLED"), tx.now)
