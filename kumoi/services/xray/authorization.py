"""Which permissions X-Ray's calls need: on groups and sampling rules by their names, on traces none but the action.

OpenTelemetry's data plane needs what PutTraceSegments needs. Source: "Actions, resources, and condition keys for AWS
X-Ray" of the service authorization reference.
"""

from __future__ import annotations

from kumoi.doorway import Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, everything


def resource(call: Call) -> str:
    """The group or sampling rule that a call names."""
    params = call.params
    for member in ("ResourceARN", "GroupARN", "RuleARN"):
        if isinstance(params.get(member), str):
            return str(params[member])
    rule = params.get("SamplingRule") or params.get("SamplingRuleUpdate") or params
    if call.operation.endswith("SamplingRule") and isinstance(rule, dict):
        if isinstance(rule.get("RuleARN"), str):
            return str(rule["RuleARN"])
        return call.arn("xray", f"sampling-rule/{rule.get('RuleName', '*')}")
    if call.operation in ("CreateGroup", "UpdateGroup", "DeleteGroup", "GetGroup"):
        return call.arn("xray", f"group/{params.get('GroupName', '*')}/*")
    return EVERYTHING


AUTHORIZATION = Authorization(
    "xray",
    resource=resource,
    resources={"PutTelemetryRecords": everything},
    actions={"otlp": "PutTraceSegments"},
)
