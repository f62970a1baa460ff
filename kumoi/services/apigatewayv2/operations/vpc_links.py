"""VPC links, over which HTTP APIs reach load balancers: available at once, their networks kept as given."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.http_api.places import new_id
from kumoi.services.apigatewayv2 import apigatewayv2
from kumoi.services.apigatewayv2.errors import bad, not_found, page
from kumoi.services.apigatewayv2.records import VpcLink, apis, parts, vpc_links
from kumoi.state import Transaction, transactional


@apigatewayv2.operation
async def create_vpc_link(
    call: Call,
    Name: str,
    SubnetIds: list[str],
    SecurityGroupIds: list[str] | None = None,
    Tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Make a link."""
    made = VpcLink(
        id=new_id(6),
        name=Name,
        created=call.now,
        subnets=tuple(SubnetIds),
        groups=tuple(SecurityGroupIds or ()),
        tags=Tags or {},
    )
    await _put(call.state, made)
    return describe(made)


@apigatewayv2.operation
async def get_vpc_link(call: Call, VpcLinkId: str) -> dict[str, Any]:
    """A link."""
    return describe(await find_link(call.state, VpcLinkId))


@apigatewayv2.operation
async def get_vpc_links(call: Call, MaxResults: str | None = None, NextToken: str | None = None) -> dict[str, Any]:
    """The links of the region."""
    shown, more = page(await _all(call.state), MaxResults, NextToken)
    return {"Items": [describe(one) for one in shown], **more}


@apigatewayv2.operation
async def update_vpc_link(call: Call, VpcLinkId: str, Name: str | None = None) -> dict[str, Any]:
    """Rename a link."""
    return describe(await _rename(call.state, VpcLinkId, Name))


@apigatewayv2.operation
async def delete_vpc_link(call: Call, VpcLinkId: str) -> dict[str, Any]:
    """Delete a link that no integration uses."""
    await _delete(call.state, VpcLinkId)
    return {}


def describe(link: VpcLink) -> dict[str, Any]:
    """A link as it is answered."""
    return {
        "VpcLinkId": link.id,
        "Name": link.name,
        "CreatedDate": datetime.fromtimestamp(int(link.created), UTC),
        "SubnetIds": list(link.subnets),
        "SecurityGroupIds": list(link.groups),
        "Tags": link.tags,
        "VpcLinkStatus": "AVAILABLE",
        "VpcLinkStatusMessage": "VPC link is ready to route traffic",
        "VpcLinkVersion": "V2",
    }


@transactional
async def find_link(tx: Transaction, link_id: str) -> VpcLink:
    """A link; NotFoundException when there is none."""
    found = await vpc_links.get(tx, link_id)
    if found is None:
        raise not_found("VpcLink", link_id)
    return found


@transactional
async def _put(tx: Transaction, link: VpcLink) -> None:
    await vpc_links.put(tx, link)


@transactional
async def _all(tx: Transaction) -> list[VpcLink]:
    return await vpc_links.list(tx)


@transactional
async def _rename(tx: Transaction, link_id: str, name: str | None) -> VpcLink:
    link = await find_link(tx, link_id)
    changed = msgspec.structs.replace(link, name=name or link.name)
    await vpc_links.put(tx, changed)
    return changed


@transactional
async def _delete(tx: Transaction, link_id: str) -> None:
    await find_link(tx, link_id)
    for api in await apis.list(tx):
        for part in await parts.list(tx, api.id, "Integration"):
            if part.properties.get("ConnectionId") == link_id:
                raise bad(f"Cannot delete VPC link {link_id}: integration {part.id} of API {api.id} uses it")
    await vpc_links.delete(tx, link_id)
