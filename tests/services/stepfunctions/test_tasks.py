"""Tasks: functions, the optimized integrations, any operation of the SDK, callbacks, activities, nested executions."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

CODE = """
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
def handler(event, context):
    if "fail" in event:
        raise ValueError(event["fail"])
    return {"got": event}
"""


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def task(resource: str, parameters: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    made = {"Type": "Task", "Resource": resource, **fields}
    if parameters is not None:
        made["Parameters"] = parameters
    return made if "Next" in made else {**made, "End": True}


@pytest.fixture
def function(kumoi: Any, zipped: Callable[[dict[str, str]], bytes]) -> str:
    made = kumoi.client("lambda").create_function(
        FunctionName="worker",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/r",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": CODE})},
    )
    return str(made["FunctionArn"])


def test_functions(states: Any, function: str) -> None:
    # By its ARN: the input goes in, the result comes out, and the events are Lambda's own.
    execution = states.start(states.create(machine(A=task(function))), {"x": 1})
    assert json.loads(states.ended(execution)["output"]) == {"got": {"x": 1}}
    assert states.trail(execution) == [
        "1:ExecutionStarted(0)",
        "2:TaskStateEntered(0)",
        "3:LambdaFunctionScheduled(2)",
        "4:LambdaFunctionStarted(3)",
        "5:LambdaFunctionSucceeded(4)",
        "6:TaskStateExited(5)",
        "7:ExecutionSucceeded(6)",
    ]
    # By lambda:invoke: what the SDK answers, the payload as a value.
    invoke = "arn:aws:states:::lambda:invoke"
    output = states.output(machine(A=task(invoke, {"FunctionName": function, "Payload.$": "$"})), {"y": 2})
    assert output["Payload"] == {"got": {"y": 2}}
    assert (output["StatusCode"], output["ExecutedVersion"]) == (200, "$LATEST")
    assert output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    # A function's error is the task's, by its type; the cause is its payload.
    catching = task(function, Catch=[{"ErrorEquals": ["ValueError"], "Next": "B", "ResultPath": "$.e"}])
    caught = states.output(machine(A=catching, B={"Type": "Succeed"}), {"fail": "why"})
    assert caught["e"]["Error"] == "ValueError"
    assert json.loads(caught["e"]["Cause"])["errorMessage"] == "why"
    # A function that is not there.
    ended = states.run(machine(A=task(invoke, {"FunctionName": "nobody"})))
    assert ended["error"] == "Lambda.ResourceNotFoundException"
    assert (
        "(Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: " in ended["cause"]
    )


def test_optimized_integrations(states: Any, kumoi: Any) -> None:
    sqs = kumoi.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    sent = states.output(
        machine(A=task("arn:aws:states:::sqs:sendMessage", {"QueueUrl": queue, "MessageBody": {"a": 1}, "Odd": 1}))
    )
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert message["Body"] == '{"a":1}'
    assert (sent["MessageId"], sent["MD5OfMessageBody"]) == (message["MessageId"], message["MD5OfBody"])
    kumoi.client("dynamodb").create_table(
        TableName="tab",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    put = task(
        "arn:aws:states:::dynamodb:putItem",
        {
            "TableName": "tab",
            "Item": {"id": {"S": "1"}, "n": {"N": "5"}},
            "ConditionExpression": "attribute_not_exists(id)",
        },
        ResultPath=None,
        Next="Get",
    )
    get = task("arn:aws:states:::dynamodb:getItem", {"TableName": "tab", "Key": {"id": {"S": "1"}}})
    arn = states.create(machine(Put=put, Get=get))
    first = states.ended(states.start(arn))
    assert first.get("cause") is None
    item = json.loads(first["output"])["Item"]
    assert item == {"id": {"S": "1"}, "n": {"N": "5"}}
    again = states.ended(states.start(arn))
    assert again["error"] == "DynamoDB.ConditionalCheckFailedException"
    assert again["cause"].startswith("The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; ")
    # An event carries the execution and its machine.
    events = kumoi.client("events")
    events.put_rule(Name="r", EventPattern='{"source": ["mine"]}')
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": arn}])
    entry = {"Source": "mine", "DetailType": "d", "Detail": {"x.$": "$.x"}}
    put_events = states.create(machine(A=task("arn:aws:states:::events:putEvents", {"Entries": [entry]})))
    execution = states.start(put_events, {"x": 1})
    assert states.ended(execution)["status"] == "SUCCEEDED"
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    event = json.loads(message["Body"])
    assert (event["detail"], event["resources"]) == ({"x": 1}, [execution, put_events])
    # A queue that is not there.
    ended = states.run(
        machine(A=task("arn:aws:states:::sqs:sendMessage", {"QueueUrl": f"{queue}-none", "MessageBody": "x"}))
    )
    assert ended["error"] == "SQS.AmazonSQSException"


def test_any_operation_of_the_sdk(states: Any) -> None:
    sdk = "arn:aws:states:::aws-sdk"
    steps = machine(
        Make=task(f"{sdk}:s3:createBucket", {"Bucket.$": "$.bucket"}, ResultPath=None, Next="Put"),
        Put=task(
            f"{sdk}:s3:putObject", {"Bucket.$": "$.bucket", "Key": "k", "Body": {"a": 1}}, ResultPath=None, Next="Get"
        ),
        Get=task(f"{sdk}:s3:getObject", {"Bucket.$": "$.bucket", "Key": "k"}, ResultPath="$.got", Next="Secret"),
        Secret=task(f"{sdk}:secretsmanager:getSecretValue", {"SecretId": "none"}),
    )
    execution = states.start(states.create(steps), {"bucket": f"b-{id(steps)}"})
    ended = states.ended(execution)
    assert ended["error"] == "SecretsManager.ResourceNotFoundException"
    assert "(Service: SecretsManager, Status Code: 400, Request ID: " in ended["cause"]
    outputs = [one["taskSucceededEventDetails"] for one in states.events(execution) if one["type"] == "TaskSucceeded"]
    assert [(one["resourceType"], one["resource"]) for one in outputs] == [
        ("aws-sdk:s3", "createBucket"),
        ("aws-sdk:s3", "putObject"),
        ("aws-sdk:s3", "getObject"),
    ]
    got = json.loads(outputs[2]["output"])
    assert (got["Body"], got["ContentLength"]) == ('{"a":1}', 7)
    assert got["LastModified"].endswith("Z")
    missing = states.run(machine(A=task(f"{sdk}:s3:getObject", {"Bucket": f"none-{id(steps)}", "Key": "k"})))
    assert missing["error"] == "S3.NoSuchBucketException"
    unknown = states.run(machine(A=task(f"{sdk}:sqs:flyAway", {})))
    assert unknown["error"] == "States.TaskFailed"
    odd = states.run(machine(A=task(f"{sdk}:sqs:listQueues", {"Odd": 1})))
    assert odd["error"] == "States.Runtime"


def test_callbacks(states: Any, kumoi: Any) -> None:
    sqs = kumoi.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    waiting = states.create(
        machine(
            A=task(
                "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}},
                Catch=[{"ErrorEquals": ["Rejected"], "Next": "B"}],
            ),
            B={"Type": "Pass", "End": True},
        )
    )

    def token() -> str:
        (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return str(json.loads(message["Body"])["token"])

    execution = states.start(waiting)
    first = token()
    states.client.send_task_heartbeat(taskToken=first)
    with pytest.raises(states.client.exceptions.InvalidOutput):
        states.client.send_task_success(taskToken=first, output="{")
    states.client.send_task_success(taskToken=first, output='{"ok": 1}')
    assert json.loads(states.ended(execution)["output"]) == {"ok": 1}
    assert states.trail(execution) == [
        "1:ExecutionStarted(0)",
        "2:TaskStateEntered(0)",
        "3:TaskScheduled(2)",
        "4:TaskStarted(3)",
        "5:TaskSubmitted(4)",
        "6:TaskSucceeded(5)",
        "7:TaskStateExited(6)",
        "8:ExecutionSucceeded(7)",
    ]
    with pytest.raises(states.client.exceptions.TaskTimedOut, match="Provided task does not exist anymore"):
        states.client.send_task_success(taskToken=first, output="{}")
    with pytest.raises(states.client.exceptions.InvalidToken):
        states.client.send_task_success(taskToken="nonsense", output="{}")
    execution = states.start(waiting)
    states.client.send_task_failure(taskToken=token(), error="Rejected", cause="no")
    assert json.loads(states.ended(execution)["output"]) == {"Error": "Rejected", "Cause": "no"}
    # A stopped execution's token leads nowhere.
    execution = states.start(waiting)
    last = token()
    states.client.stop_execution(executionArn=execution, error="Stop", cause="it")
    ended = states.ended(execution)
    assert (ended["status"], ended["error"], ended["cause"]) == ("ABORTED", "Stop", "it")
    with pytest.raises(states.client.exceptions.TaskTimedOut):
        states.client.send_task_success(taskToken=last, output="{}")


def test_activities(states: Any) -> None:
    client = states.client
    arn = client.create_activity(name="work")["activityArn"]
    assert client.create_activity(name="work")["activityArn"] == arn
    execution = states.start(states.create(machine(A=task(arn))), {"x": 1})
    given = client.get_activity_task(activityArn=arn, workerName="me")
    assert json.loads(given["input"]) == {"x": 1}
    client.send_task_success(taskToken=given["taskToken"], output="[1]")
    assert states.ended(execution)["output"] == "[1]"
    assert states.trail(execution)[2:5] == ["3:ActivityScheduled(2)", "4:ActivityStarted(3)", "5:ActivitySucceeded(4)"]
    assert states.until(execution, "ActivityStarted")["activityStartedEventDetails"] == {"workerName": "me"}
    assert [one["name"] for one in client.list_activities()["activities"]] == ["work"]
    client.delete_activity(activityArn=arn)
    with pytest.raises(client.exceptions.ActivityDoesNotExist):
        client.get_activity_task(activityArn=arn)


def test_nested_executions(states: Any) -> None:
    inner = states.create(machine(A={"Type": "Pass", "End": True}), name="inner")
    start = "arn:aws:states:::states:startExecution"
    parameters = {"StateMachineArn": inner, "Input": {"a.$": "$.a"}}
    begun = states.output(machine(A=task(start, parameters)), {"a": 1})
    assert begun["ExecutionArn"].startswith(inner.replace(":stateMachine:", ":execution:"))
    text = states.output(machine(A=task(f"{start}.sync", parameters)), {"a": 1})
    assert (text["Status"], text["Output"], text["Name"]) == (
        "SUCCEEDED",
        '{"a":1}',
        text["ExecutionArn"].split(":")[7],
    )
    value = states.output(machine(A=task(f"{start}.sync:2", parameters)), {"a": 1})
    assert value["Output"] == {"a": 1}
    failing = states.create(machine(A={"Type": "Fail", "Error": "E", "Cause": "C"}), name="failing")
    ended = states.run(machine(A=task(f"{start}.sync", {"StateMachineArn": failing})))
    assert ended["error"] == "States.TaskFailed"
    cause = json.loads(ended["cause"])
    assert (cause["Error"], cause["Cause"], cause["Status"]) == ("E", "C", "FAILED")
    waiting = states.create(machine(A={"Type": "Wait", "Seconds": 1000, "End": True}), name="waiting")
    outer = states.start(states.create(machine(A=task(f"{start}.sync", {"StateMachineArn": waiting, "Name": "child"}))))
    states.until(outer, "TaskSubmitted")
    states.client.stop_execution(executionArn=outer)
    child = states.ended(waiting.replace(":stateMachine:", ":execution:") + ":child")
    assert child["status"] == "ABORTED"
    missing = states.run(machine(A=task(start, {"StateMachineArn": inner + "-none"})))
    assert missing["error"] == "StepFunctions.StateMachineDoesNotExistException"


def test_others_are_told(states: Any, kumoi: Any) -> None:
    logs, sqs, events = kumoi.client("logs"), kumoi.client("sqs"), kumoi.client("events")
    logs.create_log_group(logGroupName="/machines")
    group = logs.describe_log_groups(logGroupNamePrefix="/machines")["logGroups"][0]["arn"]
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="states", EventPattern='{"source": ["aws.states"], "detail": {"status": ["SUCCEEDED"]}}')
    events.put_targets(Rule="states", Targets=[{"Id": "1", "Arn": arn}])
    logging = {
        "level": "ALL",
        "includeExecutionData": False,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}],
    }
    execution = states.start(
        states.create(machine(A={"Type": "Pass", "End": True}), loggingConfiguration=logging), {"x": 1}
    )
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    event = json.loads(message["Body"])
    assert event["detail-type"] == "Step Functions Execution Status Change"
    assert (event["detail"]["executionArn"], event["detail"]["output"]) == (execution, '{"x":1}')
    lines: list[dict[str, Any]] = []
    while len(lines) < 4:
        found = logs.filter_log_events(logGroupName="/machines")["events"]
        lines = [json.loads(one["message"]) for one in found]
    assert [(one["id"], one["type"], one["previous_event_id"]) for one in lines] == [
        ("1", "ExecutionStarted", "0"),
        ("2", "PassStateEntered", "0"),
        ("3", "PassStateExited", "2"),
        ("4", "ExecutionSucceeded", "3"),
    ]
    assert lines[0]["execution_arn"] == execution
    assert "input" not in lines[1]["details"]


class Endpoint(BaseHTTPRequestHandler):
    """Answers with what it was asked; with 404 below /none."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        asked = {"path": self.path, "key": self.headers["x-key"], "type": self.headers["content-type"], "body": body}
        content = json.dumps(asked).encode()
        self.send_response(404 if self.path.startswith("/none") else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


def test_http_endpoints(states: Any, kumoi: Any) -> None:
    connection = kumoi.client("events").create_connection(
        Name="c",
        AuthorizationType="API_KEY",
        AuthParameters={
            "ApiKeyAuthParameters": {"ApiKeyName": "x-key", "ApiKeyValue": "secret"},
            "InvocationHttpParameters": {"QueryStringParameters": [{"Key": "q", "Value": "1"}]},
        },
    )["ConnectionArn"]
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"

        def call(path: str, **more: Any) -> dict[str, Any]:
            parameters = {
                "ApiEndpoint": f"{url}{path}",
                "Method": "POST",
                "InvocationConfig": {"ConnectionArn": connection},
                "RequestBody": {"a": 1, "l": [1, 2]},
                **more,
            }
            return dict(states.run(machine(A=task("arn:aws:states:::http:invoke", parameters))))

        output = json.loads(call("/x")["output"])
        assert (output["StatusCode"], output["StatusText"]) == (200, "OK")
        assert output["ResponseBody"] == {
            "path": "/x?q=1",
            "key": "secret",
            "type": "application/json",
            "body": '{"a":1,"l":[1,2]}',
        }
        form = json.loads(call("/x", Transform={"RequestBodyEncoding": "URL_ENCODED"})["output"])
        assert form["ResponseBody"]["body"] == "a=1&l%5B0%5D=1&l%5B1%5D=2"
        failed = call("/none")
        assert (failed["error"], json.loads(failed["cause"])["path"]) == ("States.Http.StatusCode.404", "/none?q=1")
        server.shutdown()
    assert call("/x")["error"] == "States.Http.Socket"
