"""What the executor and the event queue look up in state by themselves."""

from __future__ import annotations

from typing import NamedTuple

from kumoi.doorway import Principal
from kumoi.services.lambda_.identifiers import LATEST
from kumoi.services.lambda_.records import (
    Function,
    ProvisionedConfig,
    aliases,
    event_invoke_configs,
    heads,
    provisioned,
    url_places,
    versions,
)
from kumoi.state import State, Transaction, transactional


@transactional
async def find_published(tx: Transaction, name: str, version: str) -> Function | None:
    """A version of a function by its number."""
    return await versions.get(tx, name, 0 if version == LATEST else int(version))


@transactional
async def reserved_in(tx: Transaction) -> int:
    """The sum of all reservations of an account in a region."""
    return sum(head.reserved_concurrency or 0 for head in await heads.list(tx))


class EventSettings(NamedTuple):
    """How asynchronous events of a function are treated. `stopped`: it reserves no concurrency, and will not run."""

    max_attempts: int | None = None
    max_age: int | None = None
    on_success: str | None = None
    on_failure: str | None = None
    dead_letter: str | None = None
    stopped: bool = False


@transactional
async def event_settings(tx: Transaction, name: str, qualifier: str | None) -> EventSettings:
    """The settings for events that a qualifier of a function was invoked with."""
    head, version = await heads.get(tx, name), await _version(tx, name, qualifier)
    config = await event_invoke_configs.get(tx, name, qualifier or LATEST)
    letter = None if version is None else version.extras.get("DeadLetterConfig", {}).get("TargetArn")
    stopped = head is not None and head.reserved_concurrency == 0
    if config is None:
        return EventSettings(dead_letter=letter or None, stopped=stopped)
    return EventSettings(
        config.max_attempts, config.max_age, config.on_success, config.on_failure, letter or None, stopped
    )


async def _version(tx: Transaction, name: str, qualifier: str | None) -> Function | None:
    if qualifier is not None and qualifier != LATEST and not qualifier.isdigit():
        alias = await aliases.get(tx, name, qualifier)
        qualifier = None if alias is None else alias.function_version
    return await versions.get(tx, name, 0 if qualifier in (None, LATEST) else int(qualifier or 0))


@transactional
async def _role(tx: Transaction, name: str, qualifier: str | None) -> str | None:
    version = await _version(tx, name, qualifier)
    return None if version is None else version.role


async def acting_for(state: State, function_arn: str, source: str) -> Principal:
    """Lambda as it acts for a function, reading its event sources, delivering its results: in its execution role."""
    _, _, _, region, account, _, name, *qualifier = function_arn.split(":")
    role = await _role(state.at(account, region), name, qualifier[0] if qualifier else None)
    if role is None:
        return Principal.of_service(account, "lambda.amazonaws.com", source, function_arn)
    return Principal.of_role(account, role, name, source)


class Provisioned(NamedTuple):
    """A version that shall have environments ready."""

    config: ProvisionedConfig
    version: str


@transactional
async def all_provisioned(tx: Transaction) -> list[Provisioned]:
    """Everything that is provisioned on this platform, at its start."""
    found = []
    for config in await provisioned.list(tx):
        version = await _version(tx.at(config.account, config.region), config.function, config.qualifier)
        if version is not None:
            found.append(Provisioned(config, version.version))
    return found


@transactional
async def forget_places(tx: Transaction, account: str | None) -> None:
    """Drop what is stored apart from its account: provisioned concurrency, the index of function URLs."""
    for config in await provisioned.list(tx):
        if account in (None, config.account):
            await provisioned.delete(tx, config.account, config.region, config.function, config.qualifier)
    for place in await url_places.list(tx):
        if account in (None, place.account):
            await url_places.delete(tx, place.url_id)
