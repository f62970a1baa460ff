"""Prefix lists: those of S3 and DynamoDB, which AWS has ready in every region."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.networks.prefixes import managed, prefix_lists
from kumoi.services.ec2.describing import Filters, answer, page
from kumoi.services.ec2.kinds import PREFIX_LIST, not_found
from kumoi.services.ec2.serving import operation


@operation
async def describe_prefix_lists(
    call: Call,
    PrefixListIds: list[str] | None = None,
    Filters: Filters | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """The services' prefix lists, with their blocks."""
    told = [
        {"PrefixListId": one.id, "PrefixListName": one.name, "Cidrs": list(one.blocks)}
        for one in prefix_lists(call.region)
    ]
    return answer(PREFIX_LIST, "PrefixLists", told, PrefixListIds, Filters, MaxResults, NextToken)


@operation
async def describe_managed_prefix_lists(
    call: Call,
    PrefixListIds: list[str] | None = None,
    Filters: Filters | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """The prefix lists that there are."""
    told = [managed(call.region, one) for one in prefix_lists(call.region)]
    return answer(PREFIX_LIST, "PrefixLists", told, PrefixListIds, Filters, MaxResults, NextToken)


@operation
async def get_managed_prefix_list_entries(
    call: Call, PrefixListId: str, MaxResults: int | None = None, NextToken: str | None = None
) -> dict[str, Any]:
    """The blocks of a prefix list."""
    found = next((one for one in prefix_lists(call.region) if one.id == PrefixListId), None)
    if found is None:
        raise not_found(PREFIX_LIST, PrefixListId)
    return page("Entries", [{"Cidr": block} for block in found.blocks], MaxResults, NextToken)
