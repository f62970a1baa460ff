"""Quotas as they are here, and what Route 53 says of DNSSEC: that no zone is signed."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.route53 import route53
from kumoi.services.route53.changes import MOST_SETS
from kumoi.services.route53.records import delegation_sets, health_checks
from kumoi.services.route53.store import all_zones, name_node, zone_of
from kumoi.state import Transaction, transactional

_ZONES, _CHECKS, _SETS, _VPCS = 500, 200, 100, 300


@route53.operation
async def get_account_limit(call: Call, Type: str) -> dict[str, Any]:
    """How many of something an account can have on AWS, and how many there are; nothing is refused for it here."""
    value, count = await _of_account(call, Type)
    return {"Limit": {"Type": Type, "Value": value}, "Count": count}


async def _of_account(call: Call, kind: str) -> tuple[int, int]:
    if kind == "MAX_HOSTED_ZONES_BY_OWNER":
        return _ZONES, len(await all_zones(call.state))
    if kind == "MAX_HEALTH_CHECKS_BY_OWNER":
        return _CHECKS, await _checks(call.state)
    if kind == "MAX_REUSABLE_DELEGATION_SETS_BY_OWNER":
        return _SETS, await _sets(call.state)
    return 50, 0


@transactional
async def _checks(tx: Transaction) -> int:
    return len(await health_checks.list(tx))


@transactional
async def _sets(tx: Transaction) -> int:
    return len(await delegation_sets.list(tx))


@route53.operation
async def get_hosted_zone_limit(call: Call, Type: str, HostedZoneId: str) -> dict[str, Any]:
    """How many record sets or VPCs a zone can have, and how many it has."""
    zone = await zone_of(call.state, HostedZoneId)
    name_node(call, zone)
    value, count = (MOST_SETS, zone.count) if Type == "MAX_RRSETS_BY_ZONE" else (_VPCS, len(zone.vpcs))
    return {"Limit": {"Type": Type, "Value": value}, "Count": count}


@route53.operation(name="GetDNSSEC")
async def get_dnssec(call: Call, HostedZoneId: str) -> dict[str, Any]:
    """That a zone is not signed."""
    name_node(call, await zone_of(call.state, HostedZoneId))
    return {"Status": {"ServeSignature": "NOT_SIGNING"}, "KeySigningKeys": []}
