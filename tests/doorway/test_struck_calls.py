"""Faults strike real calls: answers are lost, deliveries come twice, settings of chaos libraries and APIs are heard."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import botocore.exceptions
import pytest


@pytest.fixture
def ask(kumoi: Any) -> Iterator[Callable[..., Any]]:
    """Ask the platform's own interface; faults are taken back at the end."""

    def send(method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{kumoi.url}{path}", content, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    yield send
    send("DELETE", "/_kumoi/faults")


@pytest.fixture
def fault(kumoi: Any, ask: Any) -> Callable[..., dict[str, Any]]:
    return lambda **given: dict(ask("POST", "/_kumoi/faults", {"account": kumoi.account, **given}))


@pytest.fixture
def queue(kumoi: Any) -> tuple[Any, str]:
    sqs = kumoi.client("sqs")
    return sqs, sqs.create_queue(QueueName="q")["QueueUrl"]


def messages(sqs: Any, url: str) -> list[str]:
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
    return [one["Body"] for one in found]


def test_a_lost_response_has_its_effect(queue: Any, fault: Any) -> None:
    sqs, url = queue
    fault(action="drop", phase="after", operation="SendMessage", times=1)
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        sqs.send_message(QueueUrl=url, MessageBody="once")
    assert messages(sqs, url) == ["once"]


def test_a_call_that_hangs_is_given_up_by_its_client(kumoi: Any, queue: Any, fault: Any) -> None:
    sqs, url = queue
    impatient = kumoi.client("sqs", read_timeout=0.5)
    fault(action="hang", operation="SendMessage", times=1)
    with pytest.raises(botocore.exceptions.ReadTimeoutError):
        impatient.send_message(QueueUrl=url, MessageBody="never")
    assert messages(sqs, url) == []


def test_a_call_that_hangs_is_lost_when_its_fault_is_taken_back(kumoi: Any, queue: Any, fault: Any, ask: Any) -> None:
    sqs, _ = queue
    made = fault(action="hang", operation="ListQueues")
    with ThreadPoolExecutor(1) as other:
        hanging = other.submit(sqs.list_queues)
        while not [one for one in ask("GET", "/_kumoi/faults")["faults"] if one["struck"]]:
            time.sleep(0.01)
        ask("DELETE", f"/_kumoi/faults?id={made['id']}")
        with pytest.raises(botocore.exceptions.ConnectionClosedError):
            hanging.result(timeout=60)


def test_the_sdk_tries_again_after_a_throttle(kumoi: Any, queue: Any, fault: Any, ask: Any) -> None:
    _, url = queue
    patient = kumoi.client("sqs", retries={"mode": "standard", "total_max_attempts": 3})
    fault(action="fail", error="throttle", operation="SendMessage", times=2)
    answer = patient.send_message(QueueUrl=url, MessageBody="at last")
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    assert messages(patient, url) == ["at last"]


def test_calls_are_struck_by_who_began_them_and_whose_they_are(kumoi: Any, fault: Any, ask: Any) -> None:
    stacks, sqs, sns = kumoi.client("cloudformation"), kumoi.client("sqs"), kumoi.client("sns")
    resources = {
        "Inbox": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "inbox"}},
        "News": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}},
        "Subscribed": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "News"},
                "Protocol": "sqs",
                "Endpoint": {"Fn::GetAtt": ["Inbox", "Arn"]},
                "RawMessageDelivery": True,
            },
        },
        "Allowed": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Inbox"}],
                "PolicyDocument": {
                    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}]
                },
            },
        },
    }
    stacks.create_stack(StackName="shop", TemplateBody=json.dumps({"Resources": resources}))
    stacks.get_waiter("stack_create_complete").wait(StackName="shop", WaiterConfig={"Delay": 1})
    inbox, other = sqs.get_queue_url(QueueName="inbox")["QueueUrl"], sqs.create_queue(QueueName="q")["QueueUrl"]
    topic = next(one["TopicArn"] for one in sns.list_topics()["Topics"])

    fault(action="duplicate", service="sqs", source="sns:*", attributes={"header.x-tenant": "acme"})
    tenant = ""
    sns.meta.events.register("before-sign", lambda request, **_: request.headers.add_header("x-tenant", tenant))
    for tenant in ("acme", "other"):
        sns.publish(TopicArn=topic, Message=tenant)
    deadline = time.monotonic() + 60
    while len(messages(sqs, inbox)) < 3:
        assert time.monotonic() < deadline
    assert sorted(messages(sqs, inbox)) == ["acme", "acme", "other"]

    fault(action="fail", error="AccessDenied", service="sqs", operation="SendMessage", application="shop")
    sqs.send_message(QueueUrl=other, MessageBody="m")
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        sqs.send_message(QueueUrl=inbox, MessageBody="m")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        fault(action="fail", application="nothing")


def test_an_error_that_a_service_does_not_have_is_told(fault: Any) -> None:
    known = [
        ("sqs", "QueueDoesNotExist"),
        ("dynamodb", "throttle"),
        ("s3", "SlowDown"),
        ("*", "Foo"),
        ("s3", "NoSuchKey"),
    ]
    assert [fault(action="fail", service=service, error=error)["note"] for service, error in known] == [""] * 5
    note = fault(action="fail", service="dynamodb", error="TroughputExceeded")["note"]
    assert "dynamodb has no error TroughputExceeded" in note and "status 400" in note


def test_answers_arrive_by_half_or_damaged(kumoi: Any, fault: Any, ask: Any) -> None:
    again = {"retries": {"mode": "standard", "total_max_attempts": 2}}
    s3, dynamodb = kumoi.client("s3", **again), kumoi.client("dynamodb", **again)
    bucket, content = f"b{kumoi.account}", b"0123456789" * 100_000
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=content)
    fault(action="truncate", operation="GetObject", times=1)
    body = s3.get_object(Bucket=bucket, Key="k")["Body"]
    with pytest.raises((botocore.exceptions.IncompleteReadError, botocore.exceptions.ResponseStreamingError)):
        body.read()
    fault(action="corrupt", operation="GetObject", times=1)
    with pytest.raises(botocore.exceptions.FlexibleChecksumError):
        s3.get_object(Bucket=bucket, Key="k")["Body"].read()
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == content

    fault(action="truncate", operation="ListTables", times=1)
    answer = dynamodb.list_tables()
    assert (answer["TableNames"], answer["ResponseMetadata"]["RetryAttempts"]) == ([], 1)
    inside = fault(action="truncate", service="sqs", operation="SendMessage", source="sns:*", times=1)
    sqs, sns = kumoi.client("sqs"), kumoi.client("sns")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    sns.publish(TopicArn=topic, Message="m")
    deadline = time.monotonic() + 60
    while len(messages(sqs, url)) < 2:
        assert time.monotonic() < deadline, "the topic was not told that its message had arrived, and sends it again"
    [one] = [one for one in ask("GET", "/_kumoi/faults")["faults"] if one["id"] == inside["id"]]
    assert one["struck"] == 1


def test_reads_that_are_eventually_consistent_are_stale(kumoi: Any, fault: Any, ask: Any) -> None:
    dynamodb = kumoi.client("dynamodb")
    index = {"IndexName": "by-kind", "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}]}
    made = dynamodb.create_table(
        TableName="facts",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "kind")],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[index | {"Projection": {"ProjectionType": "ALL"}}],
    )["TableDescription"]

    def put(id: str, version: str) -> None:
        item = {"id": id, "kind": "k", "version": version}
        dynamodb.put_item(TableName="facts", Item={name: {"S": value} for name, value in item.items()})

    def versions(items: list[Any]) -> list[str]:
        return sorted(f"{item['id']['S']}{item['version']['S']}" for item in items)

    def read(id: str, **more: Any) -> str | None:
        item = dynamodb.get_item(**{"TableName": "facts", "Key": {"id": {"S": id}}, **more}).get("Item")
        return None if item is None else str(item["version"]["S"])

    put("a", "1")
    put("b", "1")
    stale = fault(action="stale", service="dynamodb", delay_ms=3_000_000)
    put("a", "2")
    put("c", "1")
    dynamodb.delete_item(TableName="facts", Key={"id": {"S": "b"}})
    was, is_now = ["a1", "b1"], ["a2", "c1"]
    assert [read(id) for id in "abc"] == ["1", "1", None]
    assert [read(id, ConsistentRead=True) for id in "abc"] == ["2", None, "1"]
    assert read("a", TableName=made["TableArn"]) == "1"
    assert versions(dynamodb.scan(TableName="facts")["Items"]) == was
    assert versions(dynamodb.scan(TableName="facts", ConsistentRead=True)["Items"]) == is_now
    asked = {"KeyConditionExpression": "kind = :k", "ExpressionAttributeValues": {":k": {"S": "k"}}}
    assert versions(dynamodb.query(TableName="facts", IndexName="by-kind", **asked)["Items"]) == was
    keys = {"Keys": [{"id": {"S": id}} for id in "abc"]}
    batch = dynamodb.batch_get_item(RequestItems={"facts": keys})["Responses"]["facts"]
    assert versions(batch) == was
    batch = dynamodb.batch_get_item(RequestItems={"facts": keys | {"ConsistentRead": True}})["Responses"]["facts"]
    assert versions(batch) == is_now
    select = "SELECT * FROM facts WHERE id = 'a'"
    assert versions(dynamodb.execute_statement(Statement=select)["Items"]) == ["a1"]
    assert versions([dynamodb.batch_execute_statement(Statements=[{"Statement": select}])["Responses"][0]["Item"]]) == [
        "a1"
    ]
    got = dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": "facts", "Key": {"id": {"S": "a"}}}}])
    assert versions([got["Responses"][0]["Item"]]) == ["a2"]
    dynamodb.execute_statement(Statement="UPDATE facts SET version = '3' WHERE id = 'a'")
    [one] = [one for one in ask("GET", "/_kumoi/faults")["faults"] if one["id"] == stale["id"]]
    assert one["struck"] == 9, "writes and consistent reads are not struck, nor counted"
    ask("DELETE", f"/_kumoi/faults?id={stale['id']}")
    assert [read(id) for id in "abc"] == ["3", None, "1"]
    with pytest.raises(urllib.error.HTTPError, match="400"):
        fault(action="stale", delay_ms=3_600_001)


def test_deliveries_and_uploads_come_twice(kumoi: Any, queue: Any, fault: Any, ask: Any) -> None:
    sqs, url = queue
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    sns = kumoi.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
    twice = fault(action="duplicate", operation="SendMessage", service="sqs", source="sns:*", copies=2)
    sns.publish(TopicArn=topic, Message="thrice")
    deadline = time.monotonic() + 60
    while len(messages(sqs, url)) < 3:
        assert time.monotonic() < deadline
    assert messages(sqs, url) == ["thrice"] * 3

    def struck() -> int:
        hops = ask("GET", f"/_kumoi/hops?limit=1000&account={kumoi.account}")["hops"]
        return sum(hop["fault"] == twice["id"] for hop in hops)

    while struck() < 3:  # the last message can be read before the call that sent it is over
        assert time.monotonic() < deadline
    assert struck() == 3

    s3 = kumoi.client("s3")
    s3.create_bucket(Bucket=f"b{kumoi.account}")
    fault(action="duplicate", operation="PutObject")
    s3.put_object(Bucket=f"b{kumoi.account}", Key="k", Body=b"x" * 200_000)
    assert s3.head_object(Bucket=f"b{kumoi.account}", Key="k")["ContentLength"] == 200_000


def test_the_same_seed_gives_the_same_log_twice(queue: Any, fault: Any, ask: Any) -> None:
    sqs, url = queue
    logs = []
    for _ in range(2):
        ask("DELETE", "/_kumoi/faults")
        ask("DELETE", "/_kumoi/faults/log")
        fault(action="fail", probability=0.4, seed=11, operation="SendMessage", id="seeded")
        for number in range(40):
            try:
                sqs.send_message(QueueUrl=url, MessageBody=str(number))
            except botocore.exceptions.ClientError as error:
                assert error.response["Error"]["Code"] == "ServiceUnavailable"
        logs.append([one for one in ask("GET", "/_kumoi/faults/log")["strikes"] if one["fault"] == "seeded"])
    assert logs[0] == logs[1]
    assert 8 < len(logs[0]) < 32
    page = ask("GET", "/_kumoi/faults/log?after=3&limit=2")
    assert (page["strikes"], page["noted"]) == (logs[0][3:5], len(logs[0]))
    with pytest.raises(urllib.error.HTTPError, match="400"):
        ask("GET", "/_kumoi/faults/log?after=-1")


def test_a_chaos_api_of_other_emulators_is_spoken(kumoi: Any, queue: Any, ask: Any) -> None:
    sqs, url = queue
    rule = {"service": "sqs", "operation": "SendMessage", "region": "us-east-1", "error": {"statusCode": 500}}
    found = ask("POST", "/_localstack/chaos/faults", [rule])
    assert found == [rule | {"probability": 1.0, "error": {"statusCode": 500, "code": "ServiceUnavailable"}}]
    with pytest.raises(botocore.exceptions.ClientError, match="ServiceUnavailable"):
        sqs.send_message(QueueUrl=url, MessageBody="m")
    more = {"service": "kinesis", "probability": 0.5}
    assert len(ask("PATCH", "/_kumoi/chaos/faults", [more])) == 2
    assert len(ask("DELETE", "/_kumoi/chaos/faults", [rule])) == 1
    sqs.send_message(QueueUrl=url, MessageBody="m")
    assert ask("POST", "/_kumoi/chaos/effects", {"latency": 20}) == {"latency": 20}
    assert ask("POST", "/_kumoi/chaos/effects", {"latency": 0}) == {"latency": 0}
    with pytest.raises(urllib.error.HTTPError, match="400"):
        ask("POST", "/_kumoi/chaos/faults", [{"probability": 2}])


def test_a_function_is_broken_as_its_variables_ask(kumoi: Any, zipped: Any) -> None:
    functions, ssm = kumoi.client("lambda"), kumoi.client("ssm")
    layer = "arn:aws:lambda:us-east-1:871265522301:layer:chaos-lambda-extension-x86_64-unknown-linux-gnu-release:12"
    functions.create_function(
        FunctionName="f",
        Runtime=f"python3.{sys.version_info.minor}",
        Handler="app.handler",
        Role=f"arn:aws:iam::{kumoi.account}:role/worker",
        Code={"ZipFile": zipped({"app.py": "def handler(event, context):\n    return 1\n"})},
    )

    def configured(variables: dict[str, str], **more: Any) -> Any:
        functions.update_function_configuration(FunctionName="f", Environment={"Variables": variables}, **more)
        began = time.monotonic()
        answer = json.loads(functions.invoke(FunctionName="f")["Payload"].read())
        return answer, time.monotonic() - began

    ssm.put_parameter(Name="failure", Type="String", Value=json.dumps({"isEnabled": True, "failureMode": "exception"}))
    answer, _ = configured({"FAILURE_INJECTION_PARAM": "failure"})
    assert answer["errorMessage"] == "Exception message!"
    flags = {"statuscode": {"enabled": True, "percentage": 100, "status_code": 418}}
    ssm.put_parameter(Name="failure", Type="String", Value=json.dumps(flags), Overwrite=True)
    assert configured({"FAILURE_INJECTION_PARAM": "failure"})[0] == {"statusCode": 418}
    ssm.put_parameter(Name="chaos", Type="String", Value=json.dumps({"is_enabled": True, "delay": 600, "rate": 1}))
    answer, seconds = configured({"CHAOS_PARAM": "chaos"})
    assert answer == 1 and seconds >= 0.6
    extension = {
        "AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap",
        "CHAOS_EXTENSION__RESPONSE__ENABLE_CHANGE_RESPONSE_BODY": "true",
        "CHAOS_EXTENSION__RESPONSE__CHANGE_RESPONSE_PROBABILITY": "1",
        "CHAOS_EXTENSION__RESPONSE__DEFAULT_RESPONSE": '"chaos"',
    }
    assert configured(extension, Layers=[layer])[0] == "chaos"
    assert configured({"CHAOS_PARAM": "missing"}, Layers=[])[0] == 1
