"""Which permissions the calls of CloudFront and of its key-value stores need.

Source: "Actions, resources, and condition keys for Amazon CloudFront" (and CloudFront KeyValueStore) of the service
authorization reference.
"""

from __future__ import annotations

from kumoi.doorway import Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, Ask, pass_role
from kumoi.names import arn
from kumoi.services.cloudfront.configuration.reading import edge_functions

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


def _distribution(call: Call) -> list[Ask]:
    """Functions at the edge need permissions of their own, on their versions."""
    config = (call.params.get("DistributionConfigWithTags") or call.params).get("DistributionConfig")
    asks = [Ask(AUTHORIZATION.action(call.operation), resource(call))]
    try:
        versions = {one["LambdaFunctionARN"] for one in edge_functions(config)} if config else set()
    except (AttributeError, KeyError, TypeError):
        versions = set()
    for version in sorted(versions):
        asks += [Ask("lambda:GetFunction", version), Ask("lambda:EnableReplication*", version)]
    return asks


def _realtime(call: Call) -> list[Ask]:
    """The role that CloudFront writes to a stream in is handed on."""
    asks = [Ask(AUTHORIZATION.action(call.operation), resource(call))]
    for endpoint in call.params.get("EndPoints") or ():
        role = (endpoint.get("KinesisStreamConfig") or {}).get("RoleARN")
        asks += pass_role(call, role, "cloudfront.amazonaws.com")
    return asks


AUTHORIZATION = Authorization(
    "cloudfront",
    resource=resource,
    actions={"CreateDistributionWithTags": "CreateDistribution"},
    asks={
        **dict.fromkeys(("CreateDistribution", "CreateDistributionWithTags", "UpdateDistribution"), _distribution),
        **dict.fromkeys(("CreateRealtimeLogConfig", "UpdateRealtimeLogConfig"), _realtime),
    },
    error="AccessDenied",
)
