"""Zones, record sets and health checks as answers have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.services.route53.records import DelegationSet, HealthCheck, RecordSet, Zone

_MEMBERS = (
    "Name",
    "Type",
    "SetIdentifier",
    "Weight",
    "Region",
    "GeoLocation",
    "Failover",
    "MultiValueAnswer",
    "TTL",
    "ResourceRecords",
    "AliasTarget",
    "HealthCheckId",
)


def told_zone(zone: Zone) -> dict[str, Any]:
    """A HostedZone."""
    config: dict[str, Any] = {"PrivateZone": zone.private}
    if zone.comment is not None:
        config["Comment"] = zone.comment
    return {
        "Id": f"/hostedzone/{zone.id}",
        "Name": zone.name,
        "CallerReference": zone.reference,
        "Config": config,
        "ResourceRecordSetCount": zone.count,
    }


def told_servers(zone: Zone, owner: DelegationSet | None = None) -> dict[str, Any]:
    """The DelegationSet of a zone; `owner` is the reusable one that it has."""
    told: dict[str, Any] = {"NameServers": list(zone.servers)}
    if owner is not None:
        told = {**told_set(owner), **told}
    return told


def told_set(one: DelegationSet) -> dict[str, Any]:
    """A reusable delegation set."""
    return {"Id": f"/delegationset/{one.id}", "CallerReference": one.reference, "NameServers": list(one.servers)}


def told_records(one: RecordSet) -> dict[str, Any]:
    """A ResourceRecordSet."""
    return {member: one.told[member] for member in _MEMBERS if member in one.told}


def told_check(one: HealthCheck) -> dict[str, Any]:
    """A HealthCheck."""
    return {
        "Id": one.id,
        "CallerReference": one.reference,
        "HealthCheckConfig": one.config,
        "HealthCheckVersion": one.version,
    }


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as Route 53 writes them."""
    return [{"Key": name, "Value": value} for name, value in tags.items()]
