"""Which permissions calls to the registry and to rules need: on the thing, type or rule, and on the roles rules act in.

Source: "Actions, resources, and condition keys for AWS IoT" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, everything, pass_role

_NAMED = (("thingName", "thing"), ("ruleName", "rule"), ("thingTypeName", "thingtype"))


def resource(call: Call) -> str:
    """The thing, rule or type that a call names."""
    for member, kind in _NAMED:
        if member in call.params:
            return call.arn("iot", f"{kind}/{call.params[member]}")
    return EVERYTHING


def rule_with_roles(call: Call) -> Iterator[Ask]:
    """The rule, and the roles that its actions are handed."""
    yield from AUTHORIZATION.usual(call)
    payload = call.params.get("topicRulePayload")
    if isinstance(payload, Mapping):
        actions = [*(payload.get("actions") or ()), payload.get("errorAction")]
        roles = [one.get("roleArn") for action in actions for one in _settings(action)]
        for role in dict.fromkeys(roles):
            yield from pass_role(call, role, "iot.amazonaws.com")


def _settings(action: object) -> list[Mapping[str, str]]:
    return [one for one in action.values() if isinstance(one, Mapping)] if isinstance(action, Mapping) else []


AUTHORIZATION = Authorization(
    "iot",
    resource=resource,
    resources=dict.fromkeys(("ListThings", "ListThingTypes", "ListTopicRules", "DescribeEndpoint"), everything),
    asks=dict.fromkeys(("CreateTopicRule", "ReplaceTopicRule"), rule_with_roles),
    error="UnauthorizedException",
)
