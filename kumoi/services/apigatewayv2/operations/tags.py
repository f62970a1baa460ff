"""Tags of APIs, stages and domain names."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.http_api.places import domains
from kumoi.services.apigatewayv2 import apigatewayv2
from kumoi.services.apigatewayv2.errors import bad, not_found
from kumoi.services.apigatewayv2.lookup import find_api, find_stage
from kumoi.services.apigatewayv2.records import apis, stages, vpc_links
from kumoi.state import Transaction, transactional

MAX_TAGS = 50


@apigatewayv2.operation
async def tag_resource(call: Call, ResourceArn: str, Tags: dict[str, str] | None = None) -> None:
    """Add tags."""
    await _change(call.state, ResourceArn, Tags or {}, ())


@apigatewayv2.operation
async def untag_resource(call: Call, ResourceArn: str, TagKeys: list[str]) -> None:
    """Take tags away."""
    await _change(call.state, ResourceArn, {}, tuple(TagKeys))


@apigatewayv2.operation
async def get_tags(call: Call, ResourceArn: str) -> dict[str, Any]:
    """A resource's tags."""
    return {"Tags": await _change(call.state, ResourceArn, {}, ())}


@transactional
async def _change(tx: Transaction, resource: str, added: dict[str, str], removed: tuple[str, ...]) -> dict[str, str]:
    """Change the tags of what an ARN names, and answer them."""
    path = resource.split(":", 5)[5].strip("/").split("/") if resource.count(":") >= 5 else []

    def merged(before: dict[str, str]) -> dict[str, str]:
        tags = {name: value for name, value in {**before, **added}.items() if name not in removed}
        if len(tags) > MAX_TAGS:
            raise bad(f"A resource can have up to {MAX_TAGS} tags")
        return tags

    match path:
        case ["apis", api_id]:
            api = await find_api(tx, api_id)
            tags = merged(api.tags)
            if tags != api.tags:
                await apis.put(tx, msgspec.structs.replace(api, tags=tags))
            return tags
        case ["apis", api_id, "stages", name]:
            stage = await find_stage(tx, api_id, name)
            tags = merged(stage.tags)
            if tags != stage.tags:
                await stages.put(tx, msgspec.structs.replace(stage, tags=tags))
            return tags
        case ["vpclinks", link_id]:
            link = await vpc_links.get(tx, link_id)
            if link is None:
                raise not_found("VpcLink", link_id)
            tags = merged(link.tags)
            if tags != link.tags:
                await vpc_links.put(tx, msgspec.structs.replace(link, tags=tags))
            return tags
        case ["domainnames", name]:
            domain = await domains.get(tx, name)
            if domain is None or (domain.account, domain.region) != (tx.account, tx.region):
                raise not_found("domain name", name)
            tags = merged(domain.tags)
            if tags != domain.tags:
                await domains.put(tx, msgspec.structs.replace(domain, tags=tags))
            return tags
        case _:
            raise bad(f"Invalid ARN {resource}: tags are kept of apis, stages, domainnames and vpclinks")
