"""Those who send to a delivery stream: topics, log groups, rules, pipes, schedules, APIs, state machines."""

from __future__ import annotations

import gzip
import json
import time
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

ROLE = "arn:aws:iam::000000000000:role/sender"
Lines = Callable[[int], list[str]]


@pytest.fixture
def stream(kumoi: Any, new_stream: Callable[..., str]) -> str:
    """A delivery stream that delivers within a second; its ARN."""
    name = new_stream("amazon-apigateway-all", BufferingHints={"IntervalInSeconds": 0, "SizeInMBs": 1})
    return f"arn:aws:firehose:us-east-1:{kumoi.account}:deliverystream/{name}"


@pytest.fixture
def lines(objects: Any) -> Lines:
    """Wait for so many lines in the bucket."""

    def arrived(count: int) -> list[str]:
        deadline = time.monotonic() + 30
        while True:
            found = [line for content in objects().values() for line in content.decode().splitlines()]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, f"{found} came"
            time.sleep(0.05)

    return arrived


def test_a_topic(kumoi: Any, stream: str, lines: Lines) -> None:
    sns = kumoi.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    subscription = {"TopicArn": topic, "Protocol": "firehose", "Endpoint": stream, "ReturnSubscriptionArn": True}
    arn = sns.subscribe(Attributes={"SubscriptionRoleArn": ROLE}, **subscription)["SubscriptionArn"]
    attribute = {"kind": {"DataType": "String", "StringValue": "x"}}
    published = sns.publish(TopicArn=topic, Message="one\ntwo", Subject="S", MessageAttributes=attribute)
    [line] = lines(1)
    told = json.loads(line)
    assert list(told) == [
        *("Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "UnsubscribeURL", "MessageAttributes"),
    ]
    assert (told["MessageId"], told["Message"]) == (published["MessageId"], "one\ntwo")
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="RawMessageDelivery", AttributeValue="true")
    sns.publish(TopicArn=topic, Message="raw")
    assert "raw" in lines(2)


def test_a_log_group(kumoi: Any, stream: str, objects: Any) -> None:
    logs = kumoi.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    logs.put_subscription_filter(
        logGroupName="g", filterName="f", filterPattern="", destinationArn=stream, roleArn=ROLE
    )
    event = {"timestamp": int(kumoi.now().timestamp() * 1000), "message": "hello"}
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    deadline = time.monotonic() + 30
    while True:
        envelopes = [json.loads(gzip.decompress(content)) for content in objects().values()]
        if any(one["messageType"] == "DATA_MESSAGE" for one in envelopes):
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    kinds = {one["messageType"]: one for one in envelopes}
    assert kinds["CONTROL_MESSAGE"]["logEvents"][0]["message"].endswith("Checking health of destination Firehose.")
    assert [one["message"] for one in kinds["DATA_MESSAGE"]["logEvents"]] == ["hello"]


def test_a_rule_of_eventbridge(kumoi: Any, stream: str, lines: Lines) -> None:
    events = kumoi.client("events")
    events.put_rule(Name="r", EventPattern='{"source": ["shop"]}')
    target = {
        "Id": "t",
        "Arn": stream,
        "RoleArn": ROLE,
        "InputTransformer": {"InputTemplate": '{"got": <aws.events.event.json>}\n'},
    }
    events.put_targets(Rule="r", Targets=[target])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "d", "Detail": '{"a": 1}'}])
    [line] = lines(1)
    assert json.loads(line)["got"]["detail"] == {"a": 1}


def test_a_schedule_and_a_universal_target(kumoi: Any, stream: str, lines: Lines) -> None:
    scheduler = kumoi.client("scheduler")
    name = stream.rpartition("/")[2]
    soon = f"at({kumoi.now() + timedelta(seconds=1):%Y-%m-%dT%H:%M:%S})"
    universal = {"DeliveryStreamName": name, "Record": {"Data": "universal\n"}}
    targets = {
        "plain": {"Arn": stream, "Input": "plain\n"},
        "universal": {
            "Arn": "arn:aws:scheduler:::aws-sdk:firehose:putRecord",
            "Input": json.dumps(universal),
        },
    }
    for schedule, target in targets.items():
        scheduler.create_schedule(
            Name=schedule,
            ScheduleExpression=soon,
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"RoleArn": ROLE, **target},
        )
    assert sorted(lines(2)) == ["plain", "universal"]


def test_a_pipe(kumoi: Any, stream: str, lines: Lines) -> None:
    queue = kumoi.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    kumoi.client("pipes").create_pipe(
        Name="p",
        RoleArn=ROLE,
        Source=f"arn:aws:sqs:us-east-1:{kumoi.account}:q",
        Target=stream,
        TargetParameters={"InputTemplate": '{"got": <$.body>}\n'},
    )
    kumoi.client("sqs").send_message(QueueUrl=queue, MessageBody="hello")
    assert [json.loads(line) for line in lines(1)] == [{"got": "hello"}]


def test_a_rule_of_iot(kumoi: Any, stream: str, lines: Lines) -> None:
    iot, data = kumoi.client("iot"), kumoi.client("iot-data")
    settings = {"deliveryStreamName": stream.rpartition("/")[2], "separator": "\n", "roleArn": ROLE}
    for rule, more in (("one", {}), ("many", {"batchMode": True})):
        payload = {"sql": f"SELECT * FROM '{rule}'", "actions": [{"firehose": {**settings, **more}}]}
        iot.create_topic_rule(ruleName=rule, topicRulePayload=payload)
    data.publish(topic="one", payload=b'{"n":1}')
    data.publish(topic="many", payload=b'[{"n":2},{"n":3}]')
    assert sorted(json.loads(line)["n"] for line in lines(3)) == [1, 2, 3]


def test_a_state_machine(kumoi: Any, stream: str, lines: Lines) -> None:
    states = kumoi.client("stepfunctions")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:firehose:putRecordBatch",
        "Parameters": {
            "DeliveryStreamName": stream.rpartition("/")[2],
            "Records": [{"Data.$": "$.text"}, {"Data": "fixed\n"}],
        },
        "End": True,
    }
    definition = json.dumps({"StartAt": "Put", "States": {"Put": task}})
    machine = states.create_state_machine(name="m", roleArn=ROLE, definition=definition)["stateMachineArn"]
    states.start_execution(stateMachineArn=machine, input='{"text": "given\\n"}')
    assert sorted(lines(2)) == ["fixed", "given"]


def test_an_api_and_its_access_log(kumoi: Any, stream: str, lines: Lines) -> None:
    apis = kumoi.client("apigateway")
    api = apis.create_rest_api(name="a")
    at = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "POST"}
    apis.put_method(authorizationType="NONE", **at)
    record = '{"Data": "$util.base64Encode($input.body)"}'
    template = f'{{"DeliveryStreamName": "{stream.rpartition("/")[2]}", "Record": {record}}}'
    apis.put_integration(
        type="AWS",
        integrationHttpMethod="POST",
        uri="arn:aws:apigateway:us-east-1:firehose:action/PutRecord",
        credentials=ROLE,
        requestTemplates={"application/json": template},
        **at,
    )
    apis.put_method_response(statusCode="200", **at)
    apis.put_integration_response(statusCode="200", **at)
    apis.create_deployment(restApiId=api["id"], stageName="live")
    log = [
        {"op": "replace", "path": "/accessLogSettings/destinationArn", "value": stream},
        {"op": "replace", "path": "/accessLogSettings/format", "value": "$context.httpMethod $context.status"},
    ]
    apis.update_stage(restApiId=api["id"], stageName="live", patchOperations=log)
    request = urllib.request.Request(
        f"{kumoi.url}/restapis/{api['id']}/live/_user_request_/",
        data=b'"from the API"\n',
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert json.load(answer)["RecordId"]
    assert sorted(lines(2)) == ['"from the API"', "POST 200"]


def test_findings_of_data_protection(kumoi: Any, stream: str, lines: Lines) -> None:
    logs = kumoi.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    identifiers = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"]
    to = {"Firehose": {"DeliveryStream": stream.rpartition("/")[2]}}
    audit = {"DataIdentifier": identifiers, "Operation": {"Audit": {"FindingsDestination": to}}}
    mask = {"DataIdentifier": identifiers, "Operation": {"Deidentify": {"MaskConfig": {}}}}
    policy = {"Name": "p", "Version": "2021-06-01", "Statement": [audit, mask]}
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=json.dumps(policy))
    event = {"timestamp": int(kumoi.now().timestamp() * 1000), "message": "from ann@example.com"}
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    [line] = lines(1)
    assert "EmailAddress" in line
