"""How asynchronous invocations of a function are retried, and where their results go."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.configuration import invalid
from kumoi.services.lambda_.identifiers import LATEST, FunctionIdentifier
from kumoi.services.lambda_.operations.find import find_version, identify
from kumoi.services.lambda_.records import EventInvokeConfig, event_invoke_configs, heads
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

PAGE = 50
_SERVICES = ("lambda", "sqs", "sns", "events", "s3")


@lambda_.operation
async def put_function_event_invoke_config(
    call: Call,
    FunctionName: str,
    Qualifier: str | None = None,
    MaximumRetryAttempts: int | None = None,
    MaximumEventAgeInSeconds: int | None = None,
    DestinationConfig: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Set the configuration; what is not given goes back to its default."""
    return await _change(
        call, FunctionName, Qualifier, MaximumRetryAttempts, MaximumEventAgeInSeconds, DestinationConfig, merge=False
    )


@lambda_.operation
async def update_function_event_invoke_config(
    call: Call,
    FunctionName: str,
    Qualifier: str | None = None,
    MaximumRetryAttempts: int | None = None,
    MaximumEventAgeInSeconds: int | None = None,
    DestinationConfig: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Change what is given of the configuration; the rest stays."""
    return await _change(
        call, FunctionName, Qualifier, MaximumRetryAttempts, MaximumEventAgeInSeconds, DestinationConfig, merge=True
    )


@lambda_.operation
async def get_function_event_invoke_config(
    call: Call, FunctionName: str, Qualifier: str | None = None
) -> dict[str, Any]:
    """The configuration of a function, a version or an alias."""
    identifier = _qualified(identify(call, FunctionName, Qualifier))
    return _described(identifier, await _get(call.state, identifier))


@lambda_.operation
async def delete_function_event_invoke_config(call: Call, FunctionName: str, Qualifier: str | None = None) -> None:
    """Go back to the defaults."""
    await _delete(call.state, _qualified(identify(call, FunctionName, Qualifier)))


@lambda_.operation
async def list_function_event_invoke_configs(
    call: Call, FunctionName: str, Marker: str | None = None, MaxItems: int = PAGE
) -> dict[str, Any]:
    """The configurations of a function, its versions and aliases."""
    identifier = identify(call, FunctionName)
    page = min(MaxItems, PAGE)
    found = await _list(call.state, identifier, Marker, page + 1)
    items = [_described(identifier._replace(qualifier=one.qualifier), one) for one in found[:page]]
    answer: dict[str, Any] = {"FunctionEventInvokeConfigs": items}
    if len(found) > page:
        answer["NextMarker"] = found[page - 1].qualifier
    return answer


async def _change(
    call: Call,
    FunctionName: str,
    Qualifier: str | None,
    attempts: int | None,
    age: int | None,
    destinations: dict[str, Any] | None,
    *,
    merge: bool,
) -> dict[str, Any]:
    if attempts is None and age is None and not destinations:
        raise invalid("You must specify at least one of error handling or destination setting.")
    identifier = _qualified(identify(call, FunctionName, Qualifier))
    targets = {
        outcome: (destinations or {}).get(member, {}).get("Destination") or None
        for outcome, member in (("on_success", "OnSuccess"), ("on_failure", "OnFailure"))
    }
    for outcome, target in targets.items():
        _check_destination(identifier, outcome, target)
    changes: dict[str, Any] = {"max_attempts": attempts, "max_age": age, **targets}
    if merge:
        kept = [name for name, value in changes.items() if value is None]
        if destinations:
            kept = [name for name in kept if name not in targets or _member(name) not in destinations]
        for name in kept:
            del changes[name]
    return _described(identifier, await _put(call.state, identifier, changes, call.now, merge))


def _member(outcome: str) -> str:
    return {"on_success": "OnSuccess", "on_failure": "OnFailure"}[outcome]


def _qualified(identifier: FunctionIdentifier) -> FunctionIdentifier:
    return identifier._replace(qualifier=identifier.qualifier or LATEST)


def _check_destination(identifier: FunctionIdentifier, outcome: str, target: str | None) -> None:
    if target is None:
        return
    parts = target.split(":")
    if len(parts) < 6 or parts[2] not in _SERVICES or target.endswith(".fifo"):
        raise _invalid_destination(target)
    if parts[2] == "s3" and outcome == "on_success":
        raise _invalid_destination(target)
    if parts[2] == "lambda":
        if len(parts) < 7 or parts[5] != "function":
            raise _invalid_destination(target)
        if target == identifier.function_arn or target.startswith(f"{identifier.function_arn}:"):
            raise invalid("You can't specify the function as a destination for itself.")


async def _check_target(tx: Transaction, target: str | None) -> None:
    """Refuse a function that does not exist as a destination."""
    if target is not None and target.split(":")[2] == "lambda":
        _, _, _, region, account, _, name, *_ = target.split(":")
        if await heads.get(tx.at(account, region), name) is None:
            raise _invalid_destination(target)


def _invalid_destination(target: str) -> AwsError:
    return invalid(f"The destination ARN {target} is invalid.")


def _described(identifier: FunctionIdentifier, config: EventInvokeConfig) -> dict[str, Any]:
    destinations = {
        "OnSuccess": {"Destination": config.on_success} if config.on_success else {},
        "OnFailure": {"Destination": config.on_failure} if config.on_failure else {},
    }
    answer: dict[str, Any] = {
        "LastModified": config.last_modified,
        "FunctionArn": identifier.arn,
        "DestinationConfig": destinations,
    }
    if config.max_attempts is not None:
        answer["MaximumRetryAttempts"] = config.max_attempts
    if config.max_age is not None:
        answer["MaximumEventAgeInSeconds"] = config.max_age
    return answer


async def _check_exists(tx: Transaction, identifier: FunctionIdentifier) -> None:
    try:
        await find_version(tx, identifier)
    except AwsError as error:
        raise aws_error("ResourceNotFoundException", "The function doesn't exist.", Type="User") from error


@transactional
async def _get(tx: Transaction, identifier: FunctionIdentifier) -> EventInvokeConfig:
    config = await event_invoke_configs.get(tx, identifier.name, identifier.qualifier)
    if config is None:
        raise aws_error(
            "ResourceNotFoundException",
            f"The function {identifier.arn} doesn't have an EventInvokeConfig",
            Type="User",
        )
    return config


@transactional
async def _put(
    tx: Transaction, identifier: FunctionIdentifier, changes: dict[str, Any], now: float, merge: bool
) -> EventInvokeConfig:
    await _check_exists(tx, identifier)
    for target in (changes.get("on_success"), changes.get("on_failure")):
        await _check_target(tx, target)
    base = await _get(tx, identifier) if merge else EventInvokeConfig(identifier.name, str(identifier.qualifier), now)
    config = msgspec.structs.replace(base, **changes, last_modified=now)
    await event_invoke_configs.put(tx, config)
    return config


@transactional
async def _delete(tx: Transaction, identifier: FunctionIdentifier) -> None:
    await _check_exists(tx, identifier)
    await _get(tx, identifier)
    await event_invoke_configs.delete(tx, identifier.name, identifier.qualifier)


@transactional
async def _list(
    tx: Transaction, identifier: FunctionIdentifier, after: str | None, limit: int
) -> list[EventInvokeConfig]:
    await _check_exists(tx, identifier)
    bound = None if after is None else (identifier.name, after)
    return await event_invoke_configs.list(tx, identifier.name, after=bound, limit=limit)
