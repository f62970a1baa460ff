"""Event APIs and channel namespaces: create, get, list, update, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kumoi.doorway import Call
from kumoi.doorway.host_names import HostNames
from kumoi.local_names import resolves_localhost
from kumoi.names import uuid
from kumoi.services.appsync import appsync
from kumoi.services.appsync.domain_names import abandon
from kumoi.services.appsync.errors import bad_request, not_found
from kumoi.services.appsync.event_apis.access import as_providers
from kumoi.services.appsync.event_apis.records import ChannelNamespace, EventApi, event_apis, namespaces
from kumoi.services.appsync.naming import api_arn, page
from kumoi.services.appsync.places import leave_place, take_place
from kumoi.services.appsync.programs import compiled_code
from kumoi.services.appsync.providers import CONFIG, check
from kumoi.services.appsync.realtime.hub import Hub
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_MODES = ("connectionAuthModes", "defaultPublishAuthModes", "defaultSubscribeAuthModes")
MAX_NAMESPACES = 50


@appsync.operation
async def create_api(
    call: Call,
    name: str,
    eventConfig: dict[str, Any],
    ownerContact: str | None = None,
    tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Create an Event API; the tag `_custom_id_` fixes its id."""
    api = await _create(call.state, _properties(name, eventConfig, ownerContact), tags or {}, call.now)
    return {"api": _describe(call, api)}


@appsync.operation
async def get_api(call: Call, apiId: str) -> dict[str, Any]:
    """An Event API."""
    return {"api": _describe(call, await find_event_api(call.state, apiId))}


@appsync.operation
async def list_apis(call: Call, nextToken: str | None = None, maxResults: int | None = None) -> dict[str, Any]:
    """Event APIs by id."""
    shown, more = page(await _all(call.state), lambda api: api.id, nextToken, maxResults)
    return {"apis": [_describe(call, api) for api in shown], **more}


@appsync.operation
async def update_api(
    call: Call, apiId: str, name: str, eventConfig: dict[str, Any], ownerContact: str | None = None
) -> dict[str, Any]:
    """Replace what an Event API is configured with."""
    return {"api": _describe(call, await _update(call.state, apiId, _properties(name, eventConfig, ownerContact)))}


@appsync.operation
async def delete_api(call: Call, apiId: str) -> None:
    """Delete an Event API with everything in it, and close its connections."""
    await _delete(call.state, apiId)
    await call.part(Hub).close_all(api=apiId)
    await abandon(call.part(HostNames), call.doorway.state, apiId)  # type: ignore[type-abstract]


@appsync.operation
async def create_channel_namespace(
    call: Call, apiId: str, name: str, tags: dict[str, str] | None = None, **given: Any
) -> dict[str, Any]:
    """Create a namespace."""
    api = await find_event_api(call.state, apiId)
    namespace = _made(api, name, given, call.now, call.now, tags or {})
    await _store_new(call.state, namespace)
    return {"channelNamespace": _shown(call, namespace)}


@appsync.operation
async def get_channel_namespace(call: Call, apiId: str, name: str) -> dict[str, Any]:
    """A namespace."""
    return {"channelNamespace": _shown(call, await find_namespace(call.state, apiId, name))}


@appsync.operation
async def list_channel_namespaces(
    call: Call, apiId: str, nextToken: str | None = None, maxResults: int | None = None
) -> dict[str, Any]:
    """The namespaces of an API, by name."""
    shown, more = page(await _namespaces(call.state, apiId), lambda one: one.name, nextToken, maxResults)
    return {"channelNamespaces": [_shown(call, one) for one in shown], **more}


@appsync.operation
async def update_channel_namespace(call: Call, apiId: str, name: str, **given: Any) -> dict[str, Any]:
    """Replace what a namespace does: what is left out is no longer configured."""
    api = await find_event_api(call.state, apiId)
    before = await find_namespace(call.state, apiId, name)
    namespace = _made(api, name, given, before.created, call.now, before.tags)
    await _store(call.state, namespace)
    return {"channelNamespace": _shown(call, namespace)}


@appsync.operation
async def delete_channel_namespace(call: Call, apiId: str, name: str) -> None:
    """Delete a namespace."""
    await _delete_namespace(call.state, apiId, name)


@transactional
async def find_event_api(tx: Transaction, api_id: str) -> EventApi:
    """The Event API of that id; raises NotFoundException."""
    api = await event_apis.get(tx, api_id)
    if api is None:
        raise not_found(f"API {api_id} not found.")
    return api


@transactional
async def find_namespace(tx: Transaction, api_id: str, name: str) -> ChannelNamespace:
    """The namespace of that name; raises NotFoundException."""
    await find_event_api(tx, api_id)
    namespace = await namespaces.get(tx, api_id, name)
    if namespace is None:
        raise not_found(f"Channel namespace {name} not found.")
    return namespace


def _properties(name: str, config: dict[str, Any], contact: str | None) -> dict[str, Any]:
    if not config["authProviders"]:
        raise bad_request("eventConfig needs at least one of authProviders.")
    stated = as_providers(config)
    for provider in stated:
        kind = provider["authenticationType"]
        if kind in CONFIG and CONFIG[kind] not in provider:
            raise bad_request(f"An auth provider of the type {kind} lacks its configuration.")
    check({**stated[0], "additionalAuthenticationProviders": stated[1:]})
    for member in _MODES:
        if not config[member]:
            raise bad_request(f"{member} needs at least one mode.")
        _check_modes(config, member, config[member])
    return {"name": name, "eventConfig": config, **({} if contact is None else {"ownerContact": contact})}


def _check_modes(config: Mapping[str, Any], member: str, modes: list[Mapping[str, str]]) -> None:
    known = {provider["authType"] for provider in config["authProviders"]}
    for mode in modes:
        if mode["authType"] not in known:
            raise bad_request(f"{member} names {mode['authType']}, which is none of the API's auth providers.")


def _describe(call: Call, api: EventApi) -> dict[str, Any]:
    return {
        "xrayEnabled": False,
        **api.properties,
        "apiId": api.id,
        "apiArn": api_arn(call, api.id),
        "created": api.created,
        "tags": api.tags,
        "dns": _names(call, api.id),
    }


def _names(call: Call, api: str) -> dict[str, str]:
    """Host names with the platform's port: the only addresses that AppSync gives of an Event API.

    Where names below `localhost` lead nowhere, the platform's own: requests there are told apart by their API key.
    """
    parts = urlsplit(call.doorway.endpoint)
    if not resolves_localhost():
        return {"HTTP": parts.netloc, "REALTIME": parts.netloc}
    port = f":{parts.port}" if parts.port else ""
    return {
        "HTTP": f"{api}.appsync-api.{call.region}.localhost{port}",
        "REALTIME": f"{api}.appsync-realtime-api.{call.region}.localhost{port}",
    }


def _made(
    api: EventApi, name: str, given: dict[str, Any], created: float, modified: float, tags: dict[str, str]
) -> ChannelNamespace:
    for member in ("publishAuthModes", "subscribeAuthModes"):
        _check_modes(api.properties["eventConfig"], member, given.get(member) or [])
    exported: dict[str, str] = {}
    if "codeHandlers" in given:
        exported = _exported(given["codeHandlers"])
    for handler, config in (given.get("handlerConfigs") or {}).items():
        if config["behavior"] == "CODE" and exported.get(handler) != "object":
            raise bad_request(f"The code has no {handler} with request and response.")
        if config["behavior"] == "DIRECT" and "lambdaConfig" not in config["integration"]:
            raise bad_request(f"{handler} is DIRECT, but its integration has no lambdaConfig.")
    return ChannelNamespace(
        api=api.id,
        name=name,
        created=created,
        modified=modified,
        version=uuid(),
        properties=given,
        exported=exported,
        tags=tags,
    )


def _exported(code: str) -> dict[str, str]:
    """What the code has for each handler; raises BadRequestException."""
    outcome = compiled_code(code).call("(() => [typeof onPublish, typeof onSubscribe])", [], now=0.0)
    found = msgspec.json.decode(outcome.value or "[]", type=list[str])
    return {
        name: kind
        for name, kind in zip(("onPublish", "onSubscribe"), found, strict=False)
        if kind in ("function", "object")
    }


def _shown(call: Call, namespace: ChannelNamespace) -> dict[str, Any]:
    return {
        **namespace.properties,
        "apiId": namespace.api,
        "name": namespace.name,
        "channelNamespaceArn": api_arn(call, namespace.api, f"channelNamespace/{namespace.name}"),
        "created": namespace.created,
        "lastModified": namespace.modified,
        "tags": namespace.tags,
    }


@transactional
async def _create(tx: Transaction, properties: dict[str, Any], tags: dict[str, str], now: float) -> EventApi:
    api = EventApi(id=await take_place(tx, tags), created=now, properties=properties, tags=tags)
    await event_apis.put(tx, api)
    return api


@transactional
async def _all(tx: Transaction) -> list[EventApi]:
    return await event_apis.list(tx)


@transactional
async def _update(tx: Transaction, api_id: str, properties: dict[str, Any]) -> EventApi:
    api = msgspec.structs.replace(await find_event_api(tx, api_id), properties=properties)
    await event_apis.put(tx, api)
    return api


@transactional
async def _delete(tx: Transaction, api_id: str) -> None:
    await find_event_api(tx, api_id)
    await namespaces.delete_all(tx, api_id)
    await event_apis.delete(tx, api_id)
    await leave_place(tx, api_id)


@transactional
async def _store_new(tx: Transaction, namespace: ChannelNamespace) -> None:
    await find_event_api(tx, namespace.api)
    if await namespaces.get(tx, namespace.api, namespace.name) is not None:
        raise aws_error("ConflictException", f"Channel namespace {namespace.name} already exists.")
    if len(await namespaces.list(tx, namespace.api)) >= MAX_NAMESPACES:
        text = f"An API can have up to {MAX_NAMESPACES} channel namespaces."
        raise aws_error("ServiceQuotaExceededException", text)
    await namespaces.put(tx, namespace)


@transactional
async def _store(tx: Transaction, namespace: ChannelNamespace) -> None:
    await find_namespace(tx, namespace.api, namespace.name)
    await namespaces.put(tx, namespace)


@transactional
async def _namespaces(tx: Transaction, api_id: str) -> list[ChannelNamespace]:
    await find_event_api(tx, api_id)
    return await namespaces.list(tx, api_id)


@transactional
async def _delete_namespace(tx: Transaction, api_id: str, name: str) -> None:
    await find_namespace(tx, api_id, name)
    await namespaces.delete(tx, api_id, name)
