"""Who connects, publishes or subscribes, and whether that way of authorization is taken for it.

Source: "Configuring authorization and authentication to secure Event APIs".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kumoi.doorway import Ask, Authorization, Call
from kumoi.services.appsync.access import Admission, Refused, authenticate
from kumoi.services.appsync.event_apis.records import ChannelNamespace, EventApi
from kumoi.services.appsync.naming import api_arn
from kumoi.services.appsync.records import Api
from kumoi.services.appsync.resolving.field import Caller
from kumoi.wire.errors import AwsError

_CONFIGS = {
    "cognitoConfig": "userPoolConfig",
    "openIDConnectConfig": "openIDConnectConfig",
    "lambdaAuthorizerConfig": "lambdaAuthorizerConfig",
}
_ACTIONS = {"CONNECT": "EventConnect", "PUBLISH": "EventPublish", "SUBSCRIBE": "EventSubscribe"}
_DEFAULTS = {
    "CONNECT": "connectionAuthModes",
    "PUBLISH": "defaultPublishAuthModes",
    "SUBSCRIBE": "defaultSubscribeAuthModes",
}
_OWN = {"PUBLISH": "publishAuthModes", "SUBSCRIBE": "subscribeAuthModes"}


def as_providers(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The providers of an event configuration in the words of GraphQL APIs."""
    return [
        {
            "authenticationType": provider["authType"],
            **{to: provider[name] for name, to in _CONFIGS.items() if name in provider},
        }
        for provider in config["authProviders"]
    ]


async def authorized(
    call: Call,
    api: EventApi,
    namespace: ChannelNamespace | None,
    operation: str,
    request: Mapping[str, Any],
    headers: Mapping[str, str],
) -> Caller:
    """Who asks for CONNECT, PUBLISH or SUBSCRIBE; raises Refused."""
    config = api.properties["eventConfig"]
    first, *others = as_providers(config)
    properties = {**first, "additionalAuthenticationProviders": others}
    admission = Admission.of(Api(id=api.id, created=api.created, properties=properties))
    caller = await authenticate(call, admission, request, headers)
    modes: Iterable[Mapping[str, str]] = config[_DEFAULTS[operation]]
    if namespace is not None and namespace.properties.get(_OWN[operation]):
        modes = namespace.properties[_OWN[operation]]
    if all(mode["authType"] != caller.mode for mode in modes):
        raise Refused
    if caller.mode == "AWS_IAM":
        await _permitted(call, api, namespace, operation)
    return caller


async def _permitted(call: Call, api: EventApi, namespace: ChannelNamespace | None, operation: str) -> None:
    identity = call.doorway.identity
    if identity.mode == "off":
        return
    arn = api_arn(call, api.id, "" if namespace is None else f"channelNamespace/{namespace.name}")
    try:
        asked = (Ask(f"appsync:{_ACTIONS[operation]}", arn),)
        await identity.authoriser.require(call, asked, Authorization("appsync"), enforce=identity.enforces)
    except AwsError:
        raise Refused from None
