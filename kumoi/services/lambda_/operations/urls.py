"""The configuration of function URLs; what they serve is `kumoi.services.lambda_.url`."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import unique_id
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.configuration import iso
from kumoi.services.lambda_.identifiers import LATEST, FunctionIdentifier
from kumoi.services.lambda_.operations.find import find_version, identify
from kumoi.services.lambda_.records import UrlConfig, UrlPlace, url_places, urls
from kumoi.services.lambda_.url.address import function_url
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

PAGE = 50
_ID_LENGTH = 32


@lambda_.operation
async def create_function_url_config(
    call: Call,
    FunctionName: str,
    AuthType: str,
    Qualifier: str | None = None,
    Cors: dict[str, Any] | None = None,
    InvokeMode: str | None = None,
) -> dict[str, Any]:
    """Give a function, or one of its aliases, a URL of its own."""
    identifier = _identified(call, FunctionName, Qualifier)
    now, url_id = call.now, unique_id("", _ID_LENGTH).lower()
    config = UrlConfig(
        identifier.name, identifier.qualifier or "", url_id, AuthType, now, now, Cors or None, InvokeMode
    )
    await _create(call.state, identifier, config)
    return await _described(call, identifier, config, modified=False)


@lambda_.operation
async def get_function_url_config(call: Call, FunctionName: str, Qualifier: str | None = None) -> dict[str, Any]:
    """The URL of a function or an alias."""
    identifier = _identified(call, FunctionName, Qualifier)
    return await _described(call, identifier, await _get(call.state, identifier))


@lambda_.operation
async def update_function_url_config(
    call: Call,
    FunctionName: str,
    Qualifier: str | None = None,
    AuthType: str | None = None,
    Cors: dict[str, Any] | None = None,
    InvokeMode: str | None = None,
) -> dict[str, Any]:
    """Change what is given of a URL's configuration; empty settings of CORS take them away."""
    identifier = _identified(call, FunctionName, Qualifier)
    wanted = {"auth_type": AuthType, "cors": Cors, "invoke_mode": InvokeMode}
    changes = {name: value or None for name, value in wanted.items() if value is not None}
    return await _described(call, identifier, await _update(call.state, identifier, changes, call.now))


@lambda_.operation
async def delete_function_url_config(call: Call, FunctionName: str, Qualifier: str | None = None) -> None:
    """Take a URL away; it will never be given again."""
    await _delete(call.state, _identified(call, FunctionName, Qualifier))


@lambda_.operation
async def list_function_url_configs(
    call: Call, FunctionName: str, Marker: str | None = None, MaxItems: int = PAGE
) -> dict[str, Any]:
    """The URLs of a function and its aliases."""
    identifier = identify(call, FunctionName)
    page = min(MaxItems, PAGE)
    found = await _list(call.state, identifier, Marker, page + 1)
    items = [await _described(call, identifier._replace(qualifier=one.qualifier or None), one) for one in found[:page]]
    answer: dict[str, Any] = {"FunctionUrlConfigs": items}
    if len(found) > page:
        answer["NextMarker"] = found[page - 1].qualifier
    return answer


def _identified(call: Call, FunctionName: str, Qualifier: str | None) -> FunctionIdentifier:
    identifier = identify(call, FunctionName, Qualifier)
    if identifier.qualifier is not None and (identifier.qualifier == LATEST or identifier.qualifier.isdigit()):
        raise aws_error(
            "ValidationException",
            f"1 validation error detected: Value '{identifier.qualifier}' at 'qualifier' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)",
        )
    return identifier


async def _described(
    call: Call, identifier: FunctionIdentifier, config: UrlConfig, *, modified: bool = True
) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "FunctionUrl": await asyncio.to_thread(function_url, call.doorway.endpoint, call.region, config.url_id),
        "FunctionArn": identifier.arn,
        "AuthType": config.auth_type,
        "CreationTime": iso(config.created),
    }
    if modified:
        answer["LastModifiedTime"] = iso(config.modified)
    if config.cors is not None:
        answer["Cors"] = config.cors
    if config.invoke_mode is not None:
        answer["InvokeMode"] = config.invoke_mode
    elif modified:
        answer["InvokeMode"] = "BUFFERED"
    return answer


@transactional
async def _create(tx: Transaction, identifier: FunctionIdentifier, config: UrlConfig) -> None:
    await _check_exists(tx, identifier)
    if await urls.get(tx, config.function, config.qualifier) is not None:
        raise aws_error(
            "ResourceConflictException",
            f"Failed to create function url config for [functionArn = {identifier.arn}]. Error message:  "
            "FunctionUrlConfig exists for this Lambda function",
            Type="User",
        )
    await urls.put(tx, config)
    place = UrlPlace(config.url_id, identifier.account, identifier.region, config.function, config.qualifier)
    await url_places.put(tx, place)


async def _check_exists(tx: Transaction, identifier: FunctionIdentifier) -> None:
    try:
        await find_version(tx, identifier)
    except AwsError as error:
        raise aws_error("ResourceNotFoundException", "Function does not exist", Type="User") from error


@transactional
async def _get(tx: Transaction, identifier: FunctionIdentifier) -> UrlConfig:
    config = await urls.get(tx, identifier.name, identifier.qualifier or "")
    if config is None:
        raise aws_error("ResourceNotFoundException", "The resource you requested does not exist.", Type="User")
    return config


@transactional
async def _update(tx: Transaction, identifier: FunctionIdentifier, changes: dict[str, Any], now: float) -> UrlConfig:
    await _check_exists(tx, identifier)
    config = msgspec.structs.replace(await _get(tx, identifier), **changes, modified=now)
    await urls.put(tx, config)
    return config


@transactional
async def _delete(tx: Transaction, identifier: FunctionIdentifier) -> None:
    config = await _get(tx, identifier)
    await urls.delete(tx, config.function, config.qualifier)
    await url_places.delete(tx, config.url_id)


@transactional
async def _list(tx: Transaction, identifier: FunctionIdentifier, after: str | None, limit: int) -> list[UrlConfig]:
    await _check_exists(tx, identifier)
    bound = None if after is None else (identifier.name, after)
    return await urls.list(tx, identifier.name, after=bound, limit=limit)
