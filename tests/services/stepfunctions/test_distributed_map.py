"""Distributed Map: items from arrays and S3, batches, tolerated failures, results in S3, map runs, kill -9."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kumoi.services.stepfunctions import result_files
from kumoi.services.stepfunctions.item_files import batches, items_of
from kumoi.services.stepfunctions.item_sources import ItemSource
from kumoi.services.stepfunctions.language.errors import StateError
from kumoi.services.stepfunctions.map_records import MapChild


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def distributed(processor: dict[str, Any], kind: str = "STANDARD", **fields: Any) -> dict[str, Any]:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": kind}
    made = {"Type": "Map", "Label": "each", "ItemProcessor": {"ProcessorConfig": config, **processor}, "End": True}
    return machine(Each={**made, **fields})


PASS = machine(Child={"Type": "Pass", "End": True})


@pytest.mark.parametrize(
    ("content", "config", "expected"),
    [
        ("a, b\n1,2\n\n3\n", {"InputType": "CSV"}, [{"a": "1", "b": "2"}, {"a": "3", "b": ""}]),
        (
            "1;2;3\n",
            {"InputType": "CSV", "CSVDelimiter": "SEMICOLON", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["x", "y"]},
            [{"x": "1", "y": "2"}],
        ),
        ('{"a":1}\n\n{"a":2}\n', {"InputType": "JSONL"}, [{"a": 1}, {"a": 2}]),
        ('[1,{"b":2}]', {"InputType": "JSON"}, [1, {"b": 2}]),
        ('{"x":{"y":[1]}}', {"InputType": "JSON", "ItemsPointer": "/x/y"}, [1]),
    ],
)
def test_files(content: str, config: dict[str, Any], expected: list[Any]) -> None:
    assert items_of(content.encode(), config) == expected


@pytest.mark.parametrize(
    ("content", "config", "cause"),
    [
        ("1", {"InputType": "JSON"}, "Attempting to map over non-iterable node."),
        ("a,a\n1,2", {"InputType": "CSV"}, "CSV headers cannot contain duplicates."),
    ],
)
def test_files_that_cannot_be_read(content: str, config: dict[str, Any], cause: str) -> None:
    with pytest.raises(StateError) as caught:
        items_of(content.encode(), config)
    assert (caught.value.error, caught.value.cause) == ("States.ItemReaderFailed", cause)


def parquet(query: str, path: Any) -> bytes:
    with duckdb.connect() as database:
        database.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return bytes(path.read_bytes())


def test_packed_files(tmp_path: Path) -> None:
    assert items_of(gzip.compress(b"a\n1\n"), {"InputType": "CSV"}) == [{"a": "1"}]
    rows = "SELECT 1 AS a, 'x' AS b, [1, 2] AS c, DATE '2026-01-02' AS d UNION ALL SELECT 2, NULL, [], NULL"
    assert items_of(parquet(rows, tmp_path / "rows"), {"InputType": "PARQUET"}) == [
        {"a": 1, "b": "x", "c": [1, 2], "d": "2026-01-02"},
        {"a": 2, "b": None, "c": [], "d": None},
    ]
    for content, kind, why in (
        (b"\x1f\x8bnot gzip", "CSV", "The file is not valid gzip"),
        (b"no columns", "PARQUET", "The file is not valid Parquet"),
        (b"\x28\xb5\x2f\xfd", "JSONL", "Kumoi does not read files compressed by Zstandard"),
    ):
        with pytest.raises(StateError, match=why):
            items_of(content, {"InputType": kind})


OBJECTS: dict[str, bytes] = {
    "inventory.json": json.dumps(
        {
            "sourceBucket": "b",
            "destinationBucket": "arn:aws:s3:::lists",
            "fileFormat": "CSV",
            "fileSchema": "Bucket, Key, Size",
            "files": [{"key": "one.csv.gz"}, {"key": "two.csv"}],
        }
    ).encode(),
    "one.csv.gz": gzip.compress(b'"b","x.txt","7"\n'),
    "two.csv": b'"b","y.txt","8"\n"b","z.txt","9"\n',
    "athena.csv": b"s3://lists/a.jsonl\ns3://lists/dir/b%20.jsonl\n",
    "a.jsonl": b'{"n":1}\n{"n":2}\n',
    "dir/b%20.jsonl": b'{"n":3}',
    "odd.csv": b"http://elsewhere/x",
}


@pytest.mark.parametrize(
    ("config", "key", "expected"),
    [
        (
            {"InputType": "MANIFEST"},
            "inventory.json",
            [{"Bucket": "b", "Key": f"{key}.txt", "Size": size} for key, size in (("x", "7"), ("y", "8"), ("z", "9"))],
        ),
        ({"InputType": "JSONL", "ManifestType": "ATHENA_DATA"}, "athena.csv", [{"n": 1}, {"n": 2}, {"n": 3}]),
        ({"InputType": "JSONL", "ManifestType": "ATHENA_DATA", "MaxItems": 1}, "athena.csv", [{"n": 1}]),
        ({"InputType": "MANIFEST"}, "a.jsonl", "The file is not the manifest of an S3 inventory."),
        (
            {"InputType": "CSV", "ManifestType": "ATHENA_DATA"},
            "odd.csv",
            "The manifest names 'http://elsewhere/x', which is no address in S3.",
        ),
    ],
)
def test_manifests(config: dict[str, Any], key: str, expected: Any) -> None:
    async def ask(operation: str, params: dict[str, Any]) -> Any:
        assert (operation, params["Bucket"]) == ("GetObject", "lists")
        return {"Body": OBJECTS[params["Key"]]}

    reader = {"resource": "arn:aws:states:::s3:getObject", "arguments": {"Bucket": "lists", "Key": key}}
    source = ItemSource(ask, {**reader, "config": config})
    if isinstance(expected, list):
        assert asyncio.run(source.items()) == expected
    else:
        with pytest.raises(StateError) as caught:
            asyncio.run(source.items())
        assert (caught.value.error, caught.value.cause) == ("States.ItemReaderFailed", expected)


def test_results_fill_several_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_files, "LARGEST", 10)
    files = result_files.ResultFiles("arn:run", "b", "out", {"OutputType": "JSONL", "Transformation": "COMPACT"})
    arn = "arn:aws:states:us-east-1:000000000000:execution:m/each:one"
    children = [
        MapChild(map_run="arn:run", index=index, arn=arn, input="1", items=1, status="SUCCEEDED", output='"12345"')
        for index in range(3)
    ]
    found = [*files.add(children[:2]), *files.add(children[2:]), *files.close()]
    manifest = json.loads(found.pop()[1])
    assert found == [("out/SUCCEEDED_0.jsonl", b'"12345"\n"12345"'), ("out/SUCCEEDED_1.jsonl", b'"12345"')]
    assert manifest["ResultFiles"]["SUCCEEDED"] == [
        {"Key": "out/SUCCEEDED_0.jsonl", "Size": 15},
        {"Key": "out/SUCCEEDED_1.jsonl", "Size": 7},
    ]


def test_batches() -> None:
    assert batches([1, 2, 3], {"MaxItemsPerBatch": 2}, lambda _: 1) == [[1, 2], [3]]
    assert batches(["a", "bb", "c"], {"MaxInputBytesPerBatch": 3}, len) == [["a", "bb"], ["c"]]


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_items_of_the_input(states: Any, kind: str) -> None:
    arn = states.create(
        distributed(PASS, kind, ItemSelector={"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index"}, MaxConcurrency=2)
    )
    execution = states.start(arn, ["a", "b", "c"])
    ended = states.ended(execution)
    assert json.loads(ended["output"]) == [{"v": "a", "i": 0}, {"v": "b", "i": 1}, {"v": "c", "i": 2}]
    assert states.trail(execution) == [
        "1:ExecutionStarted(0)",
        "2:MapStateEntered(0)",
        "3:MapStateStarted(2)",
        "4:MapRunStarted(3)",
        "5:MapRunSucceeded(4)",
        "6:MapStateSucceeded(5)",
        "7:MapStateExited(4)",
        "8:ExecutionSucceeded(7)",
    ]
    (run,) = states.client.list_map_runs(executionArn=execution)["mapRuns"]
    described = states.client.describe_map_run(mapRunArn=run["mapRunArn"])
    assert (described["status"], described["executionCounts"]["succeeded"], described["itemCounts"]["total"]) == (
        "SUCCEEDED",
        3,
        3,
    )
    if kind == "STANDARD":
        children = states.client.list_executions(mapRunArn=run["mapRunArn"])["executions"]
        assert len(children) == 3
        assert all(":execution:machine-1/each:" in one["executionArn"] for one in children)
        child = states.client.describe_execution(executionArn=children[0]["executionArn"])
        assert child["mapRunArn"] == run["mapRunArn"]
        assert len(states.events(children[0]["executionArn"])) == 4


def test_a_csv_file_in_batches_with_results_in_s3(states: Any, kumoi: Any) -> None:
    s3 = kumoi.client("s3")
    bucket = f"bucket-{kumoi.account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="in.csv", Body=b"name\na\nb\nc\n")
    steps = distributed(
        PASS,
        ItemReader={
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            "Parameters": {"Bucket": bucket, "Key.$": "$.key"},
        },
        ItemBatcher={"MaxItemsPerBatch": 2, "BatchInput": {"of.$": "$.key"}},
        ResultWriter={"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": bucket, "Prefix": "out"}},
    )
    output = json.loads(states.run(steps, {"key": "in.csv"})["output"])
    manifest_key = output["ResultWriterDetails"]["Key"]
    assert manifest_key == f"out/{output['MapRunArn'].rpartition(':')[2]}/manifest.json"
    manifest = json.loads(s3.get_object(Bucket=bucket, Key=manifest_key)["Body"].read())
    (file,) = manifest["ResultFiles"]["SUCCEEDED"]
    results = json.loads(s3.get_object(Bucket=bucket, Key=file["Key"])["Body"].read())
    assert [json.loads(one["Output"]) for one in results] == [
        {"BatchInput": {"of": "in.csv"}, "Items": [{"name": "a"}, {"name": "b"}]},
        {"BatchInput": {"of": "in.csv"}, "Items": [{"name": "c"}]},
    ]
    listing = distributed(
        PASS,
        ItemReader={"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": bucket, "Prefix": "in"}},
        ResultSelector={"keys.$": "$[*].Key"},
    )
    listed = states.run(listing)
    assert listed.get("cause") is None
    assert json.loads(listed["output"]) == {"keys": ["in.csv"]}
    loading = {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "ReaderConfig": {"InputType": "CSV", "Transformation": "LOAD_AND_FLATTEN"},
        "Parameters": {"Bucket": bucket, "Prefix": "in"},
    }
    loaded = states.run(distributed(PASS, ItemReader=loading))
    assert json.loads(loaded["output"]) == [{"name": "a"}, {"name": "b"}, {"name": "c"}]
    missing = distributed(
        PASS,
        ItemReader={"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": bucket, "Key": "none"}},
    )
    execution = states.start(states.create(missing))
    assert states.ended(execution)["error"] == "States.ItemReaderFailed"
    assert states.trail(execution)[2:] == [
        "3:MapStateStarted(2)",
        "4:MapRunStarted(3)",
        "5:MapRunFailed(4)",
        "6:MapStateFailed(5)",
        "7:ExecutionFailed(6)",
    ]


def test_tolerated_failures(states: Any) -> None:
    choosing = machine(
        Child={
            "Type": "Choice",
            "Choices": [{"Variable": "$", "NumericLessThan": 2, "Next": "Bad"}],
            "Default": "Good",
        },
        Bad={"Type": "Fail", "Error": "Odd"},
        Good={"Type": "Succeed"},
    )
    assert json.loads(states.run(distributed(choosing, ToleratedFailureCount=2), [0, 1, 2, 3])["output"]) == [2, 3]
    ended = states.run(distributed(choosing, ToleratedFailurePercentage=25, MaxConcurrency=1), [0, 1, 2, 3])
    assert ended["error"] == "States.ExceedToleratedFailureThreshold"
    execution = states.start(states.create(distributed(choosing, ToleratedFailureCountPath="$.n")), {"n": "x"})
    ended = states.ended(execution)
    assert ended["error"] == "States.Runtime"


def test_a_stopped_execution_stops_its_children(states: Any) -> None:
    waiting = machine(Child={"Type": "Wait", "Seconds": 900, "End": True})
    execution = states.start(states.create(distributed(waiting)), [1, 2])
    run = states.until(execution, "MapRunStarted")["mapRunStartedEventDetails"]["mapRunArn"]
    children: list[Any] = []
    while len(children) < 2:
        children = states.client.list_executions(mapRunArn=run)["executions"]
    states.client.stop_execution(executionArn=execution)
    for child in children:
        assert states.ended(child["executionArn"])["status"] == "ABORTED"


def test_map_runs_outlive_the_platform(killable: Any, machines_of: Callable[[Any], Any]) -> None:
    killable.start()
    states = machines_of(killable.client("stepfunctions"))
    waiting = machine(Child={"Type": "Wait", "Seconds": 1, "End": True})
    execution = states.start(states.create(distributed(waiting, MaxConcurrency=2)), [1, 2, 3])
    run = states.until(execution, "MapRunStarted")["mapRunStartedEventDetails"]["mapRunArn"]
    while not states.client.list_executions(mapRunArn=run)["executions"]:
        pass
    killable.kill()
    killable.start()
    states = machines_of(killable.client("stepfunctions"))
    assert json.loads(states.ended(execution)["output"]) == [1, 2, 3]
    assert len(states.client.list_executions(mapRunArn=run)["executions"]) == 3


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_a_redriven_run_goes_on_with_what_failed(states: Any, kumoi: Any, kind: str) -> None:
    url = f"https://sqs.us-east-1.amazonaws.com/{kumoi.account}/"
    sending = machine(
        Child={
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": {"QueueUrl.$": f"States.Format('{url}{{}}', $)", "MessageBody": "m"},
            "ResultPath": None,
            "End": True,
        }
    )
    sqs = kumoi.client("sqs")
    first = sqs.create_queue(QueueName="first")["QueueUrl"]
    steps = distributed(sending, kind, MaxConcurrency=1, ResultWriter={"WriterConfig": {"Transformation": "COMPACT"}})
    execution = states.start(states.create(steps), ["first", "late"])
    assert states.ended(execution)["error"] == "States.ExceedToleratedFailureThreshold"
    sqs.create_queue(QueueName="late")
    states.client.redrive_execution(executionArn=execution)
    assert json.loads(states.ended(execution)["output"]) == ["first", "late"]
    kinds = [one["type"] for one in states.events(execution)]
    assert kinds[kinds.index("ExecutionRedriven") :] == [
        "ExecutionRedriven", "MapRunRedriven", "MapRunSucceeded", "MapStateSucceeded", "MapStateExited",
        "ExecutionSucceeded",
    ]  # fmt: skip
    (run,) = states.client.list_map_runs(executionArn=execution)["mapRuns"]
    assert states.client.describe_map_run(mapRunArn=run["mapRunArn"])["redriveCount"] == 1
    sent = sqs.get_queue_attributes(QueueUrl=first, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    assert sent["ApproximateNumberOfMessages"] == "1"


def test_a_state_is_redriven_with_its_own_run(states: Any, kumoi: Any) -> None:
    bucket = kumoi.client("s3")
    bucket.create_bucket(Bucket="late")
    failing = distributed(machine(Broken={"Type": "Fail"}))["States"]["Each"]
    reader = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "late", "Key": "items.json"}}
    steps = machine(
        First={**failing, "Label": "first", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Second"}]},
        Second={
            **distributed(PASS)["States"]["Each"],
            "Label": "second",
            "ItemReader": {**reader, "ReaderConfig": {"InputType": "JSON"}},
        },
    )
    del steps["States"]["First"]["End"]
    steps["States"]["First"]["Next"] = "Second"
    execution = states.start(states.create(steps), [1])
    assert states.ended(execution)["error"] == "States.ItemReaderFailed"
    bucket.put_object(Bucket="late", Key="items.json", Body=b"[5, 6]")
    states.client.redrive_execution(executionArn=execution)
    assert json.loads(states.ended(execution)["output"]) == [5, 6]


def test_what_is_tolerated_may_change_on_the_way(states: Any, kumoi: Any) -> None:
    queue = kumoi.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    waiting = machine(
        Child={
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": queue, "MessageBody.$": "$$.Task.Token"},
            "End": True,
        }
    )
    execution = states.start(states.create(distributed(waiting, MaxConcurrency=1)), [1, 2, 3])
    run = states.until(execution, "MapRunStarted")["mapRunStartedEventDetails"]["mapRunArn"]

    def token() -> str:
        (message,) = kumoi.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
        return str(message["Body"])

    tokens = [token()]
    counts = states.client.describe_map_run(mapRunArn=run)["executionCounts"]
    assert (counts["running"], counts["pending"], counts["total"]) == (1, 2, 3)
    states.client.update_map_run(mapRunArn=run, toleratedFailureCount=1, maxConcurrency=3)
    tokens += [token(), token()]
    states.client.send_task_failure(taskToken=tokens[1], error="No")
    for one in (tokens[0], tokens[2]):
        states.client.send_task_success(taskToken=one, output="7")
    ended = states.ended(execution)
    assert (ended["status"], ended["output"]) == ("SUCCEEDED", "[7,7]")
    counts = states.client.describe_map_run(mapRunArn=run)["itemCounts"]
    assert (counts["succeeded"], counts["failed"], counts["total"], counts["resultsWritten"]) == (2, 1, 3, 0)
