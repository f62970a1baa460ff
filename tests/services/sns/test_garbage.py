"""Whatever a client sends, it is told what is wrong: never a failure of the platform's own."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import urlencode, urlsplit

from botocore.loaders import Loader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

OPERATIONS = sorted(Loader().load_service_model("sns", "service-2")["operations"])
TOPIC = "arn:aws:sns:us-east-1:{account}:news"
words = st.sampled_from(
    ["", "0", "-1", "null", "true", "a", "{", "{}", "[]", '"x"', "ü", "\0", "\ud7ff", "x" * 300, "arn:aws:sns", ":::::",
     TOPIC, TOPIC + ":x", TOPIC + ":", "arn:aws:sns:us-east-1:{account}:app/GCM/a", "json", "sqs", "http", "email",
     "arn:aws:sns:us-east-1:{account}:endpoint/GCM/a/b", "application", "lambda", "http://127.0.0.1:1/", "a@b.c",
     "arn:aws:sqs:us-east-1:{account}:q", "String", "Number", "Binary", "String.Array", "FilterPolicy", "Policy",
     "RedrivePolicy", "DeliveryPolicy", "FilterPolicyScope", "MessageBody", "RawMessageDelivery", "DisplayName",
     '{"default": 1}', '{"default": "x"}', '{"http": null}', '{"http": {"defaultRequestPolicy": []}}',
     '{"healthyRetryPolicy": {"numRetries": 1e99}}', '{"a": {"b": [{"numeric": [">", "x"]}]}}', '{"a": null}',
     '{"$or": [1]}', '{"Statement": []}', '{"Statement": [null]}', '{"deadLetterTargetArn": null}', "GCM", "==", "AA=="]
)  # fmt: skip
MEMBERS = (
    "TopicArn TargetArn PhoneNumber Message Subject MessageStructure MessageGroupId MessageDeduplicationId Name "
    "Attributes.entry.1.key Attributes.entry.1.value Tags.member.1.Key Tags.member.1.Value TagKeys.member.1 "
    "ResourceArn SubscriptionArn Protocol Endpoint AttributeName AttributeValue Token NextToken nextToken Label "
    "AWSAccountId.member.1 ActionName.member.1 MessageAttributes.entry.1.Name ReturnSubscriptionArn "
    "MessageAttributes.entry.1.Value.DataType MessageAttributes.entry.1.Value.StringValue DataProtectionPolicy "
    "MessageAttributes.entry.1.Value.BinaryValue PublishBatchRequestEntries.member.1.Id "
    "PublishBatchRequestEntries.member.1.Message PublishBatchRequestEntries.member.1.Subject Platform "
    "PlatformApplicationArn EndpointArn CustomUserData phoneNumber attributes.entry.1.key attributes.entry.1.value "
    "PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Value.StringValue AuthenticateOnUnsubscribe "
    "PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Name"
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    operation=st.sampled_from(OPERATIONS), params=st.dictionaries(st.sampled_from(MEMBERS.split()), words, max_size=8)
)
def test_garbage_is_told_apart(kumoi: Any, topic: str, operation: str, params: dict[str, str]) -> None:
    params = {name: value.replace("{account}", kumoi.account) for name, value in params.items()}
    body = urlencode({"Action": operation, "Version": "2010-03-31", **params})
    host = urlsplit(kumoi.url).netloc
    scope = f"AWS4-HMAC-SHA256 Credential={kumoi.account}/20260101/us-east-1/sns/aws4_request, SignedHeaders=host"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"{scope}, Signature=0"}
    connection = http.client.HTTPConnection(host, timeout=60)
    try:
        connection.request("POST", "/", body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    assert answer.status < 500 or answer.status == 501, text
    assert "InternalFailure" not in text


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(["FilterPolicy", "Policy", "DeliveryPolicy", "RedrivePolicy", "FilterPolicyScope"]),
    value=words,
)
def test_garbage_in_attributes_leaves_things_readable(
    kumoi: Any, client: Any, topic: str, name: str, value: str
) -> None:
    value = value.replace("{account}", kumoi.account)
    queue = f"arn:aws:sqs:us-east-1:{kumoi.account}:q"
    subscription = client.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]
    for call, arn in (
        (client.set_topic_attributes, {"TopicArn": topic}),
        (client.set_subscription_attributes, {"SubscriptionArn": subscription}),
    ):
        try:
            call(**arn, AttributeName=name, AttributeValue=value)
        except client.exceptions.ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] < 500, error
    assert client.get_topic_attributes(TopicArn=topic)["Attributes"]["TopicArn"] == topic
    assert client.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["TopicArn"] == topic
    assert client.publish(TopicArn=topic, Message="{}")["MessageId"]
    client.unsubscribe(SubscriptionArn=subscription)
    client.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue="")
