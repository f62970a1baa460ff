"""What X-Ray keeps in state: groups, sampling rules, policies, settings. Times are epoch seconds."""

from __future__ import annotations

import msgspec

from kumoi.state.space import Space


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group: the traces that a filter expression means. `id` is the last part of its ARN."""

    name: str
    id: str
    expression: str | None = None
    insights: bool = False
    notifications: bool = False
    tags: dict[str, str] = {}


class SamplingRule(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests are sampled, and how many: `reservoir` a second, of the others the share `rate`."""

    name: str
    priority: int
    rate: float
    reservoir: int
    resource: str = "*"
    service: str = "*"
    service_type: str = "*"
    host: str = "*"
    method: str = "*"
    path: str = "*"
    attributes: dict[str, str] = {}
    boost: dict[str, float] = {}
    created: float = 0.0
    modified: float = 0.0
    tags: dict[str, str] = {}


class SamplingStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What one client told of a rule in the last period it reported."""

    rule: str
    client: str
    time: float
    requests: int
    sampled: int
    borrowed: int


class ResourcePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A resource policy; `revision` counts its versions."""

    name: str
    document: str
    revision: str
    updated: float


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of an account in a region. `modified` is when the last sampling rule changed."""

    key_id: str | None = None
    encrypted: bool = False
    destination: str = "XRay"
    indexed: float = 1.0
    indexing_modified: float = 0.0
    rules_modified: float = 0.0


class Retrieval(msgspec.Struct, frozen=True, kw_only=True):
    """Traces of a time that are asked for by a token."""

    token: str
    created: float
    start: float
    end: float
    traces: tuple[str, ...]
    cancelled: bool = False


groups: Space[Group] = Space("xray.group", Group, lambda group: (group.name,))
rules: Space[SamplingRule] = Space("xray.rule", SamplingRule, lambda rule: (rule.name,))
statistics: Space[SamplingStatistics] = Space("xray.statistics", SamplingStatistics, lambda one: (one.rule, one.client))
policies: Space[ResourcePolicy] = Space("xray.policy", ResourcePolicy, lambda policy: (policy.name,))
settings: Space[Settings] = Space("xray.settings", Settings, lambda _: ())
retrievals: Space[Retrieval] = Space("xray.retrieval", Retrieval, lambda one: (one.token,))
