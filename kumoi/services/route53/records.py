"""What Route 53 keeps. Names are in their canonical form (`domain_names.py`), times are epoch seconds."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.names import arn
from kumoi.services.route53.domain_names import reversed_name
from kumoi.state.space import Space


class Vpc(msgspec.Struct, frozen=True):
    """A VPC that a private zone is associated with."""

    region: str
    id: str

    def told(self) -> dict[str, str]:
        """As answers have it."""
        return {"VPCRegion": self.region, "VPCId": self.id}


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """A hosted zone; `count` is that of its record sets, `authorized` are VPCs of other accounts that may join."""

    id: str
    account: str
    name: str
    reference: str
    servers: tuple[str, ...]
    comment: str | None = None
    private: bool = False
    vpcs: tuple[Vpc, ...] = ()
    authorized: tuple[Vpc, ...] = ()
    delegation_set: str = ""
    tags: dict[str, str] = {}
    count: int = 2

    @property
    def arn(self) -> str:
        """The ARN."""
        return arn("route53", "", "", f"hostedzone/{self.id}")


class RecordSet(msgspec.Struct, frozen=True, kw_only=True):
    """A resource record set of a zone; `told` is all of it, as requests and answers have it."""

    zone: str
    name: str
    type: str
    identifier: str = ""
    told: dict[str, Any]

    @property
    def values(self) -> list[str]:
        """The values of its records; none of an alias."""
        return [one["Value"] for one in self.told.get("ResourceRecords", ())]

    @property
    def target(self) -> str:
        """The name that an alias is for; empty for what is none."""
        return str(self.told["AliasTarget"]["DNSName"]) if "AliasTarget" in self.told else ""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the zone of a name is, whichever account's."""

    name: str
    zone: str
    account: str
    private: bool


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change that was made."""

    id: str
    submitted: float
    comment: str | None = None


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A health check; `config` is as requests and answers have it."""

    id: str
    account: str
    reference: str
    config: dict[str, Any]
    version: int = 1
    created: float = 0.0
    tags: dict[str, str] = {}


class DelegationSet(msgspec.Struct, frozen=True, kw_only=True):
    """Name servers that several zones can have."""

    id: str
    reference: str
    servers: tuple[str, ...]


zones: Space[Zone] = Space("route53.zone", Zone, lambda one: (one.id,), scope="account")
record_sets: Space[RecordSet] = Space(
    "route53.record_set",
    RecordSet,
    lambda one: (one.zone, reversed_name(one.name), one.type, one.identifier),
    scope="account",
)
places: Space[Place] = Space("route53.place", Place, lambda one: (one.name, one.zone), scope="global")
changes: Space[Change] = Space("route53.change", Change, lambda one: (one.id,), scope="account")
health_checks: Space[HealthCheck] = Space("route53.health_check", HealthCheck, lambda one: (one.id,), scope="account")
delegation_sets: Space[DelegationSet] = Space(
    "route53.delegation_set", DelegationSet, lambda one: (one.id,), scope="account"
)
