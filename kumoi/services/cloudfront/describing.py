"""Distributions as the API answers them."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.cloudfront.configuration.normal_form import listed
from kumoi.services.cloudfront.configuration.reading import items, key_groups
from kumoi.services.cloudfront.naming import cloudfront_arn
from kumoi.services.cloudfront.records import Distribution, configured
from kumoi.state import Transaction, transactional

_SUMMARISED = (
    *("Aliases", "Origins", "OriginGroups", "DefaultCacheBehavior", "CacheBehaviors", "CustomErrorResponses"),
    *("Comment", "PriceClass", "Enabled", "ViewerCertificate", "Restrictions", "WebACLId", "HttpVersion"),
    *("IsIPV6Enabled", "Staging"),
)


async def described(call: Call, one: Distribution, *, status: str | None = None) -> dict[str, Any]:
    """A distribution in full; `status` where the answer tells another than the time does."""
    groups = await _keys(call.state, sorted(key_groups(one.config)))
    return {
        **_head(call, one),
        "Status": status or status_of(one, call.now),
        "InProgressInvalidationBatches": 0,
        "ActiveTrustedSigners": {"Enabled": False, "Quantity": 0},
        "ActiveTrustedKeyGroups": {"Enabled": bool(groups), **listed(groups)},
        "DistributionConfig": one.config,
    }


def summary(call: Call, one: Distribution) -> dict[str, Any]:
    """A distribution as lists have it."""
    return {
        **_head(call, one),
        "ETag": one.etag,
        "Status": status_of(one, call.now),
        **{member: one.config[member] for member in _SUMMARISED},
    }


def status_of(one: Distribution, now: float) -> str:
    """InProgress until the last change has reached every POP."""
    return "Deployed" if one.deployed(now) else "InProgress"


def _head(call: Call, one: Distribution) -> dict[str, Any]:
    recorded = [{"CNAME": alias, "ICPRecordalStatus": "APPROVED"} for alias in items(one.config["Aliases"])]
    return {
        "Id": one.id,
        "ARN": cloudfront_arn(call.account, f"distribution/{one.id}"),
        "LastModifiedTime": one.changed,
        "DomainName": one.domain,
        **({"AliasICPRecordals": recorded} if recorded else {}),
    }


@transactional
async def _keys(tx: Transaction, groups: list[str]) -> list[dict[str, Any]]:
    found = []
    for group in groups:
        one = await configured.get(tx, "KeyGroup", group)
        found.append({"KeyGroupId": group, "KeyPairIds": listed(one.config["Items"] if one else [])})
    return found
