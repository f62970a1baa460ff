"""Topics, subscriptions and policies in templates."""

from __future__ import annotations

import json
from typing import Any

import pytest

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "s", "Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": "*"}],
}


@pytest.fixture
def stacks(kumoi: Any) -> Any:
    return kumoi.client("cloudformation")


def resources(**filters: Any) -> dict[str, Any]:
    return {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {
                "DisplayName": "News",
                "Subscription": [{"Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]}}],
                "Tags": [{"Key": "a", "Value": "1"}],
            },
        },
        "Ordered": {"Type": "AWS::SNS::Topic", "Properties": {"FifoTopic": True, "ContentBasedDeduplication": True}},
        "Listener": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "Ordered"},
                "Protocol": "sqs",
                "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
                "RawMessageDelivery": True,
                **filters,
            },
        },
        "Policy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"PolicyDocument": POLICY, "Topics": [{"Ref": "Topic"}]},
        },
        "Inline": {
            "Type": "AWS::SNS::TopicInlinePolicy",
            "Properties": {"PolicyDocument": POLICY, "TopicArn": {"Ref": "Ordered"}},
        },
    }


OUTPUTS = {
    "Topic": {"Value": {"Ref": "Topic"}},
    "Arn": {"Value": {"Fn::GetAtt": ["Topic", "TopicArn"]}},
    "Name": {"Value": {"Fn::GetAtt": ["Ordered", "TopicName"]}},
    "Listener": {"Value": {"Ref": "Listener"}},
}


def test_a_stack_of_topics(kumoi: Any, client: Any, stacks: Any) -> None:
    made = resources(FilterPolicy={"a": ["b"]})
    stacks.create_stack(StackName="news", TemplateBody=json.dumps({"Resources": made, "Outputs": OUTPUTS}))
    stacks.get_waiter("stack_create_complete").wait(StackName="news", WaiterConfig={"Delay": 1})
    (stack,) = stacks.describe_stacks(StackName="news")["Stacks"]
    told = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    assert told["Topic"] == told["Arn"]
    assert told["Name"].startswith("news-Ordered-")
    assert told["Name"].endswith(".fifo")
    topic = client.get_topic_attributes(TopicArn=told["Topic"])["Attributes"]
    assert (topic["DisplayName"], topic["SubscriptionsConfirmed"]) == ("News", "1")
    assert json.loads(topic["Policy"]) == POLICY
    tags = {tag["Key"]: tag["Value"] for tag in client.list_tags_for_resource(ResourceArn=told["Topic"])["Tags"]}
    assert (tags["a"], tags["aws:cloudformation:logical-id"]) == ("1", "Topic")
    listener = client.get_subscription_attributes(SubscriptionArn=told["Listener"])["Attributes"]
    assert json.loads(listener["FilterPolicy"]) == {"a": ["b"]}
    assert listener["RawMessageDelivery"] == "true"

    changed = resources(FilterPolicy={"a": {"c": [1]}}, FilterPolicyScope="MessageBody")
    changed["Topic"]["Properties"] = {"SignatureVersion": "2", "Tags": [{"Key": "b", "Value": "2"}]}
    del changed["Policy"]
    stacks.update_stack(StackName="news", TemplateBody=json.dumps({"Resources": changed, "Outputs": OUTPUTS}))
    stacks.get_waiter("stack_update_complete").wait(StackName="news", WaiterConfig={"Delay": 1})
    topic = client.get_topic_attributes(TopicArn=told["Topic"])["Attributes"]
    assert (topic["DisplayName"], topic["SignatureVersion"], topic["SubscriptionsConfirmed"]) == ("", "2", "0")
    assert json.loads(topic["Policy"])["Id"] == "__default_policy_ID"
    tags = {tag["Key"] for tag in client.list_tags_for_resource(ResourceArn=told["Topic"])["Tags"]}
    assert "b" in tags
    assert "a" not in tags
    listener = client.get_subscription_attributes(SubscriptionArn=told["Listener"])["Attributes"]
    assert json.loads(listener["FilterPolicy"]) == {"a": {"c": [1]}}
    assert listener["FilterPolicyScope"] == "MessageBody"

    stacks.delete_stack(StackName="news")
    stacks.get_waiter("stack_delete_complete").wait(StackName="news", WaiterConfig={"Delay": 1})
    assert client.list_topics()["Topics"] == []
    assert client.list_subscriptions()["Subscriptions"] == []


def test_a_stack_whose_topic_archives(kumoi: Any, client: Any, stacks: Any) -> None:
    def template(**archive: Any) -> str:
        replay = {"PointType": "Timestamp", "StartingPoint": "2020-01-01T00:00:00.000Z"}
        topic = {"FifoTopic": True, "ContentBasedDeduplication": True, **archive}
        listener = {
            "TopicArn": {"Ref": "Topic"},
            "Protocol": "sqs",
            "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
            "RawMessageDelivery": not archive,
            **({"ReplayPolicy": replay} if archive else {}),
        }
        made = {
            "Queue": {"Type": "AWS::SQS::Queue"},
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": topic},
            "Listener": {"Type": "AWS::SNS::Subscription", "Properties": listener},
        }
        outputs = {name: {"Value": {"Ref": name}} for name in ("Topic", "Listener")}
        return json.dumps({"Resources": made, "Outputs": outputs})

    stacks.create_stack(StackName="kept", TemplateBody=template(ArchivePolicy={"MessageRetentionPeriod": "7"}))
    stacks.get_waiter("stack_create_complete").wait(StackName="kept", WaiterConfig={"Delay": 1})
    outputs = stacks.describe_stacks(StackName="kept")["Stacks"][0]["Outputs"]
    names = {one["OutputKey"]: one["OutputValue"] for one in outputs}
    assert "BeginningArchiveTime" in client.get_topic_attributes(TopicArn=names["Topic"])["Attributes"]
    listening = client.get_subscription_attributes(SubscriptionArn=names["Listener"])["Attributes"]
    assert json.loads(listening["ReplayPolicy"])["PointType"] == "Timestamp"
    stacks.update_stack(StackName="kept", TemplateBody=template())
    stacks.get_waiter("stack_update_complete").wait(StackName="kept", WaiterConfig={"Delay": 1})
    assert "ArchivePolicy" not in client.get_topic_attributes(TopicArn=names["Topic"])["Attributes"]
    assert "ReplayPolicy" not in client.get_subscription_attributes(SubscriptionArn=names["Listener"])["Attributes"]
    stacks.delete_stack(StackName="kept")
    stacks.get_waiter("stack_delete_complete").wait(StackName="kept", WaiterConfig={"Delay": 1})
