"""The resource types of AppSync Events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.services.appsync.resource_values import id_of, members_of, stored

_EVENT_API = ("Name", "OwnerContact", "EventConfig")
_NAMESPACE = ("ApiId", "Name", "CodeHandlers", "HandlerConfigs", "PublishAuthModes", "SubscribeAuthModes")


def _event_api(found: Mapping[str, Any]) -> Resource:
    attributes = {
        "ApiArn": found["apiArn"],
        "ApiId": found["apiId"],
        "Dns.Http": found["dns"]["HTTP"],
        "Dns.Realtime": found["dns"]["REALTIME"],
    }
    return Resource(found["apiArn"], attributes)


async def _create_event_api(call: ResourceCall) -> Resource:
    call.required("Name", "EventConfig")
    answer = await call.ask("appsync", "CreateApi", **members_of(call, _EVENT_API), tags=call.all_tags())
    return _event_api(answer["api"])


async def _update_event_api(call: ResourceCall) -> Resource:
    given = members_of(call, _EVENT_API)
    return _event_api((await call.ask("appsync", "UpdateApi", apiId=id_of(call.physical_id), **given))["api"])


async def _delete_event_api(call: ResourceCall) -> None:
    await call.ask("appsync", "DeleteApi", apiId=id_of(call.physical_id))


def _namespace(found: Mapping[str, Any]) -> Resource:
    arn = found["channelNamespaceArn"]
    return Resource(arn, {"ChannelNamespaceArn": arn})


async def _of_namespace(call: ResourceCall) -> dict[str, Any]:
    call.required("ApiId", "Name")
    given = members_of(call, _NAMESPACE)
    if location := call.properties.get("CodeS3Location"):
        given["codeHandlers"] = await stored(call, str(location))
    return given


async def _create_namespace(call: ResourceCall) -> Resource:
    given = await _of_namespace(call)
    answer = await call.ask("appsync", "CreateChannelNamespace", **given, tags=call.all_tags())
    return _namespace(answer["channelNamespace"])


async def _update_namespace(call: ResourceCall) -> Resource:
    answer = await call.ask("appsync", "UpdateChannelNamespace", **await _of_namespace(call))
    return _namespace(answer["channelNamespace"])


async def _delete_namespace(call: ResourceCall) -> None:
    properties = call.properties
    await call.ask("appsync", "DeleteChannelNamespace", apiId=properties["ApiId"], name=properties["Name"])


EVENT_APIS = (
    ResourceType("AWS::AppSync::Api", _create_event_api, _delete_event_api, _update_event_api),
    ResourceType(
        "AWS::AppSync::ChannelNamespace",
        _create_namespace,
        _delete_namespace,
        _update_namespace,
        frozenset(("ApiId", "Name")),
    ),
)
