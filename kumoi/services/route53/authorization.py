"""Which permissions the calls of Route 53 need.

Source: "Actions, resources, and condition keys for Amazon Route 53" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, NO_VALUES, Values, no_permission
from kumoi.services.route53.domain_names import BadName, canonical, host
from kumoi.services.route53.naming import bare, route53_arn

_KINDS = (("HealthCheck", "healthcheck"), ("DelegationSet", "delegationset"), ("Change", "change"))
"""How ARNs call what an operation's name speaks of, where it is no zone."""
_NOTHING = frozenset(
    (
        "CreateHostedZone",
        "CreateHealthCheck",
        "CreateReusableDelegationSet",
        "GetAccountLimit",
        "GetCheckerIpRanges",
        "GetHealthCheckCount",
        "GetHostedZoneCount",
        "ListHealthChecks",
        "ListHostedZones",
        "ListHostedZonesByName",
        "ListHostedZonesByVPC",
        "ListReusableDelegationSets",
        "TestDNSAnswer",
    )
)
_BATCH = "route53:changeresourcerecordsets"


def resource(call: Call) -> str:
    """What a call names by its id."""
    params, operation = call.params, call.operation
    if operation in _NOTHING:
        return EVERYTHING
    if "ResourceType" in params:
        return route53_arn(f"{params['ResourceType']}/{bare(str(params.get('ResourceId', '*')))}")
    if "HealthCheckId" in params:
        return route53_arn(f"healthcheck/{params['HealthCheckId']}")
    if "HostedZoneId" in params:
        return route53_arn(f"hostedzone/{bare(str(params['HostedZoneId']))}")
    kind = next((named for spoken, named in _KINDS if spoken in operation), "hostedzone")
    return route53_arn(f"{kind}/{bare(str(params.get('Id', '*')))}")


def several(call: Call) -> Iterator[Ask]:
    """Each thing whose tags are asked for."""
    for one in call.params.get("ResourceIds") or ():
        yield Ask("route53:ListTagsForResource", route53_arn(f"{call.params['ResourceType']}/{bare(str(one))}"))


def context(call: Call) -> Values:
    """The names, types and actions of a batch of changes."""
    if call.operation != "ChangeResourceRecordSets":
        return NO_VALUES
    changes: Sequence[Mapping[str, Mapping[str, str]]] = call.params.get("ChangeBatch", {}).get("Changes", ())
    sets = [one["ResourceRecordSet"] for one in changes]
    return {
        f"{_BATCH}normalizedrecordnames": [_normalized(one["Name"]) for one in sets],
        f"{_BATCH}recordtypes": [one["Type"] for one in sets],
        f"{_BATCH}actions": [str(one["Action"]) for one in changes],
    }


def _normalized(name: str) -> str:
    try:
        return host(canonical(name)).replace("*", r"\052")
    except BadName:
        return name.lower()


AUTHORIZATION = Authorization(
    "route53",
    resource=resource,
    asks={"ListTagsForResources": several, "Resolve": no_permission},
    context=context,
    error="AccessDenied",
)
