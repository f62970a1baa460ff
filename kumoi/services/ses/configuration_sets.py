"""Configuration sets in the key space, and the event destinations of both APIs' requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.ses.errors import invalid, is_v2, limit_exceeded, missing, no_configuration_set, taken
from kumoi.services.ses.events import NAMES
from kumoi.services.ses.records import ConfigurationSet, EventDestination, configuration_sets
from kumoi.state import State, Transaction, transactional
from kumoi.wire.errors import aws_error

MOST = 10_000
MOST_DESTINATIONS = 10

TARGETS = ("CloudWatchDestination", "EventBridgeDestination", "KinesisFirehoseDestination", "SnsDestination")
_ARNS = (
    ("SnsDestination", "TopicArn", "sns", "SNS"),
    ("EventBridgeDestination", "EventBusArn", "events", "EventBridge"),
    ("KinesisFirehoseDestination", "DeliveryStreamArn", "firehose", "Firehose"),
)


async def create(call: Call, made: ConfigurationSet) -> None:
    """Store a new configuration set."""
    name = made.name
    if not name or len(name) > 64 or not all(one.isascii() and (one.isalnum() or one in "_-") for one in name):
        text = f"Configuration set name <{name}> has 1 to 64 ASCII letters, digits, dashes and underscores."
        raise invalid(call, text) if is_v2(call) else aws_error("InvalidConfigurationSet", text)
    if not await _create(call.state, made):
        text = f"Configuration set <{name}> already exists."
        raise taken(call, "ConfigurationSet", text, ConfigurationSetName=name)


@transactional
async def _create(tx: Transaction, made: ConfigurationSet) -> bool:
    if await configuration_sets.get(tx, made.name) is not None:
        return False
    await configuration_sets.put(tx, made)
    return True


async def find(call: Call, name: str) -> ConfigurationSet:
    """A configuration set."""
    found = await configuration_sets.look(call.state, name)
    if found is None:
        raise no_configuration_set(call, name)
    return found


async def delete(call: Call, name: str) -> None:
    """Remove a configuration set."""
    if not await call.state.run(configuration_sets.delete, name):
        raise no_configuration_set(call, name)


@transactional
async def _change(
    tx: Transaction, call: Call, name: str, changed: Callable[[ConfigurationSet], ConfigurationSet]
) -> None:
    found = await configuration_sets.get(tx, name)
    if found is None:
        raise no_configuration_set(call, name)
    await configuration_sets.put(tx, changed(found))


async def change(call: Call, name: str, changed: Callable[[ConfigurationSet], ConfigurationSet]) -> None:
    """Change a configuration set that there is."""
    await _change(call.state, call, name, changed)


async def set_option(call: Call, name: str, option: str, value: Mapping[str, Any]) -> None:
    """Replace a setting by the v2 API's name; without any value it is as at first."""
    given = {member: one for member, one in value.items() if one is not None}

    def changed(one: ConfigurationSet) -> ConfigurationSet:
        options = {known: setting for known, setting in one.options.items() if known != option}
        return msgspec.structs.replace(one, options={**options, option: given} if given else options)

    await change(call, name, changed)


async def listed(state: State) -> list[ConfigurationSet]:
    """All of them by name."""
    return await state.run(configuration_sets.list)


def destination(call: Call, name: str, given: Mapping[str, Any]) -> EventDestination:
    """An event destination as the v2 API describes it; refused where it can be none."""
    if given.get("PinpointDestination"):
        raise aws_error("NotImplemented", "Kumoi has no Pinpoint: events go to SNS, EventBridge, CloudWatch, Firehose.")
    target = {kind: given[kind] for kind in TARGETS if given.get(kind) is not None}
    if len(target) != 1:
        raise invalid(call, "An event destination has exactly one of CloudWatch, EventBridge, Firehose and SNS.")
    types = tuple(given.get("MatchingEventTypes") or ())
    if not types:
        raise invalid(call, "An event destination needs at least one matching event type.")
    if unknown := [one for one in types if one not in NAMES]:
        raise invalid(call, f"Unknown event types: {', '.join(unknown)}.")
    for kind, member, service, spoken in _ARNS:
        if kind in target and not _is_of(target[kind].get(member), service):
            text = f"{spoken} destination <{target[kind].get(member)}> is not valid."
            raise (
                invalid(call, text)
                if is_v2(call)
                else aws_error(f"Invalid{spoken}Destination", text, EventDestinationName=name)
            )
    if "CloudWatchDestination" in target and not target["CloudWatchDestination"].get("DimensionConfigurations"):
        text = "A CloudWatch destination needs at least one dimension."
        raise invalid(call, text) if is_v2(call) else aws_error("InvalidCloudWatchDestination", text)
    return EventDestination(name=name, enabled=bool(given.get("Enabled", False)), types=types, target=target)


def _is_of(text: Any, service: str) -> bool:
    try:
        return Arn.parse(str(text)).service == service
    except ValueError:
        return False


async def add_destination(call: Call, name: str, made: EventDestination) -> None:
    """Give a configuration set an event destination."""

    def added(one: ConfigurationSet) -> ConfigurationSet:
        if any(known.name == made.name for known in one.destinations):
            text = f"Event destination <{made.name}> already exists in configuration set <{name}>."
            raise taken(call, "EventDestination", text, ConfigurationSetName=name, EventDestinationName=made.name)
        if len(one.destinations) >= MOST_DESTINATIONS:
            raise limit_exceeded(call, f"A configuration set can have at most {MOST_DESTINATIONS} event destinations.")
        return msgspec.structs.replace(one, destinations=(*one.destinations, made))

    await change(call, name, added)


async def replace_destination(call: Call, name: str, destination_name: str, made: EventDestination | None) -> None:
    """Give an event destination other settings, or (None) take it away."""

    def replaced(one: ConfigurationSet) -> ConfigurationSet:
        if not any(known.name == destination_name for known in one.destinations):
            text = f"Event destination <{destination_name}> does not exist in configuration set <{name}>."
            members = {"ConfigurationSetName": name, "EventDestinationName": destination_name}
            raise missing(call, "EventDestination", text, **members)
        others = (made if known.name == destination_name else known for known in one.destinations)
        return msgspec.structs.replace(one, destinations=tuple(known for known in others if known is not None))

    await change(call, name, replaced)
