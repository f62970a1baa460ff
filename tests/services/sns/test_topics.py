"""Topics by boto3: made, configured, tagged, listed, deleted; and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_topic_is_made_once(kumoi: Any, client: Any) -> None:
    arn = client.create_topic(Name="news", Tags=[{"Key": "a", "Value": "1"}])["TopicArn"]
    assert arn == f"arn:aws:sns:us-east-1:{kumoi.account}:news"
    assert client.create_topic(Name="news")["TopicArn"] == arn
    assert refused(client.create_topic, Name="news", Attributes={"DisplayName": "x"}) == (
        "InvalidParameter",
        "Invalid parameter: Attributes Reason: Topic already exists with different attributes",
    )
    assert refused(client.create_topic, Name="news", Tags=[{"Key": "a", "Value": "2"}]) == (
        "InvalidParameter",
        "Invalid parameter: Tags Reason: Topic already exists with different tags",
    )
    assert client.list_topics()["Topics"] == [{"TopicArn": arn}]
    client.delete_topic(TopicArn=arn)
    client.delete_topic(TopicArn=arn)
    assert client.list_topics()["Topics"] == []
    assert refused(client.get_topic_attributes, TopicArn=arn) == ("NotFound", "Topic does not exist")


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("with space", {}),
        ("", {}),
        ("x" * 257, {}),
        ("a.fifo", {}),
        ("a", {"FifoTopic": "true"}),
        ("a.b", {}),
        ("é", {}),
    ],
)
def test_names_that_no_topic_can_have(client: Any, name: str, attributes: dict[str, str]) -> None:
    assert refused(client.create_topic, Name=name, Attributes=attributes) == (
        "InvalidParameter",
        "Invalid parameter: Topic Name",
    )


def test_attributes(kumoi: Any, client: Any, topic: str) -> None:
    attributes = client.get_topic_attributes(TopicArn=topic)["Attributes"]
    policy = json.loads(attributes.pop("Policy"))
    effective = json.loads(attributes.pop("EffectiveDeliveryPolicy"))
    assert attributes == {
        "TopicArn": topic,
        "Owner": kumoi.account,
        "DisplayName": "",
        "SubscriptionsConfirmed": "0",
        "SubscriptionsPending": "0",
        "SubscriptionsDeleted": "0",
    }
    assert policy["Statement"][0]["Condition"] == {"StringEquals": {"AWS:SourceOwner": kumoi.account}}
    assert effective["http"]["defaultHealthyRetryPolicy"]["numRetries"] == 3
    client.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="News")
    delivery = {"http": {"defaultHealthyRetryPolicy": {"numRetries": 5, "maxDelayTarget": 30}}}
    client.set_topic_attributes(TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue=json.dumps(delivery))
    attributes = client.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["DisplayName"] == "News"
    assert json.loads(attributes["DeliveryPolicy"]) == delivery
    assert json.loads(attributes["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]["numRetries"] == 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FifoTopic", "true"),
        ("Nonsense", "x"),
        ("ContentBasedDeduplication", "true"),
        ("SignatureVersion", "3"),
        ("DeliveryPolicy", "{"),
        ("DeliveryPolicy", "[]"),
        ("DeliveryPolicy", '{"http": {"defaultHealthyRetryPolicy": {"numRetries": "many"}}}'),
        ("DeliveryPolicy", '{"http": {"defaultHealthyRetryPolicy": {"minDelayTarget": 30}}}'),
        ("DeliveryPolicy", '{"http": {"defaultThrottlePolicy": 3}}'),
        ("DeliveryPolicy", '{"http": {"defaultRequestPolicy": {"headerContentType": "a\\nb"}}}'),
        ("Policy", "{"),
        ("Policy", '{"Statement": 3}'),
        ("MaximumMessageSize", "12"),
        ("DisplayName", "x" * 101),
    ],
)
def test_attributes_that_are_refused(client: Any, topic: str, name: str, value: str) -> None:
    code, message = refused(client.set_topic_attributes, TopicArn=topic, AttributeName=name, AttributeValue=value)
    assert code == "InvalidParameter"
    assert message.startswith("Invalid parameter: ")


@pytest.mark.parametrize(
    ("arn", "text"),
    [
        ("x", "TopicArn Reason: An ARN must have at least 6 elements, not 1"),
        ("arn:aws:sns:us-east-1:000000000000", "TopicArn Reason: An ARN must have at least 6 elements, not 5"),
        ("arn:aws:sns:eu-west-1:000000000000:news", "TopicArn"),
        ("arn:aws:sqs:us-east-1:000000000000:news", "TopicArn"),
        ("::::::", "TopicArn"),
    ],
)
def test_arns_that_name_no_topic(client: Any, arn: str, text: str) -> None:
    calls = (client.get_topic_attributes, client.delete_topic, client.list_subscriptions_by_topic)
    for call in calls:
        assert refused(call, TopicArn=arn) == ("InvalidParameter", f"Invalid parameter: {text}")


def test_tags(client: Any, topic: str) -> None:
    client.tag_resource(ResourceArn=topic, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
    client.tag_resource(ResourceArn=topic, Tags=[{"Key": "a", "Value": "2"}])
    client.untag_resource(ResourceArn=topic, TagKeys=["b", "none"])
    assert client.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "a", "Value": "2"}]
    twice = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    assert refused(client.tag_resource, ResourceArn=topic, Tags=twice)[1] == (
        "Invalid parameter: Duplicated keys are not allowed."
    )
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    assert refused(client.tag_resource, ResourceArn=topic, Tags=many)[0] == "TagLimitExceeded"
    assert refused(client.list_tags_for_resource, ResourceArn=topic + "x") == (
        "ResourceNotFound",
        "Resource does not exist",
    )


def test_permissions(client: Any, topic: str) -> None:
    grant = {"TopicArn": topic, "Label": "mine", "AWSAccountId": ["111122223333"], "ActionName": ["Publish"]}
    client.add_permission(**grant)
    statement = json.loads(client.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])["Statement"][1]
    assert statement == {
        "Sid": "mine",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "SNS:Publish",
        "Resource": topic,
    }
    assert refused(client.add_permission, **grant)[1] == "Invalid parameter: Statement already exists"
    assert refused(client.add_permission, **{**grant, "ActionName": ["Fly"], "Label": "b"})[1] == (
        "Invalid parameter: Policy statement action out of service scope!"
    )
    client.remove_permission(TopicArn=topic, Label="mine")
    client.remove_permission(TopicArn=topic, Label="mine")
    assert len(json.loads(client.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])["Statement"]) == 1


def test_lists_have_pages_of_a_hundred(client: Any) -> None:
    names = sorted(f"topic-{number:03}" for number in range(103))
    for name in names:
        client.create_topic(Name=name)
    first = client.list_topics()
    assert len(first["Topics"]) == 100
    second = client.list_topics(NextToken=first["NextToken"])
    assert "NextToken" not in second
    assert [one["TopicArn"].split(":")[-1] for one in first["Topics"] + second["Topics"]] == names
    assert refused(client.list_topics, NextToken="???")[0] == "InvalidParameter"


def test_data_protection_policies_are_kept(client: Any, topic: str) -> None:
    assert client.get_data_protection_policy(ResourceArn=topic)["DataProtectionPolicy"] == ""
    client.put_data_protection_policy(ResourceArn=topic, DataProtectionPolicy='{"Name": "x"}')
    assert client.get_data_protection_policy(ResourceArn=topic)["DataProtectionPolicy"] == '{"Name": "x"}'
    assert refused(client.put_data_protection_policy, ResourceArn=topic, DataProtectionPolicy="{")[0] == (
        "InvalidParameter"
    )


def test_what_is_not_built_says_so(client: Any) -> None:
    assert refused(client.create_sms_sandbox_phone_number, PhoneNumber="+4915112345678")[0] == "NotImplemented"
