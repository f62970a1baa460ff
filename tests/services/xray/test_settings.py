"""Groups, sampling rules, policies and settings."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.clock import Clock
from kumoi.doorway import Doorway, Principal, Sampled
from kumoi.platform import Platform, Settings
from kumoi.services.xray.records import SamplingRule
from kumoi.services.xray.sampling import rule_for

RULE: dict[str, Any] = {
    "RuleName": "orders",
    "Priority": 10,
    "FixedRate": 0.5,
    "ReservoirSize": 5,
    "ServiceName": "shop",
    "ServiceType": "*",
    "Host": "*.example.com",
    "HTTPMethod": "POST",
    "URLPath": "/v?/*",
    "ResourceARN": "*",
    "Version": 1,
    "Attributes": {"tier": "gold"},
}


def refused(code: str, text: str = "") -> Any:
    return pytest.raises(ClientError, match=f"\\({code}\\).*{text}")


def test_groups(xray: Any) -> None:
    client = xray.client
    group = client.create_group(
        GroupName="slow", FilterExpression="responsetime > 5", Tags=[{"Key": "team", "Value": "a"}]
    )["Group"]
    assert group["FilterExpression"] == "responsetime > 5"
    assert group["InsightsConfiguration"] == {"InsightsEnabled": False, "NotificationsEnabled": False}
    arn = group["GroupARN"]
    changed = client.update_group(
        GroupARN=arn, FilterExpression="fault", InsightsConfiguration={"InsightsEnabled": True}
    )["Group"]
    assert (changed["FilterExpression"], changed["InsightsConfiguration"]["InsightsEnabled"]) == ("fault", True)
    assert client.get_group(GroupName="slow")["Group"] == changed
    client.tag_resource(ResourceARN=arn, Tags=[{"Key": "tier", "Value": "1"}])
    client.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "tier", "Value": "1"}]
    assert [one["GroupName"] for one in client.get_groups()["Groups"]] == ["Default", "slow"]
    with refused("InvalidRequestException", "already exists"):
        client.create_group(GroupName="slow")
    with refused("InvalidRequestException", "Invalid filter expression"):
        client.create_group(GroupName="other", FilterExpression="nothing")
    with refused("InvalidRequestException", "not both"):
        client.get_group(GroupName="slow", GroupARN=arn)
    client.delete_group(GroupName="slow")
    with refused("InvalidRequestException", "Group not found"):
        client.get_group(GroupName="slow")
    with refused("ResourceNotFoundException"):
        client.list_tags_for_resource(ResourceARN=arn)


def test_sampling_rules(xray: Any) -> None:
    client = xray.client
    (default,) = client.get_sampling_rules()["SamplingRuleRecords"]
    assert (default["SamplingRule"]["RuleName"], default["SamplingRule"]["Priority"]) == ("Default", 10_000)
    made = client.create_sampling_rule(SamplingRule=RULE)["SamplingRuleRecord"]["SamplingRule"]
    assert {name: made[name] for name in RULE} == RULE
    update = {"RuleARN": made["RuleARN"], "FixedRate": 0.25}
    assert (
        client.update_sampling_rule(SamplingRuleUpdate=update)["SamplingRuleRecord"]["SamplingRule"]["FixedRate"]
        == 0.25
    )
    client.update_sampling_rule(SamplingRuleUpdate={"RuleName": "Default", "FixedRate": 0.05})
    rates = {
        one["SamplingRule"]["RuleName"]: one["SamplingRule"]["FixedRate"]
        for one in client.get_sampling_rules()["SamplingRuleRecords"]
    }
    assert rates == {"Default": 0.05, "orders": 0.25}
    with refused("InvalidRequestException", "Invalid update request for default sampling rule"):
        client.update_sampling_rule(SamplingRuleUpdate={"RuleName": "Default", "Priority": 1})
    with refused("InvalidRequestException", "already exists"):
        client.create_sampling_rule(SamplingRule=RULE)
    client.delete_sampling_rule(RuleName="orders")
    with refused("InvalidRequestException", "does not exist"):
        client.delete_sampling_rule(RuleName="orders")
    for number in range(25):
        client.create_sampling_rule(SamplingRule={**RULE, "RuleName": f"r{number}"})
    with refused("RuleLimitExceededException"):
        client.create_sampling_rule(SamplingRule=RULE)


def test_clients_share_a_reservoir_and_tell_what_they_sampled(xray: Any) -> None:
    client = xray.client
    client.create_sampling_rule(SamplingRule=RULE)

    def told(rule: str, who: str) -> dict[str, Any]:
        return {
            "RuleName": rule,
            "ClientID": who * 24,
            "Timestamp": time.time(),
            "RequestCount": 10,
            "SampledCount": 4,
            "BorrowCount": 1,
        }

    first = client.get_sampling_targets(SamplingStatisticsDocuments=[told("orders", "a")])
    assert first["SamplingTargetDocuments"][0]["ReservoirQuota"] == 5
    both = client.get_sampling_targets(
        SamplingStatisticsDocuments=[told("orders", "b"), told("Default", "b"), told("none", "b")]
    )
    quotas = {one["RuleName"]: (one["ReservoirQuota"], one["Interval"]) for one in both["SamplingTargetDocuments"]}
    assert quotas == {"orders": (2, 10), "Default": (1, 10)}
    assert [one["RuleName"] for one in both["UnprocessedStatistics"]] == ["none"]
    assert both["LastRuleModification"].timestamp() > time.time() - 3600
    sums = client.get_sampling_statistic_summaries()["SamplingStatisticSummaries"]
    assert [(one["RuleName"], one["RequestCount"], one["SampledCount"]) for one in sums] == [
        ("Default", 10, 4),
        ("orders", 20, 8),
    ]


def test_what_a_client_told_long_ago_is_dropped() -> None:
    async def main() -> None:
        async with Platform(Settings(port=0)) as platform:
            doorway, clock = platform.parts[Doorway], platform.parts[Clock]

            async def tell(client: str) -> int:
                told = {"RuleName": "Default", "ClientID": client * 24, "Timestamp": datetime.now(UTC)}
                told |= {"RequestCount": 10, "SampledCount": 4}
                given = {"SamplingStatisticsDocuments": [told]}
                await doorway.ask("xray", "GetSamplingTargets", given, Principal.root("1" * 12), "us-east-1")
                answer = await doorway.ask(
                    "xray", "GetSamplingStatisticSummaries", {}, Principal.root("1" * 12), "us-east-1"
                )
                return int(answer["SamplingStatisticSummaries"][0]["RequestCount"])

            assert await tell("a") == 10
            clock.advance(1_800)
            assert await tell("b") == 20
            clock.advance(1_801)
            assert await tell("b") == 10

    asyncio.run(main())


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        (Sampled("shop", "AWS::Lambda::Function"), "shops"),
        (Sampled("SHOP", "x", path="/a/b", method="GET"), "shops"),
        (Sampled("workshop", "x"), "Default"),
        (Sampled("api", "x", host="a.example.com", method="POST", path="/v1/x"), "posts"),
        (Sampled("api", "x", host="a.example.com", method="POST", path="/v12/x"), "Default"),
        (Sampled("gold", "x"), "Default"),
    ],
)
def test_which_rule_a_request_falls_under(request_: Sampled, rule: str) -> None:
    rules = [
        SamplingRule(name="posts", priority=9, rate=0, reservoir=0, host="*.example.com", method="post", path="/v?/*"),
        SamplingRule(name="shops", priority=8, rate=0, reservoir=0, service="shop"),
        SamplingRule(name="golden", priority=1, rate=0, reservoir=0, service="gold", attributes={"a": "b"}),
    ]
    assert rule_for(rules, request_).name == rule


def test_a_rule_of_many_wildcards_costs_no_more_than_a_look() -> None:
    rule = SamplingRule(name="many", priority=1, rate=0, reservoir=0, path="*a*a*a*a*b")
    used = time.thread_time()
    assert rule_for([rule], Sampled("shop", "x", path="a" * 300)).name == "Default"
    assert time.thread_time() - used < 1


def test_resource_policies(xray: Any) -> None:
    client = xray.client
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "xray:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = client.put_resource_policy(PolicyName="sns", PolicyDocument=document)["ResourcePolicy"]
    assert (made["PolicyDocument"], made["PolicyRevisionId"]) == (document, "1")
    again = client.put_resource_policy(PolicyName="sns", PolicyDocument=document, PolicyRevisionId="1")
    assert again["ResourcePolicy"]["PolicyRevisionId"] == "2"
    with refused("InvalidPolicyRevisionIdException"):
        client.put_resource_policy(PolicyName="sns", PolicyDocument=document, PolicyRevisionId="1")
    for wrong in ("{", "{}", '{"Statement": [{"Effect": "Allow"}]}'):
        with refused("MalformedPolicyDocumentException"):
            client.put_resource_policy(PolicyName="other", PolicyDocument=wrong)
    with refused("PolicySizeLimitExceededException"):
        client.put_resource_policy(PolicyName="other", PolicyDocument=document + " " * 5_120)
    for number in range(4):
        client.put_resource_policy(PolicyName=f"p{number}", PolicyDocument=document)
    with refused("PolicyCountLimitExceededException"):
        client.put_resource_policy(PolicyName="other", PolicyDocument=document)
    client.delete_resource_policy(PolicyName="sns", PolicyRevisionId="2")
    names = [one["PolicyName"] for one in client.list_resource_policies()["ResourcePolicies"]]
    assert names == ["p0", "p1", "p2", "p3"]


def test_settings(xray: Any) -> None:
    client = xray.client
    assert client.get_encryption_config()["EncryptionConfig"] == {"Status": "ACTIVE", "Type": "NONE"}
    client.put_encryption_config(Type="KMS", KeyId="alias/mine")
    assert client.get_encryption_config()["EncryptionConfig"]["KeyId"] == "alias/mine"
    with refused("InvalidRequestException"):
        client.put_encryption_config(Type="KMS")
    assert client.get_trace_segment_destination()["Destination"] == "XRay"
    client.update_trace_segment_destination(Destination="CloudWatchLogs")
    assert client.get_trace_segment_destination() | {"ResponseMetadata": 0} == {
        "Destination": "CloudWatchLogs",
        "Status": "ACTIVE",
        "ResponseMetadata": 0,
    }
    client.update_indexing_rule(Name="Default", Rule={"Probabilistic": {"DesiredSamplingPercentage": 5}})
    (rule,) = client.get_indexing_rules()["IndexingRules"]
    assert rule["Rule"]["Probabilistic"] == {"DesiredSamplingPercentage": 5.0, "ActualSamplingPercentage": 100.0}
    with refused("ResourceNotFoundException"):
        client.update_indexing_rule(Name="x", Rule={"Probabilistic": {"DesiredSamplingPercentage": 5}})
    client.put_telemetry_records(TelemetryRecords=[{"Timestamp": time.time(), "SegmentsRejectedCount": 0}])


def test_there_are_no_insights(xray: Any) -> None:
    client, now = xray.client, time.time()
    found = client.get_insight_summaries(StartTime=now - 60, EndTime=now, GroupName="Default")
    assert found["InsightSummaries"] == []
    with refused("InvalidRequestException", "does not exist"):
        client.get_insight(InsightId="b1a2c3d4-e5f6-1234-89ab-0123456789ab")


def test_templates_make_groups_rules_and_policies(xray: Any, kumoi: Any) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "xray:*", "Resource": "*"}
    template: dict[str, Any] = {
        "Resources": {
            "Slow": {
                "Type": "AWS::XRay::Group",
                "Properties": {"GroupName": "slow", "FilterExpression": "duration > 5"},
            },
            "Rule": {
                "Type": "AWS::XRay::SamplingRule",
                "Properties": {"SamplingRule": {**RULE, "Priority": "7"}},
            },
            "Search": {"Type": "AWS::XRay::TransactionSearchConfig", "Properties": {"IndexingPercentage": 20}},
            "Policy": {
                "Type": "AWS::XRay::ResourcePolicy",
                "Properties": {"PolicyName": "sns", "PolicyDocument": json.dumps({"Statement": [statement]})},
            },
        },
        "Outputs": {"Group": {"Value": {"Ref": "Slow"}}, "Rule": {"Value": {"Fn::GetAtt": ["Rule", "RuleARN"]}}},
    }
    cloudformation = kumoi.client("cloudformation")
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    (stack,) = cloudformation.describe_stacks(StackName="s")["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    assert xray.client.get_group(GroupARN=outputs["Group"])["Group"]["FilterExpression"] == "duration > 5"
    assert outputs["Rule"].endswith(":sampling-rule/orders")
    assert xray.client.get_trace_segment_destination()["Destination"] == "CloudWatchLogs"
    (indexing,) = xray.client.get_indexing_rules()["IndexingRules"]
    assert indexing["Rule"]["Probabilistic"]["DesiredSamplingPercentage"] == 20
    template["Resources"]["Slow"]["Properties"]["FilterExpression"] = "fault"
    template["Resources"]["Rule"]["Properties"]["SamplingRule"]["FixedRate"] = 0.75
    cloudformation.update_stack(StackName="s", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    assert xray.client.get_group(GroupName="slow")["Group"]["FilterExpression"] == "fault"
    cloudformation.delete_stack(StackName="s")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    assert [one["GroupName"] for one in xray.client.get_groups()["Groups"]] == ["Default"]
    assert xray.client.list_resource_policies()["ResourcePolicies"] == []
