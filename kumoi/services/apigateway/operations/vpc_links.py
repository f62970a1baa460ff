"""VPC links, over which REST APIs reach what is private: available at once; nothing is private on this machine."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.http_api.places import new_id
from kumoi.services.apigateway import apigateway, patches
from kumoi.services.apigateway.errors import bad, not_found, page, present
from kumoi.services.apigateway.records import VpcLink, resources, rest_apis, vpc_links
from kumoi.state import Transaction, transactional

_FIELDS: patches.Fields = {"name": patches.text, "description": patches.text}


@apigateway.operation
async def create_vpc_link(
    call: Call,
    name: str,
    targetArns: list[str],
    description: str | None = None,
    tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Make a link to a load balancer."""
    if len(targetArns) != 1 or not targetArns[0].startswith("arn:"):
        raise bad("A VPC link has exactly one target: the ARN of a load balancer")
    properties = present({"name": name, "description": description, "targetArns": targetArns})
    made = VpcLink(id=new_id(6), properties=properties, tags=tags or {})
    await _put(call.state, made)
    return describe(made)


@apigateway.operation
async def get_vpc_link(call: Call, vpcLinkId: str) -> dict[str, Any]:
    """A link."""
    return describe(await find_link(call.state, vpcLinkId))


@apigateway.operation
async def get_vpc_links(call: Call, position: str | None = None, limit: int | None = None) -> dict[str, Any]:
    """The links of the region."""
    return page([describe(one) for one in await _all(call.state)], position, limit)


@apigateway.operation
async def update_vpc_link(
    call: Call, vpcLinkId: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change a link's name or description."""
    return describe(await _update(call.state, vpcLinkId, patchOperations or []))


@apigateway.operation
async def delete_vpc_link(call: Call, vpcLinkId: str) -> None:
    """Delete a link that no method uses."""
    await _delete(call.state, vpcLinkId)


def describe(link: VpcLink) -> dict[str, Any]:
    """A link as it is answered."""
    ready = {"status": "AVAILABLE", "statusMessage": "Your vpc link is ready for use"}
    return {"id": link.id, **link.properties, **ready, "tags": link.tags}


@transactional
async def find_link(tx: Transaction, link_id: str) -> VpcLink:
    """A link; NotFoundException when there is none."""
    found = await vpc_links.get(tx, link_id)
    if found is None:
        raise not_found("Invalid Vpc Link identifier specified")
    return found


@transactional
async def _put(tx: Transaction, link: VpcLink) -> None:
    await vpc_links.put(tx, link)


@transactional
async def _all(tx: Transaction) -> list[VpcLink]:
    return await vpc_links.list(tx)


@transactional
async def _update(tx: Transaction, link_id: str, operations: list[dict[str, Any]]) -> VpcLink:
    link = await find_link(tx, link_id)
    changed = msgspec.structs.replace(link, properties=patches.patched(link.properties, _FIELDS, operations))
    await vpc_links.put(tx, changed)
    return changed


@transactional
async def _delete(tx: Transaction, link_id: str) -> None:
    await find_link(tx, link_id)
    for api in await rest_apis.list(tx):
        for resource in await resources.list(tx, api.id):
            for name, method in resource.methods.items():
                if (method.get("methodIntegration") or {}).get("connectionId") == link_id:
                    raise bad(
                        f"Cannot delete vpc link. Vpc link '{link_id}', is referenced in [{name}:{resource.id}] in "
                        "format of [Method:Resource]."
                    )
    await vpc_links.delete(tx, link_id)
