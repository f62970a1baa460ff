"""Which distributions use a thing: ListDistributionsBy…"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from kumoi.doorway import Call
from kumoi.services.cloudfront import cloudfront
from kumoi.services.cloudfront.describing import summary
from kumoi.services.cloudfront.kinds import (
    CACHE_POLICY,
    KEY_GROUP,
    ORIGIN_REQUEST_POLICY,
    RESPONSE_HEADERS_POLICY,
    Kind,
)
from kumoi.services.cloudfront.lookup import all_distributions, find_configured
from kumoi.services.cloudfront.pages import page


def _by(kind: Kind, member: str) -> Callable[..., Awaitable[Any]]:
    async def list_by(call: Call, Marker: str | None = None, MaxItems: str | None = None, **given: Any) -> Any:
        id = given[member]
        await find_configured(call.state, kind, id)
        found = [one for one in await all_distributions(call.state) if id in kind.uses(one.config)]
        return {"DistributionIdList": page(found, lambda one: one.id, lambda one: one.id, Marker, MaxItems)}

    return list_by


for _kind, _member, _operation in (
    (CACHE_POLICY, "CachePolicyId", "ListDistributionsByCachePolicyId"),
    (ORIGIN_REQUEST_POLICY, "OriginRequestPolicyId", "ListDistributionsByOriginRequestPolicyId"),
    (RESPONSE_HEADERS_POLICY, "ResponseHeadersPolicyId", "ListDistributionsByResponseHeadersPolicyId"),
    (KEY_GROUP, "KeyGroupId", "ListDistributionsByKeyGroup"),
):
    cloudfront.operation(name=_operation)(_by(_kind, _member))


@cloudfront.operation(name="ListDistributionsByWebACLId")
async def list_distributions_by_web_acl_id(
    call: Call, WebACLId: str, Marker: str | None = None, MaxItems: str | None = None
) -> dict[str, Any]:
    """The distributions with a web ACL; `null` means those without, which all are."""
    found = await all_distributions(call.state) if WebACLId == "null" else []
    listed = page(found, lambda one: one.id, lambda one: summary(call, one), Marker, MaxItems)
    return {"DistributionList": listed}
