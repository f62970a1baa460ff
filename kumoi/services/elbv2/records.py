"""What Elastic Load Balancing stores. Times are epoch seconds; members that clients gave stay under AWS's names.

A listener holds its rules and a target group its targets: they are read together by every request.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.names import arn
from kumoi.state.space import Space

SERVICE = "elasticloadbalancing"
DEFAULT_PRIORITY = 0
"""The priority under which a listener's default rule is stored; clients see `default`."""


class Place(msgspec.Struct, frozen=True):
    """Whose a load balancer is, by the first label of its DNS name."""

    label: str
    name: str
    account: str
    region: str


class LoadBalancer(msgspec.Struct, frozen=True, kw_only=True):
    """A load balancer; `number` is in its DNS name, `id` in its ARN."""

    name: str
    id: str
    number: str
    account: str
    region: str
    created: float
    properties: dict[str, Any]
    attributes: dict[str, str] = {}
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        """Its ARN."""
        return arn(SERVICE, self.region, self.account, f"loadbalancer/app/{self.name}/{self.id}")

    @property
    def label(self) -> str:
        """The first label of its DNS name."""
        prefix = "internal-" if self.properties.get("Scheme") == "internal" else ""
        return f"{prefix}{self.name}-{self.number}".lower()


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A listener's rule; the one with DEFAULT_PRIORITY has no conditions and comes last."""

    id: str
    priority: int
    conditions: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    tags: dict[str, str] = {}


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """A listener of the load balancer with the name and id `balancer`."""

    balancer: str
    balancer_id: str
    id: str
    account: str
    region: str
    properties: dict[str, Any]
    rules: list[Rule]
    attributes: dict[str, str] = {}
    certificates: list[str] = []
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        """Its ARN."""
        return arn(SERVICE, self.region, self.account, f"listener/app/{self.balancer}/{self.balancer_id}/{self.id}")

    @property
    def balancer_arn(self) -> str:
        """Its load balancer's ARN."""
        return arn(SERVICE, self.region, self.account, f"loadbalancer/app/{self.balancer}/{self.balancer_id}")

    def rule_arn(self, rule: Rule) -> str:
        """The ARN of one of its rules."""
        return f"{self.arn.replace(':listener/', ':listener-rule/', 1)}/{rule.id}"

    @property
    def in_order(self) -> list[Rule]:
        """Its rules as they are tried: by priority, the default one last."""
        return sorted(self.rules, key=lambda rule: rule.priority or 1 << 30)


class Target(msgspec.Struct, frozen=True):
    """A registered target: an instance, an address or a function; `port` is None for a function."""

    id: str
    port: int | None = None
    zone: str | None = None


class TargetGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A target group."""

    name: str
    id: str
    account: str
    region: str
    properties: dict[str, Any]
    targets: list[Target] = []
    attributes: dict[str, str] = {}
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        """Its ARN."""
        return arn(SERVICE, self.region, self.account, f"targetgroup/{self.name}/{self.id}")

    @property
    def kind(self) -> str:
        """What its targets are: `lambda`, `instance` or `ip`."""
        return str(self.properties["TargetType"])


places: Space[Place] = Space("elbv2.place", Place, lambda one: (one.label,), scope="global", remembered=True)
balancers: Space[LoadBalancer] = Space("elbv2.balancer", LoadBalancer, lambda one: (one.name,), remembered=True)
listeners: Space[Listener] = Space("elbv2.listener", Listener, lambda one: (one.balancer_id, one.id))
groups: Space[TargetGroup] = Space("elbv2.group", TargetGroup, lambda one: (one.name,), remembered=True)
