"""What EventBridge stores. Times are epoch seconds."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space

DEFAULT_BUS = "default"


class EventBus(msgspec.Struct, frozen=True, kw_only=True):
    """An event bus. `policy` is the document that says who may put events; `extras` are members kept and answered."""

    name: str
    created: float
    modified: float
    policy: dict[str, Any] | None = None
    tags: dict[str, str] = {}
    extras: dict[str, Any] = {}


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule: a pattern, a schedule, or both. `started` is what a rate counts from."""

    bus: str
    name: str
    pattern: str | None = None
    schedule: str | None = None
    state: str = "ENABLED"
    description: str | None = None
    role: str | None = None
    tags: dict[str, str] = {}
    created_by: str
    started: float

    @property
    def enabled(self) -> bool:
        """Whether the rule acts."""
        return self.state != "DISABLED"


class RuleTargets(msgspec.Struct, frozen=True):
    """The targets of a rule, in the order they were put, with AWS's members."""

    bus: str
    rule: str
    targets: tuple[dict[str, Any], ...]


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """An archive of a bus; `retention_days` 0 keeps events for ever. `id` sets it apart from one deleted before."""

    name: str
    id: str
    bus: str
    created: float
    description: str | None = None
    pattern: str | None = None
    retention_days: int = 0
    kms_key: str | None = None


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """A replay of archived events from `first` to `last` to their bus.

    `archive_id` names the events. `replayed` is the place (epoch ms, sequence) up to which they were sent.
    """

    name: str
    archive: str
    archive_id: str
    bus: str
    first: float
    last: float
    state: str = "STARTING"
    description: str | None = None
    rule_arns: tuple[str, ...] | None = None
    started: float
    ended: float | None = None
    replayed: tuple[int, int] | None = None


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """How an API destination is authorised.

    `sealed` holds the parameters with their secrets, encrypted (None once deauthorized), `shown` the parameters without
    them. `token_id` names the OAuth token that goes with these parameters.
    """

    name: str
    id: str
    token_id: str
    authorization_type: str
    sealed: bytes | None
    shown: dict[str, Any]
    state: str
    reason: str | None = None
    description: str | None = None
    secret_arn: str
    created: float
    modified: float
    authorized: float | None = None


class ApiDestination(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP endpoint to deliver to; `connection` is the ARN of its connection."""

    name: str
    id: str
    connection: str
    endpoint: str
    method: str
    rate: int = 300
    description: str | None = None
    created: float
    modified: float


buses: Space[EventBus] = Space("events.bus", EventBus, lambda bus: (bus.name,))
rules: Space[Rule] = Space("events.rule", Rule, lambda rule: (rule.bus, rule.name))
targets: Space[RuleTargets] = Space("events.targets", RuleTargets, lambda one: (one.bus, one.rule))
archives: Space[Archive] = Space("events.archive", Archive, lambda archive: (archive.name,))
replays: Space[Replay] = Space("events.replay", Replay, lambda replay: (replay.name,))
connections: Space[Connection] = Space("events.connection", Connection, lambda connection: (connection.name,))
destinations: Space[ApiDestination] = Space("events.destination", ApiDestination, lambda one: (one.name,))
