"""boto3 and pipes: sources, filters, enrichment, templates, targets, failures, crashes, templates of CloudFormation."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.pytest_plugin import KumoiAccount

ROLE = "arn:aws:iam::000000000000:role/pipe"
Zipped = Callable[[dict[str, str]], bytes]

ENRICH = """
def handler(event, context):
    return [{"id": record["id"], "price": record["id"] * 10} for record in event if record["id"] != 3]
"""
PICKY = """
import json
def handler(event, context):
    bad = [one["messageId"] for one in event if json.loads(one["body"])["id"] % 2]
    return {"batchItemFailures": [{"itemIdentifier": one} for one in bad]}
"""


class Queue:
    def __init__(self, source: Any, name: str, **attributes: str) -> None:
        self.sqs = source.client("sqs")
        self.url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.arn = answer["Attributes"]["QueueArn"]

    def send(self, *bodies: Any) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=json.dumps(body))

    def bodies(self, count: int, seconds: float = 60) -> list[Any]:
        """The bodies of the next messages, in their order of arrival; fewer when the time is over."""
        found: list[Any] = []
        deadline = time.monotonic() + seconds
        while len(found) < count and time.monotonic() < deadline:
            answer = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", ()):
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def left(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(map(int, answer.values()))


def make_function(source: Any, name: str, code: str, zipped: Zipped) -> str:
    functions = source.client("lambda")
    made = functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/lambda",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": code})},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    return str(made["FunctionArn"])


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come about within 60 s"
        time.sleep(0.05)


def test_a_queue_is_filtered_enriched_and_passed_on(kumoi: KumoiAccount, zipped: Zipped) -> None:
    source, target = Queue(kumoi, "in"), Queue(kumoi, "out")
    enrichment = make_function(kumoi, "enrich", ENRICH, zipped)
    pipes = kumoi.client("pipes")
    pipes.create_pipe(
        Name="orders",
        RoleArn=ROLE,
        Source=source.arn,
        SourceParameters={
            "FilterCriteria": {"Filters": [{"Pattern": '{"body": {"kind": ["order"]}}'}]},
            "SqsQueueParameters": {"BatchSize": 10},
        },
        Enrichment=enrichment,
        EnrichmentParameters={"InputTemplate": '{"id": <$.body.id>}'},
        Target=target.arn,
        TargetParameters={"InputTemplate": '{"order": <$.id>, "price": <$.price>, "by": "<aws.pipes.pipe-name>"}'},
    )
    source.send(*({"kind": "order", "id": number} for number in range(1, 5)), {"kind": "else", "id": 9})
    got = target.bodies(3)
    assert sorted(one["order"] for one in got) == [1, 2, 4]
    assert all(one["price"] == one["order"] * 10 and one["by"] == "orders" for one in got)
    until(lambda: source.left() == 0)


def test_a_function_says_which_messages_failed(kumoi: KumoiAccount, zipped: Zipped) -> None:
    dead = Queue(kumoi, "dead")
    policy = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 1})
    source = Queue(kumoi, "in", VisibilityTimeout="1", RedrivePolicy=policy)
    function = make_function(kumoi, "picky", PICKY, zipped)
    kumoi.client("pipes").create_pipe(Name="picky", RoleArn=ROLE, Source=source.arn, Target=function)
    source.send(*({"id": number} for number in range(4)))
    assert sorted(one["id"] for one in dead.bodies(2)) == [1, 3]
    until(lambda: source.left() == 0)


def test_a_stream_goes_to_a_bus_and_what_is_given_up_to_the_dead_letters(kumoi: KumoiAccount) -> None:
    kinesis, events = kumoi.client("kinesis"), kumoi.client("events")
    kinesis.create_stream(StreamName="clicks", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="clicks", WaiterConfig={"Delay": 1})
    stream = kinesis.describe_stream_summary(StreamName="clicks")["StreamDescriptionSummary"]["StreamARN"]
    bus = events.create_event_bus(Name="clicks")["EventBusArn"]
    got, dead = Queue(kumoi, "got"), Queue(kumoi, "dead")
    events.put_rule(Name="all", EventBusName="clicks", EventPattern='{"source": ["web"]}')
    events.put_targets(Rule="all", EventBusName="clicks", Targets=[{"Id": "1", "Arn": got.arn}])
    parameters = {
        "StartingPosition": "TRIM_HORIZON",
        "MaximumRetryAttempts": 0,
        "DeadLetterConfig": {"Arn": dead.arn},
    }
    pipes = kumoi.client("pipes")
    pipes.create_pipe(
        Name="clicks",
        RoleArn=ROLE,
        Source=stream,
        SourceParameters={"KinesisStreamParameters": parameters},
        Target=bus,
        TargetParameters={
            "InputTemplate": '{"page": <$.data.page>}',
            "EventBridgeEventBusParameters": {"Source": "web", "DetailType": "Click"},
        },
    )
    kinesis.put_record(StreamName="clicks", Data=b'{"page": "/"}', PartitionKey="a")
    (event,) = got.bodies(1)
    assert (event["source"], event["detail-type"], event["detail"]) == ("web", "Click", {"page": "/"})
    pipes.update_pipe(Name="clicks", RoleArn=ROLE, TargetParameters={"InputTemplate": '{"page": 1<$.data.page>}'})
    kinesis.put_record(StreamName="clicks", Data=b'{"page": "/"}', PartitionKey="a")
    (letter,) = dead.bodies(1)
    assert letter["context"]["condition"] == "RetryAttemptsExhausted"
    assert letter["KinesisBatchInfo"]["batchSize"] == 1


def test_a_tables_changes_reach_a_queue_also_after_a_crash(killable: Any) -> None:
    killable.start()
    dynamodb = killable.client("dynamodb")
    stream = dynamodb.create_table(
        TableName="changes",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]["LatestStreamArn"]
    target = Queue(killable, "out")
    killable.client("pipes").create_pipe(
        Name="changes",
        RoleArn=ROLE,
        Source=stream,
        SourceParameters={"DynamoDBStreamParameters": {"StartingPosition": "TRIM_HORIZON"}},
        Target=target.arn,
        TargetParameters={"InputTemplate": '{"id": <$.dynamodb.NewImage.id.S>}'},
    )
    for number in range(5):
        dynamodb.put_item(TableName="changes", Item={"id": {"S": str(number)}})
    assert {one["id"] for one in target.bodies(5)} == {"0", "1", "2", "3", "4"}
    for number in range(5, 10):
        dynamodb.put_item(TableName="changes", Item={"id": {"S": str(number)}})
    killable.kill()
    killable.start()
    seen: set[str] = set()
    deadline = time.monotonic() + 60
    while seen != {"5", "6", "7", "8", "9"} and time.monotonic() < deadline:
        seen |= {one["id"] for one in target.bodies(1)}
    assert seen == {"5", "6", "7", "8", "9"}


def test_a_pipes_life(kumoi: KumoiAccount) -> None:
    source, target = Queue(kumoi, "in"), Queue(kumoi, "out")
    pipes = kumoi.client("pipes")
    made = pipes.create_pipe(
        Name="p", RoleArn=ROLE, Source=source.arn, Target=target.arn, DesiredState="STOPPED", Tags={"a": "1"}
    )
    assert (made["CurrentState"], made["DesiredState"]) == ("CREATING", "STOPPED")
    source.send({"id": 1})
    found = pipes.describe_pipe(Name="p")
    assert (found["CurrentState"], found["Tags"], found["Source"]) == ("STOPPED", {"a": "1"}, source.arn)
    assert source.left() == 1
    assert pipes.start_pipe(Name="p")["CurrentState"] == "STARTING"
    (record,) = target.bodies(1)
    assert json.loads(record["body"]) == {"id": 1}
    assert pipes.stop_pipe(Name="p")["CurrentState"] == "STOPPING"
    source.send({"id": 2})
    pipes.tag_resource(resourceArn=made["Arn"], tags={"b": "2"})
    pipes.untag_resource(resourceArn=made["Arn"], tagKeys=["a"])
    assert pipes.list_tags_for_resource(resourceArn=made["Arn"])["tags"] == {"b": "2"}
    for number in range(3):
        pipes.create_pipe(Name=f"q{number}", RoleArn=ROLE, Source=source.arn, Target=target.arn, DesiredState="STOPPED")
    pages = list(pipes.get_paginator("list_pipes").paginate(PaginationConfig={"PageSize": 3}))
    assert [[one["Name"] for one in page["Pipes"]] for page in pages] == [["p", "q0", "q1"], ["q2"]]
    assert [one["Name"] for one in pipes.list_pipes(NamePrefix="q1")["Pipes"]] == ["q1"]
    pipes.delete_pipe(Name="p")
    with pytest.raises(ClientError) as refused:
        pipes.describe_pipe(Name="p")
    assert refused.value.response["Error"]["Code"] == "NotFoundException"
    assert source.left() == 1


def test_filters_are_replaced_as_a_whole_and_go_where_none_are_given(kumoi: KumoiAccount) -> None:
    pipes, source, target = kumoi.client("pipes"), Queue(kumoi, "in"), Queue(kumoi, "out")
    filters = {"FilterCriteria": {"Filters": [{"Pattern": '{"body": {"a": [1]}}'}]}}
    made = {"RoleArn": ROLE, "Source": source.arn, "Target": target.arn, "DesiredState": "STOPPED"}
    pipes.create_pipe(Name="p", SourceParameters=filters, **made)
    pipes.update_pipe(Name="p", RoleArn=ROLE, SourceParameters={"SqsQueueParameters": {"BatchSize": 5}})
    given = pipes.describe_pipe(Name="p")["SourceParameters"]
    assert given == {"SqsQueueParameters": {"BatchSize": 5}, **filters}
    pipes.update_pipe(Name="p", RoleArn=ROLE, SourceParameters={"FilterCriteria": {}})
    assert pipes.describe_pipe(Name="p")["SourceParameters"] == {"SqsQueueParameters": {"BatchSize": 5}}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"Source": "nonsense"}, "ValidationException"),
    ({"Source": "arn:aws:mq:us-east-1:000000000000:broker:a:b"}, "NotImplemented"),
    ({"Target": "arn:aws:ecs:us-east-1:000000000000:cluster/a"}, "NotImplemented"),
    ({"Source": "arn:aws:sqs:us-east-1:000000000000:none"}, "ValidationException"),
    ({"Enrichment": "arn:aws:sqs:us-east-1:000000000000:none"}, "NotImplemented"),
    ({"SourceParameters": {"KinesisStreamParameters": {"StartingPosition": "LATEST"}}}, "ValidationException"),
    ({"SourceParameters": {"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}}, "ValidationException"),
    ({"SourceParameters": {"SqsQueueParameters": {"BatchSize": 11}}}, "ValidationException"),
    ({"TargetParameters": {"InputTemplate": "<aws.pipes.what>"}}, "ValidationException"),
    ({"Target": "arn:aws:sqs:us-east-1:000000000000:a.fifo"}, "ValidationException"),
]


@pytest.mark.parametrize(("changed", "code"), REFUSED)
def test_what_no_pipe_can_be(kumoi: KumoiAccount, changed: dict[str, Any], code: str) -> None:
    queue = Queue(kumoi, "in")
    given = {"Name": "p", "RoleArn": ROLE, "Source": queue.arn, "Target": queue.arn, **changed}
    with pytest.raises(ClientError) as refused:
        kumoi.client("pipes").create_pipe(**given)
    assert refused.value.response["Error"]["Code"] == code


def test_a_template_makes_a_pipe(kumoi: KumoiAccount) -> None:
    template = {
        "Resources": {
            "In": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "in"}},
            "Out": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "out"}},
            "Pipe": {
                "Type": "AWS::Pipes::Pipe",
                "Properties": {
                    "RoleArn": ROLE,
                    "Source": {"Fn::GetAtt": ["In", "Arn"]},
                    "Target": {"Fn::GetAtt": ["Out", "Arn"]},
                    "TargetParameters": {"InputTemplate": '{"id": <$.body.id>}'},
                },
            },
        }
    }
    cloudformation = kumoi.client("cloudformation")
    cloudformation.create_stack(StackName="pipe", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="pipe", WaiterConfig={"Delay": 1})
    Queue(kumoi, "in").send({"id": 5})
    assert Queue(kumoi, "out").bodies(1) == [{"id": 5}]
    cloudformation.delete_stack(StackName="pipe")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="pipe", WaiterConfig={"Delay": 1})
    assert kumoi.client("pipes").list_pipes()["Pipes"] == []
