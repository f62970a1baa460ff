"""X-Ray's CloudFormation resource types. Source: "X-Ray resource type reference"."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType

_NUMBERS = {"Priority": int, "FixedRate": float, "ReservoirSize": int, "Version": int}


async def _create_group(call: ResourceCall) -> Resource:
    given = {**call.given("FilterExpression"), **_insights(call)}
    answer = await call.ask("xray", "CreateGroup", GroupName=call.name("GroupName", 32), Tags=call.tag_list(), **given)
    arn = answer["Group"]["GroupARN"]
    return Resource(arn, {"GroupARN": arn})


def _insights(call: ResourceCall) -> dict[str, Any]:
    stated = call.properties.get("InsightsConfiguration")
    if stated is None:
        return {}
    return {"InsightsConfiguration": {name: str(value).lower() == "true" for name, value in stated.items()}}


async def _update_group(call: ResourceCall) -> Resource:
    given = {"FilterExpression": "", **call.given("FilterExpression"), **_insights(call)}
    await call.ask("xray", "UpdateGroup", GroupARN=call.physical_id, **given)
    return Resource(call.physical_id, call.attributes)


async def _delete_group(call: ResourceCall) -> None:
    await call.ask("xray", "DeleteGroup", GroupARN=call.physical_id)


def _rule(call: ResourceCall) -> dict[str, Any]:
    """The rule that a template states, its numbers as numbers."""
    call.required("SamplingRule")
    stated = dict(call.properties["SamplingRule"])
    for member, kind in _NUMBERS.items():
        if member in stated:
            stated[member] = kind(stated[member])
    return stated


async def _create_rule(call: ResourceCall) -> Resource:
    rule = {"Version": 1, **_rule(call)}
    rule.setdefault("RuleName", call.name("RuleName", 32))
    answer = await call.ask("xray", "CreateSamplingRule", SamplingRule=rule, Tags=call.tag_list())
    arn = answer["SamplingRuleRecord"]["SamplingRule"]["RuleARN"]
    return Resource(arn, {"RuleARN": arn})


async def _update_rule(call: ResourceCall) -> Resource:
    update = {name: value for name, value in _rule(call).items() if name not in ("RuleName", "RuleARN", "Version")}
    await call.ask("xray", "UpdateSamplingRule", SamplingRuleUpdate={**update, "RuleARN": call.physical_id})
    return Resource(call.physical_id, call.attributes)


async def _delete_rule(call: ResourceCall) -> None:
    await call.ask("xray", "DeleteSamplingRule", RuleARN=call.physical_id)


async def _put_policy(call: ResourceCall) -> Resource:
    call.required("PolicyName", "PolicyDocument")
    name = str(call.properties["PolicyName"])
    await call.ask("xray", "PutResourcePolicy", PolicyName=name, PolicyDocument=call.properties["PolicyDocument"])
    return Resource(name)


async def _delete_policy(call: ResourceCall) -> None:
    await call.ask("xray", "DeleteResourcePolicy", PolicyName=call.physical_id)


async def _search(call: ResourceCall) -> Resource:
    await call.ask("xray", "UpdateTraceSegmentDestination", Destination="CloudWatchLogs")
    share = float(call.properties.get("IndexingPercentage", 1))
    rule = {"Probabilistic": {"DesiredSamplingPercentage": share}}
    await call.ask("xray", "UpdateIndexingRule", Name="Default", Rule=rule)
    return Resource(call.account, {"AccountId": call.account})


async def _no_search(call: ResourceCall) -> None:
    await call.ask("xray", "UpdateTraceSegmentDestination", Destination="XRay")


RESOURCES = (
    ResourceType(
        "AWS::XRay::Group", _create_group, _delete_group, _update_group, replaced_by=frozenset(("GroupName",))
    ),
    ResourceType("AWS::XRay::SamplingRule", _create_rule, _delete_rule, _update_rule),
    ResourceType(
        "AWS::XRay::TransactionSearchConfig", _search, _no_search, _search, expected=lambda call: call.account
    ),
    ResourceType(
        "AWS::XRay::ResourcePolicy",
        _put_policy,
        _delete_policy,
        _put_policy,
        replaced_by=frozenset(("PolicyName",)),
        expected=lambda call: str(call.properties.get("PolicyName", "")),
    ),
)
