"""Which permissions calls to Elastic Load Balancing need.

Source: "Actions, resources, and condition keys for AWS Elastic Load Balancing V2" of the service authorization
reference.
"""

from __future__ import annotations

from collections.abc import Iterable

from kumoi.doorway import Authorization, Call

_MEMBERS = ("RuleArn", "ListenerArn", "TargetGroupArn", "LoadBalancerArn")
_KINDS = {"CreateLoadBalancer": "loadbalancer/app", "CreateTargetGroup": "targetgroup"}


def _resources(call: Call) -> str | Iterable[str]:
    """What an operation changes; descriptions address everything."""
    params = call.params
    if call.operation.startswith("Describe"):
        return "*"
    if call.operation in _KINDS:
        return call.arn("elasticloadbalancing", f"{_KINDS[call.operation]}/{params.get('Name')}/*")
    if call.operation == "SetRulePriorities":
        return [one.get("RuleArn", "*") for one in params.get("RulePriorities") or ()]
    if "ResourceArns" in params:
        return list(params["ResourceArns"])
    return next((str(params[member]) for member in _MEMBERS if member in params), "*")


AUTHORIZATION = Authorization("elasticloadbalancing", resource=_resources, error="AccessDenied")
