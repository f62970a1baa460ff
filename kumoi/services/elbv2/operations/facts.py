"""What is the same for everybody: quotas, and the names of TLS policies."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.elbv2 import elbv2
from kumoi.services.elbv2.errors import page, refused

_LIMITS = {
    "application-load-balancers": 50,
    "condition-values-per-alb-rule": 5,
    "condition-wildcards-per-alb-rule": 5,
    "listeners-per-application-load-balancer": 50,
    "rules-per-application-load-balancer": 100,
    "target-groups": 3000,
    "target-groups-per-action-on-application-load-balancer": 5,
    "target-groups-per-application-load-balancer": 100,
    "targets-per-application-load-balancer": 1000,
    "targets-per-target-group": 1000,
}
_POLICIES = {
    "ELBSecurityPolicy-2016-08": ["TLSv1", "TLSv1.1", "TLSv1.2"],
    "ELBSecurityPolicy-TLS13-1-2-2021-06": ["TLSv1.2", "TLSv1.3"],
    "ELBSecurityPolicy-TLS13-1-3-2021-06": ["TLSv1.3"],
}


@elbv2.operation
async def describe_account_limits(call: Call, Marker: str | None = None, PageSize: int | None = None) -> dict[str, Any]:
    """The quotas."""
    return page(sorted(_LIMITS.items()), "Limits", Marker, PageSize, lambda one: {"Name": one[0], "Max": str(one[1])})


@elbv2.operation(name="DescribeSSLPolicies")
async def describe_ssl_policies(
    call: Call,
    Names: list[str] | None = None,
    Marker: str | None = None,
    PageSize: int | None = None,
    LoadBalancerType: str = "application",
) -> dict[str, Any]:
    """The commonest TLS policies; the platform's own TLS is the same under all of them (1.2 and later)."""
    gone = [name for name in Names or () if name not in _POLICIES]
    if gone:
        raise refused("SSLPolicyNotFound", f"SSL policies '[{', '.join(gone)}]' not found")

    def answer(name: str) -> dict[str, Any]:
        return {"Name": name, "SslProtocols": _POLICIES[name], "SupportedLoadBalancerTypes": ["application"]}

    return page(Names or list(_POLICIES), "SslPolicies", Marker, PageSize, answer)
