"""A scripted run against the platform is metered to the unit, as a calculation by hand has it; budgets stop a run."""

from __future__ import annotations

import base64
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from kumoi.cli import main
from kumoi.cost.rules import GIB

CODE = "def handler(event, context):\n    return {'seen': len(event.get('Records', []))}\n"
MACHINE = {
    "StartAt": "First",
    "States": {
        "First": {"Type": "Pass", "Next": "Wrong"},
        "Wrong": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": {"QueueUrl": "http://localhost/000000000000/nowhere", "MessageBody": "?"},
            "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2, "IntervalSeconds": 1, "BackoffRate": 1}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Last"}],
            "Next": "Last",
        },
        "Last": {"Type": "Succeed"},
    },
}


def ask(kumoi: Any, method: str, path: str, body: Any = None) -> Any:
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{kumoi.url}/_kumoi/{path}", content, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def quantities(kumoi: Any) -> dict[str, float]:
    report = ask(kumoi, "POST", "cost", {"account": kumoi.account})
    return {one["item"]: one["quantity"] for one in report["items"]}


def make_function(kumoi: Any, zipped: Callable[[dict[str, str]], bytes]) -> Any:
    functions = kumoi.client("lambda")
    functions.create_function(
        FunctionName="worker",
        Runtime=f"python3.{sys.version_info.minor}",
        Role=f"arn:aws:iam::{kumoi.account}:role/worker",
        Handler="main.handler",
        Code={"ZipFile": zipped({"main.py": CODE})},
        MemorySize=256,
        EphemeralStorage={"Size": 1024},
    )
    return functions


def test_a_scripted_run_equals_the_calculation_by_hand(kumoi: Any, zipped: Callable[[dict[str, str]], bytes]) -> None:
    sqs, sns, s3, events = (kumoi.client(name) for name in ("sqs", "sns", "s3", "events"))
    dynamodb, secrets, logs = (kumoi.client(name) for name in ("dynamodb", "secretsmanager", "logs"))
    queue = sqs.create_queue(QueueName="jobs")["QueueUrl"]  # 1
    fifo = sqs.create_queue(QueueName="jobs.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]  # fifo 1
    sqs.send_message(QueueUrl=queue, MessageBody="x" * 100)  # 1
    sqs.send_message(QueueUrl=queue, MessageBody="x" * (65_536 * 2 + 1))  # 3
    received = 0
    while received < 2:  # both at once are 131,173 bytes: 3; one after the other 1 and 3
        received += len(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []))
    sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="d")  # fifo 1
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.publish(TopicArn=topic, Message="x" * 65_537)  # 2
    events.put_events(Entries=[{"Source": "app", "DetailType": "t", "Detail": json.dumps({"x": "y" * 65_536})}])  # 2
    s3.create_bucket(Bucket=f"files-{kumoi.account}")  # A
    for size in (10, 3_000):
        s3.put_object(Bucket=f"files-{kumoi.account}", Key=str(size), Body=b"x" * size)  # A, A
    s3.get_object(Bucket=f"files-{kumoi.account}", Key="3000")["Body"].read()  # B, 3,000 bytes out
    s3.list_objects_v2(Bucket=f"files-{kumoi.account}")  # A
    s3.delete_object(Bucket=f"files-{kumoi.account}", Key="10")
    keys = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
    attributes = [{"AttributeName": "id", "AttributeType": "S"}]
    dynamodb.create_table(TableName="items", BillingMode="PAY_PER_REQUEST", AttributeDefinitions=attributes, **keys)
    dynamodb.create_table(
        TableName="fixed",
        ProvisionedThroughput={"ReadCapacityUnits": 3, "WriteCapacityUnits": 2},
        AttributeDefinitions=attributes,
        **keys,
    )
    item = {"id": {"S": "a"}, "text": {"S": "x" * 1_500}}
    for table in ("items", "fixed"):
        dynamodb.put_item(TableName=table, Item=item)  # 2 WRU on demand
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        dynamodb.put_item(
            TableName="items", Item={"id": {"S": "a"}}, ConditionExpression="attribute_not_exists(id)"
        )  # 2
    dynamodb.get_item(TableName="items", Key={"id": {"S": "a"}})  # 0.5
    dynamodb.get_item(TableName="items", Key={"id": {"S": "a"}}, ConsistentRead=True)  # 1
    dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": "items", "Item": {"id": {"S": "b"}}}}])  # 2
    secrets.create_secret(Name="s", SecretString="x")  # 1
    secrets.get_secret_value(SecretId="s")  # 1
    logs.create_log_group(logGroupName="/app")
    logs.create_log_stream(logGroupName="/app", logStreamName="one")
    now = int(kumoi.now().timestamp() * 1000)
    lines = [{"timestamp": now, "message": "hello"}, {"timestamp": now, "message": "world!"}]
    logs.put_log_events(logGroupName="/app", logStreamName="one", logEvents=lines)  # 5 + 6 + 2 × 26 bytes

    found = quantities(kumoi)
    receives = found.pop("sqs.standard-requests") - 5
    assert receives in (3, 4)
    assert found == {
        "sqs.fifo-requests": 2,
        "sns.publishes": 2,
        "events.custom-events": 2,
        "s3.class-a": 4,
        "s3.class-b": 1,
        "transfer.out-gb": 3_000 / GIB,
        "dynamodb.write-units": 2 + 2 + 2,
        "dynamodb.read-units": 1.5,
        "secretsmanager.requests": 2,
        "logs.ingested-gb": 63 / GIB,
    }
    month = {
        one["item"]: one["quantity"] for one in ask(kumoi, "GET", f"cost?account={kumoi.account}")["month"]["items"]
    }
    assert month["dynamodb.read-capacity-hours"] == 3 * 730
    assert month["dynamodb.write-capacity-hours"] == 2 * 730
    assert month["secretsmanager.secret-months"] == 1
    assert month["s3.gb-months"] > 0
    assert not [one for one in ask(kumoi, "GET", "map")["edges"] if "kumoi" in one["source"]]


def test_devices_streams_and_parameters(kumoi: Any) -> None:
    iot, data, kinesis, ssm, sqs = (kumoi.client(name) for name in ("iot", "iot-data", "kinesis", "ssm", "sqs"))
    queue = sqs.create_queue(QueueName="readings")["QueueUrl"]  # 1
    action = {"sqs": {"queueUrl": queue, "roleArn": f"arn:aws:iam::{kumoi.account}:role/iot", "useBase64": False}}
    iot.create_topic_rule(
        ruleName="hot", topicRulePayload={"sql": "SELECT temp FROM 'farm/+' WHERE temp > 30", "actions": [action]}
    )
    iot.create_thing(thingName="sensor")  # 1
    data.publish(topic="farm/a", payload=json.dumps({"temp": 31, "more": "x" * 5_120}))  # 2 messages, 2 rules, 1 action
    data.publish(topic="farm/b", payload=json.dumps({"temp": 20}))  # 1 and 1
    data.publish(topic="other", payload=b"?")  # 1
    data.update_thing_shadow(thingName="sensor", payload=json.dumps({"state": {"reported": {"on": True}}}))  # 1
    kinesis.create_stream(StreamName="steady", ShardCount=2)
    kinesis.put_record(StreamName="steady", Data=b"x" * 25_600, PartitionKey="k")  # 2: the key counts
    kinesis.create_stream(StreamName="loose", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    kinesis.put_record(StreamName="loose", Data=b"x" * 1_500, PartitionKey="k")  # 2 KB
    ssm.put_parameter(Name="/open", Value="x", Type="String")
    ssm.put_parameter(Name="/sealed", Value="x", Type="SecureString")
    ssm.get_parameters(Names=["/open", "/sealed"], WithDecryption=True)  # 1

    deadline = time.monotonic() + 60
    while (found := quantities(kumoi)).get("sqs.standard-requests") != 2:  # until the action has sent a message
        assert time.monotonic() < deadline, found
    assert found == {
        "sqs.standard-requests": 2,
        "iot.messages": 4,
        "iot.rules": 3,
        "iot.actions": 1,
        "iot.registry-and-shadow": 2,
        "kinesis.put-units": 2,
        "kinesis.in-gb": 2 * 1024 / GIB,
        "kms.requests": 1,
    }
    month = {
        one["item"]: one["quantity"] for one in ask(kumoi, "GET", f"cost?account={kumoi.account}")["month"]["items"]
    }
    assert month["kinesis.shard-hours"] == 2 * 730
    assert month["kinesis.stream-hours"] == 730


def test_queries_are_billed_by_what_they_scan(kumoi: Any) -> None:
    athena, s3, bucket = kumoi.client("athena"), kumoi.client("s3"), f"lake-{kumoi.account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="small/a.csv", Body=b"1\n")
    s3.put_object(Bucket=bucket, Key="large/a.csv", Body=b"x" * (12 << 20) + b"\n")
    kumoi.client("glue").create_database(DatabaseInput={"Name": "default"})
    statements = [
        f"CREATE EXTERNAL TABLE {name} (a string) LOCATION 's3://{bucket}/{name}/'" for name in ("small", "large")
    ]
    statements += ["SHOW TABLES", "SELECT count(*) FROM small", "SELECT count(*) FROM large"]  # free, 10 MB, 13 MB
    for sql in statements:
        result = {"OutputLocation": f"s3://{bucket}/results/"}
        query = athena.start_query_execution(QueryString=sql, ResultConfiguration=result)["QueryExecutionId"]
        state = ""
        while state not in ("SUCCEEDED", "FAILED"):
            found = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            state = found["Status"]["State"]
        assert state == "SUCCEEDED", found
    assert quantities(kumoi)["athena.scanned-tb"] == pytest.approx((10 + 13) / 1024 / 1024)


@pytest.mark.kumoi_clock
def test_functions_and_workflows_are_billed_as_their_reports_say(
    kumoi: Any, zipped: Callable[[dict[str, str]], bytes]
) -> None:
    functions, states = make_function(kumoi, zipped), kumoi.client("stepfunctions")
    billed = 0
    for _ in range(3):
        answer = functions.invoke(FunctionName="worker", Payload=b"{}", LogType="Tail")
        log = base64.b64decode(answer["LogResult"]).decode()
        billed += int(log.partition("Billed Duration: ")[2].split()[0])
    role = f"arn:aws:iam::{kumoi.account}:role/states"
    standard = states.create_state_machine(name="standard", definition=json.dumps(MACHINE), roleArn=role)
    execution = states.start_execution(stateMachineArn=standard["stateMachineArn"])["executionArn"]
    while states.describe_execution(executionArn=execution)["status"] == "RUNNING":
        kumoi.advance(1)
    express = states.create_state_machine(
        name="express",
        definition=json.dumps(MACHINE | {"States": {"First": {"Type": "Succeed"}}}),
        roleArn=role,
        type="EXPRESS",
    )
    ended = states.start_sync_execution(stateMachineArn=express["stateMachineArn"])

    found = quantities(kumoi)
    assert found["lambda.requests"] == 3
    assert found["lambda.gb-seconds-x86"] == billed * 256 / 1024 / 1000
    assert found["lambda.ephemeral-gb-seconds"] == billed * 512 / 1024 / 1000
    assert found["stepfunctions.transitions"] == 3 + 2  # three states, and two retries of one
    assert found["stepfunctions.express-requests"] == 1
    billing = ended["billingDetails"]
    assert found["stepfunctions.express-gb-seconds"] == billing["billedDurationInMilliseconds"] * 64 / 1024 / 1000


@pytest.fixture
def budget(kumoi: Any) -> Iterator[Callable[[float], None]]:
    """Set a budget for this test's account."""
    yield lambda usd: ask(kumoi, "POST", "budget", {"usd_per_hour": usd, "account": kumoi.account})
    ask(kumoi, "DELETE", f"budget?account={kumoi.account}")


@pytest.mark.kumoi_clock
def test_a_budget_stops_what_costs_until_an_hour_has_gone_by(kumoi: Any, budget: Callable[[float], None]) -> None:
    sqs, sns = kumoi.client("sqs"), kumoi.client("sns")
    queue = sqs.create_queue(QueueName="loop")["QueueUrl"]
    budget(2.5e-6)  # six requests to SQS and a bit
    sqs.send_message(QueueUrl=queue, MessageBody="first")
    receipt = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"][0]["ReceiptHandle"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=receipt)
    sent = 0
    with pytest.raises(ClientError) as stopped:
        for sent in range(20):  # noqa: B007
            sqs.send_message(QueueUrl=queue, MessageBody="again")
    assert sent == 4
    assert stopped.value.response["Error"]["Code"] == "RequestThrottled"
    assert "budget of $2.5e-06 an hour" in stopped.value.response["Error"]["Message"]
    assert sns.list_topics()["Topics"] == []  # what has cost nothing goes on
    hops = ask(kumoi, "GET", f"hops?account={kumoi.account}&limit=10")["hops"]
    refused = next(one for one in hops if one["outcome"] == "RequestThrottled")
    assert "stopped by the budget" in refused["warning"]
    assert refused["units"] == {}
    status = next(one for one in ask(kumoi, "GET", "budget")["budgets"] if one["account"] == kumoi.account)
    assert status["exceeded"]
    assert status["refused"] == 1
    assert status["spent"] == pytest.approx(7 * 0.4e-6)
    assert f"for {kumoi.account}: $2.8e-06 spent, USED UP, 1 calls refused" in ask(kumoi, "GET", "info")["budget"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=receipt)  # what takes something away goes on, though it costs
    kumoi.advance("61m")
    sqs.send_message(QueueUrl=queue, MessageBody="again")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "cost?users=many", None),
        ("GET", "cost?colour=red", None),
        ("GET", "cost?since=nan", None),
        ("GET", "cost?until=1e300", None),
        ("GET", "cost?users=inf", None),
        ("POST", "cost", {"users": -1}),
        ("POST", "cost", {"prices": {"items": {"x": 1}}}),
        ("POST", "cost", {"split": {"a": "b"}}),
        ("POST", "cost", []),
        ("POST", "budget", {"usd_per_hour": -1}),
        ("POST", "budget", {}),
    ],
)
def test_what_cannot_be_answered_is_refused(kumoi: Any, method: str, path: str, body: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(kumoi, method, path, body)
    assert refused.value.code == 400
    assert json.loads(refused.value.read())["error"]
    refused.value.close()


def test_the_command(kumoi: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sqs = kumoi.client("sqs")
    queue = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    for _ in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody="x")
    monkeypatch.setenv("KUMOI_URL", kumoi.url)
    monkeypatch.setenv("KUMOI_DATA", str(tmp_path / "none"))
    own = ["cost", "--account", kumoi.account]

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(main, [*own, *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    shown = run("--users", "100", "--split", "north=3", "--split", "south=1", "--by", "edge")
    assert "SendMessage sqs:jobs, 3 times" in shown
    assert "client → sqs:jobs SendMessage" in shown
    assert "north" in shown
    assert json.loads(run("--json", "--since", "1h"))["journeys"] == 3
    assert run("--csv").startswith("kind,name,calls")
    prices = tmp_path / "prices.toml"
    prices.write_text('[items."sqs.standard-requests"]\nus-east-1 = { price = 1.0, verified = true }\n')
    report = json.loads(run("--json", "--prices", str(prices)))
    assert report["run"]["usd"]["middle"] == 4
    run("--sheet", str(tmp_path / "sheet"))
    assert (tmp_path / "sheet/cost.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in (tmp_path / "sheet").iterdir()} == {"cost.md", "cost.png", "cost.csv", "bill.csv"}
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    refused = CliRunner().invoke(main, [*own, "--sheet", str(tmp_path / "other")])
    assert refused.exit_code == 1
    assert "pip install 'kumoi[cost]'" in refused.output
    assert not (tmp_path / "other").exists()


def test_price_files_are_imported(tmp_path: Path) -> None:
    offer = {
        "offerCode": "AmazonStates",
        "publicationDate": "2026-09-01T00:00:00Z",
        "products": {"S": {"attributes": {"usagetype": "EUW3-StateTransition", "regionCode": "eu-west-3"}}},
        "terms": {
            "OnDemand": {
                "S": {
                    "S.T": {
                        "priceDimensions": {
                            "S.T.1": {"beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": "0.0000297"}}
                        }
                    }
                }
            }
        },
    }
    source, target = tmp_path / "states.json", tmp_path / "prices.json"
    source.write_text(json.dumps(offer))
    done = CliRunner().invoke(main, ["cost", "import", str(source), "-o", str(target)])
    assert done.exit_code == 0, done.output
    assert json.loads(target.read_text())["items"]["stepfunctions.transitions"]["eu-west-3"]["tiers"] == [[0.0000297]]
    source.write_text("no prices")
    refused = CliRunner().invoke(main, ["cost", "import", str(source), "-o", str(target)])
    assert refused.exit_code == 1
    assert "price list file" in refused.output
    listed = CliRunner().invoke(main, ["cost", "prices", "lambda.*", "--region", "ap-northeast-1"])
    assert "lambda.requests" in listed.output
    assert "of another region" in listed.output
