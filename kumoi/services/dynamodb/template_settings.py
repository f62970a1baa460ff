"""What a table of a template has beside its definition, each by operations of its own.

Every setting is compared with what the table has now, not with what the template said before: a rollback comes after
some of them were changed. Source: "AWS::DynamoDB::Table" in the CloudFormation reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.doorway.resource_types import ResourceCall


def numbers(value: Any) -> Any:
    """Throughput numbers and flags may be texts in templates."""
    if isinstance(value, dict):
        return {
            name: int(one) if name.endswith("Units") and isinstance(one, str) else numbers(one)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [numbers(one) for one in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


async def settle(call: ResourceCall, name: str) -> None:
    """Bring a table's settings to what the template says; what it says nothing of, and never did, is left alone."""
    table = (await call.ask("dynamodb", "DescribeTable", TableName=name))["Table"]
    await _settle_expiry(call, name)
    recovery = call.properties.get("PointInTimeRecoverySpecification")
    if recovery != call.before.get("PointInTimeRecoverySpecification"):
        specification = numbers(recovery) or {"PointInTimeRecoveryEnabled": False}
        given = {"TableName": name, "PointInTimeRecoverySpecification": specification}
        await call.ask("dynamodb", "UpdateContinuousBackups", **given)
    await _settle_policy(call, table["TableArn"], call.properties, call.before)
    if table.get("StreamSpecification"):
        stream, had = (one.get("StreamSpecification") or {} for one in (call.properties, call.before))
        same = stream.get("StreamViewType") == had.get("StreamViewType")
        await _settle_policy(call, table["LatestStreamArn"], stream, had if same else {})
    await _settle_destination(call, name)
    await _settle_insights(call, {"TableName": name}, call.properties, call.before)
    before = {one["IndexName"]: one for one in call.before.get("GlobalSecondaryIndexes", ())}
    for index in call.properties.get("GlobalSecondaryIndexes", ()):
        where = {"TableName": name, "IndexName": index["IndexName"]}
        await _settle_insights(call, where, index, before.get(index["IndexName"], {}))


async def retag(call: ResourceCall, arn: str) -> None:
    """Give a table the tags it is to have, and take away the others."""
    wanted = {key: value for key, value in call.all_tags().items() if not key.startswith("aws:")}
    had: dict[str, str] = {}
    token: str | None = ""
    while token is not None:
        answer = await call.ask("dynamodb", "ListTagsOfResource", ResourceArn=arn, NextToken=token or None)
        had |= {tag["Key"]: tag["Value"] for tag in answer["Tags"]}
        token = answer.get("NextToken")
    if gone := sorted(had.keys() - wanted.keys()):
        await call.ask("dynamodb", "UntagResource", ResourceArn=arn, TagKeys=gone)
    if changed := [{"Key": key, "Value": value} for key, value in wanted.items() if had.get(key) != value]:
        await call.ask("dynamodb", "TagResource", ResourceArn=arn, Tags=changed)


async def _settle_expiry(call: ResourceCall, name: str) -> None:
    wanted, before = (numbers(one.get("TimeToLiveSpecification") or {}) for one in (call.properties, call.before))
    if wanted == before:
        return
    lives = (await call.ask("dynamodb", "DescribeTimeToLive", TableName=name))["TimeToLiveDescription"]
    now, then = lives.get("AttributeName"), wanted.get("AttributeName") if wanted.get("Enabled") else None
    for attribute, enabled in ((now, False), (then, True)):
        if attribute and now != then:
            specification = {"AttributeName": attribute, "Enabled": enabled}
            await call.ask("dynamodb", "UpdateTimeToLive", TableName=name, TimeToLiveSpecification=specification)


async def _settle_policy(call: ResourceCall, arn: str, wanted: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    policy = wanted.get("ResourcePolicy")
    if policy == before.get("ResourcePolicy"):
        return
    if policy:
        text = orjson.dumps(policy["PolicyDocument"]).decode()
        await call.ask("dynamodb", "PutResourcePolicy", ResourceArn=arn, Policy=text)
    else:
        await call.ask("dynamodb", "DeleteResourcePolicy", ResourceArn=arn)


async def _settle_destination(call: ResourceCall, name: str) -> None:
    wanted, before = (one.get("KinesisStreamSpecification") for one in (call.properties, call.before))
    if wanted == before:
        return
    told = await call.ask("dynamodb", "DescribeKinesisStreamingDestination", TableName=name)
    active = {one["StreamArn"] for one in told["KinesisDataStreamDestinations"] if one["DestinationStatus"] == "ACTIVE"}
    if before and before["StreamArn"] in active:
        given = {"TableName": name, "StreamArn": before["StreamArn"]}
        await call.ask("dynamodb", "DisableKinesisStreamingDestination", **given)
    if wanted:
        precision = wanted.get("ApproximateCreationDateTimePrecision")
        given = {"TableName": name, "StreamArn": wanted["StreamArn"]}
        if precision:
            given["EnableKinesisStreamingConfiguration"] = {"ApproximateCreationDateTimePrecision": precision}
        await call.ask("dynamodb", "EnableKinesisStreamingDestination", **given)


async def _settle_insights(
    call: ResourceCall, where: Mapping[str, Any], wanted: Mapping[str, Any], before: Mapping[str, Any]
) -> None:
    insights = wanted.get("ContributorInsightsSpecification")
    if insights != before.get("ContributorInsightsSpecification"):
        on = numbers((insights or {}).get("Enabled"))
        action = "ENABLE" if on else "DISABLE"
        await call.ask("dynamodb", "UpdateContributorInsights", **where, ContributorInsightsAction=action)
