"""Which permissions the calls of CloudFront and of its key-value stores need.

Source: "Actions, resources, and condition keys for Amazon CloudFront" (and CloudFront KeyValueStore) of the service
authorization reference.
"""

from __future__ import annotations

from kumoi.doorway import Authorization, Call
from kumoi.doorway.authorization import EVERYTHING
from kumoi.names import arn

_KINDS = (
    ("RealtimeLogConfig", "realtime-log-config"),
    ("KeyValueStore", "key-value-store"),
    ("Function", "function"),
    ("ResponseHeadersPolicy", "response-headers-policy"),
    ("OriginRequestPolicy", "origin-request-policy"),
    ("CachePolicy", "cache-policy"),
    ("ContinuousDeploymentPolicy", "continuous-deployment-policy"),
    ("OriginAccessControl", "origin-access-control"),
    ("OriginAccessIdentity", "origin-access-identity"),
    ("Distribution", "distribution"),
    ("Invalidation", "distribution"),
    ("MonitoringSubscription", "distribution"),
    ("Alias", "distribution"),
)
"""How ARNs call what an operation's name speaks of."""

_ARNS = ("Resource", "ARN", "KvsARN")
_DISTRIBUTIONS = ("DistributionId", "TargetDistributionId")


def resource(call: Call) -> str:
    """What a call names by an id, a name or an ARN."""
    params, operation = call.params, call.operation
    for member in _ARNS:
        if isinstance(params.get(member), str):
            return str(params[member])
    for member in _DISTRIBUTIONS:
        if isinstance(params.get(member), str):
            return _arn(call, f"distribution/{params[member]}")
    kind = next((named for spoken, named in _KINDS if spoken in operation), None)
    id = params.get("Id") or params.get("Name")
    if kind is None or operation.startswith("List"):
        return EVERYTHING
    if isinstance(id, str):
        return _arn(call, f"{kind}/{id}")
    return _arn(call, f"{kind}/*") if operation.startswith("Create") else EVERYTHING


def _arn(call: Call, named: str) -> str:
    return arn("cloudfront", "", call.account, named)


AUTHORIZATION = Authorization(
    "cloudfront",
    resource=resource,
    actions={"CreateDistributionWithTags": "CreateDistribution"},
    error="AccessDenied",
)
