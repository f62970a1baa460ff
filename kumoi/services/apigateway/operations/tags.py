"""Tags of APIs, stages, keys, usage plans, client certificates, domain names and VPC links."""

from __future__ import annotations

import re
from typing import Any, cast

import msgspec

from kumoi.doorway import Call
from kumoi.http_api.places import domains
from kumoi.services.apigateway import apigateway
from kumoi.services.apigateway.errors import bad, not_found
from kumoi.services.apigateway.records import (
    api_keys,
    client_certificates,
    rest_apis,
    stages,
    usage_plans,
    vpc_links,
)
from kumoi.state import Transaction, transactional
from kumoi.state.space import Space

_ARN = re.compile(r"arn:[^:]+:apigateway:[^:]*:[^:]*:/(?P<path>.+)")
_MOST = 50
_SPACES: dict[str, Space[Any]] = {
    "restapis": rest_apis,
    "apikeys": api_keys,
    "clientcertificates": client_certificates,
    "usageplans": usage_plans,
    "domainnames": domains,
    "vpclinks": vpc_links,
}


@apigateway.operation
async def tag_resource(call: Call, resourceArn: str, tags: dict[str, str]) -> None:
    """Add tags, replacing those of the same name."""
    if any(not 1 <= len(name) <= 128 or len(value) > 256 for name, value in tags.items()):
        raise bad("Tag names have 1 to 128 characters, their values at most 256")
    await _change(call.state, resourceArn, tags, [])


@apigateway.operation
async def untag_resource(call: Call, resourceArn: str, tagKeys: list[str]) -> None:
    """Take tags away."""
    await _change(call.state, resourceArn, {}, tagKeys)


@apigateway.operation
async def get_tags(
    call: Call, resourceArn: str, position: str | None = None, limit: int | None = None
) -> dict[str, Any]:
    """A resource's tags."""
    return {"tags": (await _tagged(call.state, resourceArn))[1].tags}


@transactional
async def _tagged(tx: Transaction, arn: str) -> tuple[Space[Any], Any]:
    match = _ARN.fullmatch(arn)
    path = match["path"].split("/") if match else []
    space: Space[Any]
    if len(path) == 4 and (path[0], path[2]) == ("restapis", "stages"):
        space, key = cast(Space[Any], stages), (path[1], path[3])
    elif len(path) == 2 and path[0] in _SPACES:
        space, key = _SPACES[path[0]], (path[1],)  # type: ignore[assignment]
    else:
        raise bad(f"Invalid resource ARN specified: {arn}")
    found = await space.get(tx, *key)
    if found is None or (space is domains and (found.account, found.region) != (tx.account, tx.region)):
        raise not_found("Invalid resource identifier specified")
    return space, found


@transactional
async def _change(tx: Transaction, arn: str, added: dict[str, str], removed: list[str]) -> None:
    space, found = await _tagged(tx, arn)
    tags = {name: value for name, value in {**found.tags, **added}.items() if name not in removed}
    if len(tags) > _MOST:
        raise bad(f"A resource has at most {_MOST} tags")
    await space.put(tx, msgspec.structs.replace(found, tags=tags))
