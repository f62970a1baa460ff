"""What IoT Core stores. Times are epoch seconds."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """A thing of the registry."""

    name: str
    id: str
    type: str | None = None
    attributes: dict[str, str] = {}
    version: int = 1


class ThingType(msgspec.Struct, frozen=True, kw_only=True):
    """A type of things."""

    name: str
    id: str
    created: float
    properties: dict[str, Any] = {}
    deprecated: float | None = None


class TopicRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule: its statement and what follows, as it was said."""

    name: str
    created: float
    sql: str
    actions: list[dict[str, Any]]
    description: str | None = None
    disabled: bool = False
    version: str = "2015-10-08"
    error_action: dict[str, Any] | None = None


class Shadow(msgspec.Struct, frozen=True, kw_only=True):
    """A thing's shadow; `name` is "" for the classic one. One that was deleted keeps its version, and no state."""

    thing: str
    name: str
    version: int
    updated: float
    desired: dict[str, Any] = {}
    reported: dict[str, Any] = {}
    desired_at: dict[str, Any] = {}
    reported_at: dict[str, Any] = {}
    deleted: bool = False


class Retained(msgspec.Struct, frozen=True, kw_only=True):
    """The message that a topic retains."""

    topic: str
    payload: bytes
    qos: int
    updated: float
    user_properties: list[tuple[str, str]] = []


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """An MQTT session that outlives its connection for `expiry` seconds; `left` is when the client went, if it has."""

    client: str
    expiry: int
    subscriptions: dict[str, int] = {}
    left: float | None = None


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a session is to get and has not acknowledged yet."""

    client: str
    seq: int
    topic: str
    payload: bytes
    properties: dict[str, Any] = {}


things: Space[Thing] = Space("iot.thing", Thing, lambda thing: (thing.name,))
thing_types: Space[ThingType] = Space("iot.type", ThingType, lambda kind: (kind.name,))
rules: Space[TopicRule] = Space("iot.rule", TopicRule, lambda rule: (rule.name,))
shadows: Space[Shadow] = Space("iot.shadow", Shadow, lambda shadow: (shadow.thing, shadow.name))
retained: Space[Retained] = Space("iot.retained", Retained, lambda message: (message.topic,))
sessions: Space[Session] = Space("iot.session", Session, lambda session: (session.client,))
queued: Space[Queued] = Space("iot.queued", Queued, lambda one: (one.client, one.seq))
