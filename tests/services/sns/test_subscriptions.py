"""Subscriptions: made, confirmed, configured, ended; HTTP endpoints with signatures and retries."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def visit(url: str) -> str:
    with urllib.request.urlopen(url) as answer:
        return str(answer.read().decode())


def denied(url: str) -> tuple[int, str]:
    """(status, text) of a visit that is refused."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        visit(url)
    with caught.value as answer:
        return answer.code, answer.read().decode()


@pytest.fixture
def hooked(client: Any, topic: str, receiver: Any) -> Callable[..., str]:
    """Subscribe the receiver and confirm by its link; answers the subscription's ARN."""

    def make(**attributes: str) -> str:
        answer = client.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url, Attributes=attributes)
        assert answer["SubscriptionArn"] == "pending confirmation"
        _, body = receiver.request(1)
        visit(json.loads(body)["SubscribeURL"])
        (one,) = client.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        return str(one["SubscriptionArn"])

    return make


def test_what_is_not_confirmed_cannot_be_unsubscribed(client: Any, topic: str) -> None:
    mail = {"TopicArn": topic, "Protocol": "email", "Endpoint": "a@example.com", "ReturnSubscriptionArn": True}
    arn = client.subscribe(**mail)["SubscriptionArn"]
    code, message = refused(client.unsubscribe, SubscriptionArn=arn)
    assert (code, "Cannot unsubscribe a subscription that is pending confirmation" in message) == (
        "InvalidParameter",
        True,
    )


def test_a_queue_is_subscribed_once(kumoi: Any, client: Any, topic: str, subscribed: Callable[..., Any]) -> None:
    inbox = subscribed(topic, RawMessageDelivery="true")
    subscribe = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": inbox.arn}
    assert client.subscribe(**subscribe)["SubscriptionArn"] == inbox.subscription
    assert refused(client.subscribe, **subscribe, Attributes={"FilterPolicy": '{"a": ["b"]}'})[1] == (
        "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
    )
    listed = {**subscribe, "SubscriptionArn": inbox.subscription, "Owner": kumoi.account}
    assert client.list_subscriptions()["Subscriptions"] == [listed]
    assert client.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == [listed]
    attributes = client.get_subscription_attributes(SubscriptionArn=inbox.subscription)["Attributes"]
    assert attributes == {
        "SubscriptionArn": inbox.subscription,
        "TopicArn": topic,
        "Protocol": "sqs",
        "Endpoint": inbox.arn,
        "Owner": kumoi.account,
        "SubscriptionPrincipal": f"arn:aws:iam::{kumoi.account}:root",
        "RawMessageDelivery": "true",
        "PendingConfirmation": "false",
        "ConfirmationWasAuthenticated": "true",
    }
    client.unsubscribe(SubscriptionArn=inbox.subscription)
    client.unsubscribe(SubscriptionArn=inbox.subscription)
    assert refused(client.get_subscription_attributes, SubscriptionArn=inbox.subscription) == (
        "NotFound",
        "Subscription does not exist",
    )
    assert refused(client.unsubscribe, SubscriptionArn=topic)[1] == "Invalid parameter: SubscriptionId"


@pytest.mark.parametrize(
    ("protocol", "endpoint", "text"),
    [
        ("smoke", "x", "Amazon SNS does not support this protocol string: smoke"),
        ("sqs", "http://queue", "SQS endpoint ARN"),
        ("lambda", "name", "Lambda endpoint ARN"),
        ("http", "https://a.example", "Endpoint must match the specified protocol: http"),
        ("https", "https://", "Endpoint must match the specified protocol: https"),
        ("http", "http://[::1", "Endpoint must match the specified protocol: http"),
        ("http", "http://a.example:99999999/", "Endpoint must match the specified protocol: http"),
        ("email", "nobody", "Email address"),
        ("sms", "abc", "Invalid SMS endpoint: abc"),
        ("sqs", "", "Endpoint Reason: Please specify an endpoint"),
    ],
)
def test_endpoints_that_do_not_fit(client: Any, topic: str, protocol: str, endpoint: str, text: str) -> None:
    code, message = refused(client.subscribe, TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    assert (code, message) == ("InvalidParameter", f"Invalid parameter: {text}")


def test_a_delivery_stream_needs_a_role(client: Any, topic: str) -> None:
    stream = topic.replace(":sns:", ":firehose:").replace(":news", ":deliverystream/x")
    code, message = refused(client.subscribe, TopicArn=topic, Protocol="firehose", Endpoint=stream)
    assert code == "InvalidParameter"
    assert "SubscriptionRoleArn: required for subscriptions of protocol firehose" in message


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("RawMessageDelivery", "maybe", "RawMessageDelivery: Invalid value [maybe]. Must be true or false."),
        ("RedrivePolicy", '{"deadLetterTargetArn": "x"}', "RedrivePolicy: deadLetterTargetArn is an invalid arn"),
        ("RedrivePolicy", "{", "RedrivePolicy: failed to parse JSON."),
        (
            "RedrivePolicy",
            '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:q", "maxReceiveCount": 3}',
            "RedrivePolicy: invalid JSON. Attribute maxReceiveCount is unknown.",
        ),
        (
            "FilterPolicyScope",
            "Everything",
            "FilterPolicyScope: Invalid value [Everything]. Please use either MessageBody or MessageAttributes",
        ),
        ("FilterPolicy", "{", "FilterPolicy: failed to parse JSON."),
        ("FilterPolicy", '{"a": [{"b": 1}]}', "FilterPolicy: Unrecognized match type b"),
        ("DeliveryPolicy", "3", "DeliveryPolicy: failed to parse JSON."),
    ],
)
def test_attributes_that_are_refused(
    client: Any, topic: str, subscribed: Callable[..., Any], name: str, value: str, text: str
) -> None:
    inbox = subscribed(topic)
    params = {"SubscriptionArn": inbox.subscription, "AttributeName": name, "AttributeValue": value}
    assert refused(client.set_subscription_attributes, **params) == ("InvalidParameter", f"Invalid parameter: {text}")
    subscribe = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": inbox.arn, "Attributes": {name: value}}
    assert refused(client.subscribe, **subscribe)[1] == f"Invalid parameter: Attributes Reason: {text}"


def test_a_scope_and_its_policy(client: Any, topic: str, subscribed: Callable[..., Any]) -> None:
    inbox = subscribed(topic, FilterPolicy={"a": {"b": [1]}}, FilterPolicyScope="MessageBody")
    change = {"SubscriptionArn": inbox.subscription, "AttributeName": "FilterPolicyScope"}
    assert (
        "does not support nested"
        in refused(client.set_subscription_attributes, **change, AttributeValue="MessageAttributes")[1]
    )
    client.set_subscription_attributes(**{**change, "AttributeName": "FilterPolicy"}, AttributeValue='{"a": ["b"]}')
    attributes = client.get_subscription_attributes(SubscriptionArn=inbox.subscription)["Attributes"]
    assert (attributes["FilterPolicy"], attributes["FilterPolicyScope"]) == ('{"a": ["b"]}', "MessageBody")


def test_an_http_endpoint_confirms_and_gets_notifications(
    kumoi: Any, client: Any, topic: str, receiver: Any, hooked: Callable[..., str]
) -> None:
    arn = hooked()
    headers, body = receiver.request(1)
    asked = json.loads(body)
    assert headers["x-amz-sns-message-type"] == asked["Type"] == "SubscriptionConfirmation"
    assert "x-amz-sns-subscription-arn" not in headers
    assert asked["SubscribeURL"] == f"{kumoi.url}/?Action=ConfirmSubscription&TopicArn={topic}&Token={asked['Token']}"
    attributes = client.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert attributes["ConfirmationWasAuthenticated"] == "false"
    assert json.loads(attributes["EffectiveDeliveryPolicy"])["healthyRetryPolicy"]["numRetries"] == 3
    client.publish(TopicArn=topic, Message="hello")
    headers, body = receiver.request(2)
    assert json.loads(body)["Message"] == "hello"
    assert headers["x-amz-sns-subscription-arn"] == arn
    assert headers["x-amz-sns-topic-arn"] == topic
    assert headers["content-type"] == "text/plain; charset=UTF-8"
    assert headers["user-agent"] == "Amazon Simple Notification Service Agent"


@pytest.mark.parametrize("version", ["1", "2"])
def test_signatures_hold_against_the_certificate_that_is_served(
    client: Any, topic: str, receiver: Any, hooked: Callable[..., str], version: str
) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    client.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue=version)
    hooked()
    client.publish(TopicArn=topic, Message="hello", Subject="S")
    covered = {
        1: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
        2: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    }
    for number, names in covered.items():
        body = json.loads(receiver.request(number)[1])
        assert body["SignatureVersion"] == version
        assert "/SimpleNotificationService-" in body["SigningCertURL"]
        key = x509.load_pem_x509_certificate(visit(body["SigningCertURL"]).encode()).public_key()
        assert isinstance(key, RSAPublicKey)
        text = "".join(f"{name}\n{body[name]}\n" for name in names).encode()
        digest = hashes.SHA1() if version == "1" else hashes.SHA256()
        key.verify(base64.b64decode(body["Signature"]), text, PKCS1v15(), digest)


def test_raw_delivery_to_http(client: Any, topic: str, receiver: Any, hooked: Callable[..., str]) -> None:
    policy = {"requestPolicy": {"headerContentType": "application/json"}}
    hooked(RawMessageDelivery="true", DeliveryPolicy=json.dumps(policy))
    client.publish(TopicArn=topic, Message='{"a": 1}')
    headers, body = receiver.request(2)
    assert body == '{"a": 1}'
    assert headers["x-amz-sns-rawdelivery"] == "true"
    assert headers["content-type"] == "application/json"


def test_confirming(client: Any, topic: str, receiver: Any) -> None:
    subscribe = {"TopicArn": topic, "Protocol": "http", "Endpoint": receiver.url}
    arn = client.subscribe(**subscribe, ReturnSubscriptionArn=True)["SubscriptionArn"]
    assert arn.startswith(f"{topic}:")
    (listed,) = client.list_subscriptions()["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    assert client.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsPending"] == "1"
    token = json.loads(receiver.request(1)[1])["Token"]
    assert refused(client.confirm_subscription, TopicArn=topic, Token="x")[1] == "Invalid parameter: Token"
    assert refused(client.confirm_subscription, TopicArn=topic, Token="0" * 96)[1] == "Invalid token"
    other = client.create_topic(Name="other")["TopicArn"]
    _, told = denied(f"{client.meta.endpoint_url}/?Action=ConfirmSubscription&TopicArn={other}&Token={token}")
    assert "Invalid parameter: Topic<" in told
    confirm = {"TopicArn": topic, "Token": token, "AuthenticateOnUnsubscribe": "true"}
    assert client.confirm_subscription(**confirm)["SubscriptionArn"] == arn
    assert client.confirm_subscription(**confirm)["SubscriptionArn"] == arn
    assert denied(f"{client.meta.endpoint_url}/?Action=Unsubscribe&SubscriptionArn={arn}")[0] == 403
    client.unsubscribe(SubscriptionArn=arn)
    assert client.list_subscriptions()["Subscriptions"] == []


def test_a_link_does_nothing_but_what_links_do(client: Any, topic: str) -> None:
    for query in (
        f"Action=Unsubscribe&Action=DeleteTopic&TopicArn={topic}",
        f"Action=DeleteTopic&TopicArn={topic}",
        f"Action=Unsubscribe&%41ction=DeleteTopic&TopicArn={topic}",
        "Action=Unsubscribe",
        "Action=ConfirmSubscription&TopicArn=%00&Token=",
        f"Action=Unsubscribe&SubscriptionArn={topic}:%F0%9F",
    ):
        try:
            visit(f"{client.meta.endpoint_url}/?{query}")
        except urllib.error.HTTPError as error:
            with error:
                assert error.code < 500, query
    assert client.get_topic_attributes(TopicArn=topic)


def test_who_leaves_by_a_link_is_told_and_may_come_back(
    client: Any, topic: str, receiver: Any, hooked: Callable[..., str]
) -> None:
    arn = hooked(RawMessageDelivery="true")
    visit(f"{client.meta.endpoint_url}/?Action=Unsubscribe&SubscriptionArn={arn}")
    assert client.list_subscriptions()["Subscriptions"] == []
    headers, body = receiver.request(2)
    told = json.loads(body)
    assert headers["x-amz-sns-message-type"] == told["Type"] == "UnsubscribeConfirmation"
    visit(told["SubscribeURL"])
    assert [one["SubscriptionArn"] for one in client.list_subscriptions()["Subscriptions"]] == [arn]
    attributes = client.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert attributes["RawMessageDelivery"] == "true"


@pytest.mark.kumoi_clock
def test_what_nobody_confirms_ends_after_two_days(kumoi: Any, client: Any, topic: str, receiver: Any) -> None:
    client.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    token = json.loads(receiver.request(1)[1])["Token"]
    kumoi.advance("47h")
    assert len(client.list_subscriptions()["Subscriptions"]) == 1
    kumoi.advance("2h")
    assert client.list_subscriptions()["Subscriptions"] == []
    assert refused(client.confirm_subscription, TopicArn=topic, Token=token)[1] == "Invalid token"


def test_mails_ask_for_consent(kumoi: Any, client: Any, topic: str) -> None:
    client.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@b.example")
    url = f"{kumoi.url}/_kumoi/sns-outbox?account={kumoi.account}"
    deadline = time.monotonic() + 60
    while not (letters := json.loads(visit(url))["letters"]):
        assert time.monotonic() < deadline, "no mail"
        time.sleep(0.02)
    (letter,) = letters
    visit(letter["message"].rpartition("\n")[2])
    (one,) = client.list_subscriptions()["Subscriptions"]
    assert one["SubscriptionArn"].startswith(topic)


def try_again(kumoi: Any, receiver: Any, number: int) -> None:
    """Advance the clock until the request of that number comes: its pause begins once the failure is stored."""
    deadline = time.monotonic() + 60
    while len(receiver.requests) < number:
        assert time.monotonic() < deadline, f"{len(receiver.requests)} requests came"
        kumoi.advance(21)


@pytest.mark.kumoi_clock
def test_http_endpoints_that_fail_are_tried_again(
    kumoi: Any, client: Any, topic: str, receiver: Any, hooked: Callable[..., str], queue: Callable[..., Any]
) -> None:
    dead = queue("dead")
    hooked(RedrivePolicy=json.dumps({"deadLetterTargetArn": dead.arn}))
    receiver.statuses = [500, 429]
    client.publish(TopicArn=topic, Message="again")
    receiver.request(2)
    for number in (3, 4):
        try_again(kumoi, receiver, number)
    bodies = {receiver.request(number)[1] for number in (2, 3, 4)}
    assert len(bodies) == 1
    receiver.statuses = [404]
    client.publish(TopicArn=topic, Message="refused")
    assert dead.notification()["Message"] == "refused"
    receiver.statuses = [500] * 4
    client.publish(TopicArn=topic, Message="never")
    receiver.request(6)
    for number in range(7, 10):
        try_again(kumoi, receiver, number)
    assert dead.notification()["Message"] == "never"
    assert len(receiver.requests) == 9


def test_a_dead_letter_waits_for_its_queue(kumoi: Any, client: Any, topic: str, queue: Callable[..., Any]) -> None:
    dead = queue("dead")
    fault: dict[str, Any] = {"account": kumoi.account, "service": "sqs", "operation": "SendMessage", "resource": "dead"}
    fault |= {"action": "fail", "times": 2}
    request = urllib.request.Request(f"{kumoi.url}/_kumoi/faults", json.dumps(fault).encode())
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)
    client.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=dead.arn.replace("dead", "missing"),
        Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead.arn})},
    )
    client.publish(TopicArn=topic, Message="late")
    assert dead.notification()["Message"] == "late"
