"""What AppSync stores of Event APIs. `properties` are the members that clients gave; times are epoch seconds."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space


class EventApi(msgspec.Struct, frozen=True, kw_only=True):
    """An Event API."""

    id: str
    created: float
    properties: dict[str, Any]
    tags: dict[str, str] = {}


class ChannelNamespace(msgspec.Struct, frozen=True, kw_only=True):
    """The channels that begin with a name. `version` changes with every update.

    `exported` says for `onPublish` and `onSubscribe` what the code has of that name: a `function`, or an `object` of
    `request` and `response`.
    """

    api: str
    name: str
    created: float
    modified: float
    version: str
    properties: dict[str, Any]
    exported: dict[str, str] = {}
    tags: dict[str, str] = {}


event_apis: Space[EventApi] = Space("appsync.event_api", EventApi, lambda api: (api.id,), remembered=True)
namespaces: Space[ChannelNamespace] = Space(
    "appsync.channel_namespace", ChannelNamespace, lambda one: (one.api, one.name), remembered=True
)
