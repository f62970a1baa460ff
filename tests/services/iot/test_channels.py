"""Rules that put messages into channels of IoT Analytics: before the publisher is answered, together, in order."""

from __future__ import annotations

import base64
import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3

ROLE = "arn:aws:iam::000000000000:role/r"


def asked(url: str, account: str, method: str, path: str, /, **body: Any) -> Any:
    """An answer of IoT Analytics, which boto3 has no client for any more."""
    credential = f"Credential={account}/20260101/us-east-1/iotanalytics/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature={'0' * 64}",
        "Content-Type": "application/json",
    }
    content = json.dumps(body).encode() if body else None
    with urllib.request.urlopen(
        urllib.request.Request(url + path, content, headers, method=method), timeout=60
    ) as answer:
        return json.load(answer)


def into(iot: Any, channel: str, **more: Any) -> None:
    action = {"iotAnalytics": {"channelName": channel, "roleArn": ROLE}}
    payload = {"sql": "SELECT * FROM 'go' WHERE n >= 0", "actions": [action], **more}
    iot.create_topic_rule(ruleName="r", topicRulePayload=payload)


def publish(device: Any, count: int) -> None:
    """Connect, and publish numbers of four digits, many at once; returns once all are acknowledged."""
    device.client.max_inflight_messages_set(500)
    device.connect()
    listed = [device.client.publish("go", json.dumps({"n": 1000 + n}), qos=1) for n in range(count)]
    for one in listed:
        one.wait_for_publish(60)


def size(url: str, account: str) -> int:
    answer = asked(url, account, "GET", "/channels/in?includeStatistics=true")
    return int(answer["statistics"]["size"]["estimatedSizeInBytes"])


def test_what_was_acknowledged_is_in_the_channel(kumoi: Any, device_type: Callable[..., Any]) -> None:
    asked(kumoi.url, kumoi.account, "POST", "/channels", channelName="in")
    into(kumoi.client("iot"), "in")
    device = device_type(kumoi.url, kumoi.account, "d")
    publish(device, 450)
    device.close()
    assert size(kumoi.url, kumoi.account) == 450 * len('{"n":1000}')
    newest = asked(kumoi.url, kumoi.account, "GET", "/channels/in/sample?maxMessages=10")["payloads"]
    found = [json.loads(base64.b64decode(one))["n"] for one in newest]
    assert found == list(range(1449, 1439, -1))


def test_a_channel_that_is_not_there_has_the_error_action_told(kumoi: Any, device_type: Callable[..., Any]) -> None:
    sqs = kumoi.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    into(kumoi.client("iot"), "in", errorAction={"sqs": {"queueUrl": url, "roleArn": ROLE}})
    device = device_type(kumoi.url, kumoi.account, "d")
    publish(device, 20)
    device.close()
    told: list[Any] = []
    deadline = time.monotonic() + 60
    while len(told) < 20:
        assert time.monotonic() < deadline, f"{len(told)} of 20"
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        told += [json.loads(one["Body"]) for one in found]
    assert {one["failures"][0]["failedAction"] for one in told} == {"IotAnalyticsAction"}
    assert all("ResourceNotFoundException" in one["failures"][0]["errorMessage"] for one in told)


def test_what_was_acknowledged_is_there_once_though_the_platform_is_killed(
    killable: Any, device_type: Callable[..., Any]
) -> None:
    killable.start()
    asked(killable.url, "test", "POST", "/channels", channelName="in")
    made = {"endpoint_url": killable.url, "region_name": "us-east-1"}
    iot = boto3.client("iot", **made, aws_access_key_id="test", aws_secret_access_key="test")
    into(iot, "in")
    device = device_type(killable.url, "test", "d")
    publish(device, 300)
    killable.kill()
    device.client.loop_stop()
    killable.start()
    assert size(killable.url, "test") == 300 * len('{"n":1000}')


def test_a_declared_fault_holds_up_the_action_and_not_the_publisher(
    kumoi: Any, device_type: Callable[..., Any]
) -> None:
    asked(kumoi.url, kumoi.account, "POST", "/channels", channelName="in")
    into(kumoi.client("iot"), "in")
    fault = {"action": "hang", "service": "iotanalytics", "operation": "BatchPutMessage", "account": kumoi.account}
    asked(kumoi.url, kumoi.account, "POST", "/_kumoi/faults", **fault)
    device = device_type(kumoi.url, kumoi.account, "d")
    publish(device, 20)
    device.close()
    assert size(kumoi.url, kumoi.account) == 0
    urllib.request.urlopen(urllib.request.Request(f"{kumoi.url}/_kumoi/faults", method="DELETE"), timeout=60).close()
