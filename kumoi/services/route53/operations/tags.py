"""Tags of hosted zones and health checks."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.services.route53 import route53
from kumoi.services.route53.answers import tag_list
from kumoi.services.route53.errors import invalid_input, no_health_check
from kumoi.services.route53.naming import bare
from kumoi.services.route53.records import health_checks, zones
from kumoi.services.route53.store import find_zone
from kumoi.state import Transaction, transactional

_MOST = 50
_ZONE, _CHECK = "hostedzone", "healthcheck"


@route53.operation
async def change_tags_for_resource(
    call: Call,
    ResourceType: str,
    ResourceId: str,
    AddTags: list[dict[str, str]] | None = None,
    RemoveTagKeys: list[str] | None = None,
) -> None:
    """Add tags, or give them other values, and remove some."""
    if not AddTags and not RemoveTagKeys:
        raise invalid_input("AddTags or RemoveTagKeys is required.")
    added = {one.get("Key", ""): one.get("Value", "") for one in AddTags or ()}
    if len(added) != len(AddTags or ()) or "" in added:
        raise invalid_input("A tag has a key, and each key is given once.")
    _check(ResourceType)
    await _change(call.state, ResourceType, bare(ResourceId), added, RemoveTagKeys or [])


def _check(kind: str) -> None:
    if kind not in (_ZONE, _CHECK):
        raise invalid_input(f"Kumoi's route53 has tags of hosted zones and health checks, not of a {kind}.")


@transactional
async def _change(tx: Transaction, kind: str, resource: str, added: dict[str, str], gone: list[str]) -> None:
    known = await _tags(tx, kind, resource)
    tags = {name: value for name, value in known.items() if name not in gone} | added
    if len(tags) > _MOST:
        raise invalid_input(f"A resource can have at most {_MOST} tags.")
    if kind == _ZONE:
        await zones.put(tx, replace(await find_zone(tx, resource), tags=tags))
        return
    check = await health_checks.get(tx, resource)
    if check is not None:
        await health_checks.put(tx, replace(check, tags=tags))


@transactional
async def _tags(tx: Transaction, kind: str, resource: str) -> dict[str, str]:
    """The tags of a thing; NoSuchHostedZone, NoSuchHealthCheck."""
    if kind == _ZONE:
        return (await find_zone(tx, resource)).tags
    check = await health_checks.get(tx, resource)
    if check is None:
        raise no_health_check(resource)
    return check.tags


@route53.operation
async def list_tags_for_resource(call: Call, ResourceType: str, ResourceId: str) -> dict[str, Any]:
    """The tags of a thing."""
    _check(ResourceType)
    return {"ResourceTagSet": await _told(call, ResourceType, bare(ResourceId))}


@route53.operation
async def list_tags_for_resources(call: Call, ResourceType: str, ResourceIds: list[str]) -> dict[str, Any]:
    """The tags of several things of a kind."""
    _check(ResourceType)
    return {"ResourceTagSets": [await _told(call, ResourceType, bare(one)) for one in ResourceIds]}


async def _told(call: Call, kind: str, resource: str) -> dict[str, Any]:
    tags = await _tags(call.state, kind, resource)
    return {"ResourceType": kind, "ResourceId": resource, "Tags": tag_list(tags)}
