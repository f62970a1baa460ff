"""IoT Core's CloudFormation resource types. Source: "AWS IoT resource type reference".

Properties are the API's members in Pascal case.
"""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType


def _camel(value: Any) -> Any:
    """A property with its members in camel case; attributes of things are the user's own."""
    if isinstance(value, dict):
        return {
            name[:1].lower() + name[1:]: inner if name == "Attributes" else _camel(inner)
            for name, inner in value.items()
        }
    return [_camel(one) for one in value] if isinstance(value, list) else value


def _flags(payload: dict[str, Any]) -> dict[str, Any]:
    """Booleans that a template has as text."""
    for settings in (payload, *(one for action in payload.get("actions", []) for one in action.values())):
        for name in ("ruleDisabled", "useBase64", "batchMode"):
            if isinstance(settings.get(name), str):
                settings[name] = settings[name].lower() == "true"
    return payload


def _rule(call: ResourceCall) -> dict[str, Any]:
    call.required("TopicRulePayload")
    return _flags(_camel(call.properties["TopicRulePayload"]))


def _rule_name(call: ResourceCall) -> str:
    return call.name("RuleName", 128).replace("-", "_")


async def _create_rule(call: ResourceCall) -> Resource:
    name = _rule_name(call)
    await call.ask("iot", "CreateTopicRule", ruleName=name, topicRulePayload=_rule(call))
    return Resource(name, {"Arn": call.arn("iot", f"rule/{name}")})


async def _update_rule(call: ResourceCall) -> Resource:
    await call.ask("iot", "ReplaceTopicRule", ruleName=call.physical_id, topicRulePayload=_rule(call))
    return Resource(call.physical_id, call.attributes)


async def _delete_rule(call: ResourceCall) -> None:
    await call.ask("iot", "DeleteTopicRule", ruleName=call.physical_id)


async def _create_thing(call: ResourceCall) -> Resource:
    name = call.name("ThingName", 128)
    answer = await call.ask("iot", "CreateThing", thingName=name, **_camel(call.given("AttributePayload")))
    return Resource(name, {"Arn": answer["thingArn"], "Id": answer["thingId"]})


async def _update_thing(call: ResourceCall) -> Resource:
    payload = _camel(call.properties.get("AttributePayload", {"Attributes": {}}))
    await call.ask("iot", "UpdateThing", thingName=call.physical_id, attributePayload=payload)
    return Resource(call.physical_id, call.attributes)


async def _delete_thing(call: ResourceCall) -> None:
    await call.ask("iot", "DeleteThing", thingName=call.physical_id)


RESOURCES = (
    ResourceType(
        "AWS::IoT::TopicRule",
        _create_rule,
        _delete_rule,
        _update_rule,
        replaced_by=frozenset(("RuleName",)),
        expected=_rule_name,
    ),
    ResourceType(
        "AWS::IoT::Thing",
        _create_thing,
        _delete_thing,
        _update_thing,
        replaced_by=frozenset(("ThingName",)),
        expected=lambda call: call.name("ThingName", 128),
    ),
)
