"""Data sets: queries of what pipelines stored, their versions, and where they are delivered."""

from __future__ import annotations

import csv
import io
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Put = Callable[..., None]
Pipeline = Callable[..., None]


def fetch(entry: dict[str, str]) -> str:
    with urllib.request.urlopen(entry["dataURI"], timeout=60) as answer:
        return str(answer.read().decode())


@pytest.fixture
def make(client: Any) -> Callable[..., None]:
    def dataset(sql: str, name: str = "s", tags: dict[str, str] | None = None, **more: Any) -> None:
        filters = {"filters": [{"deltaTime": more.pop("delta")}]} if "delta" in more else {}
        if tags:
            more["tags"] = [{"key": key, "value": value} for key, value in tags.items()]
        actions = [{"actionName": "q", "queryAction": {"sqlQuery": sql, **filters}}]
        client.create_dataset(datasetName=name, actions=actions, **more)

    return dataset


@pytest.fixture
def content(client: Any, until: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Have content made; what GetDatasetContent answers once it has ended."""

    def made(name: str = "s", version: str | None = None) -> dict[str, Any]:
        version = version or client.create_dataset_content(datasetName=name)["versionId"]

        def ended() -> Any:
            answer = client.get_dataset_content(datasetName=name, versionId=version)
            return answer if answer["status"]["state"] != "CREATING" else None

        found: dict[str, Any] = until(ended, "the content was not made")
        return found

    return made


@pytest.fixture
def rows(
    make: Callable[..., None], content: Callable[..., dict[str, Any]], until: Callable[..., Any]
) -> Callable[..., list[list[str]]]:
    """The rows that a query answers once there are as many as said, header first."""
    numbers = iter(range(1000))

    def answered(sql: str, count: int) -> list[list[str]]:
        name = f"r{next(numbers)}"
        make(sql, name)

        def found() -> Any:
            answer = content(name)
            if answer["status"]["state"] == "FAILED":
                assert "not found in FROM" in answer["status"]["reason"]  # the rows are on their way
                return None
            lines = list(csv.reader(io.StringIO(fetch(answer["entries"][0]))))
            return lines if len(lines) == count + 1 else None

        lines: list[list[str]] = until(found, f"not {count} rows")
        return lines

    return answered


SENSORS = [{"farm": f"f{n % 2}", "sensor": n % 4, "t": n, "At": {"X": [n]}} for n in range(8)]


def test_messages_come_out_as_csv(pipeline: Pipeline, put: Put, rows: Callable[..., list[list[str]]]) -> None:
    pipeline({"filter": {"filter": "t > 1"}}, {"math": {"attribute": "f", "math": "t * 1.8 + 32"}})
    put(SENSORS)
    found = rows("SELECT *, t / 2 FROM p WHERE __dt >= current_date - interval '1' day ORDER BY t", 6)
    assert found[0] == ["farm", "sensor", "t", "at", "f", "__dt", "_col1"]
    assert found[1][:5] == ["f0", "2", "2", "{x=[2]}", "35.6"]
    assert found[1][5].endswith(" 00:00:00.000")
    assert [row[6] for row in found[1:]] == ["1", "1", "2", "2", "3", "3"]
    assert rows("SELECT farm, avg(t) AS t FROM p GROUP BY farm ORDER BY 1", 2)[1:] == [["f0", "4.0"], ["f1", "5.0"]]


def test_columns_of_several_batches_are_united(
    pipeline: Pipeline, put: Put, rows: Callable[..., list[list[str]]]
) -> None:
    pipeline()
    put([{"a": 1, "o": {"x": 1}, "l": [1]}])
    rows("SELECT * FROM p", 1)
    put([{"A": 1.5, "o": {"y": "z"}, "l": ["q"], "b": True}])
    found = rows("SELECT a, o, l, b FROM p ORDER BY a", 2)
    assert found[1:] == [["1.0", "{x=1, y=null}", "[1]", ""], ["1.5", "{x=null, y=z}", "[q]", "true"]]


def test_parquet_stores_keep_declared_columns_only(
    pipeline: Pipeline, put: Put, rows: Callable[..., list[list[str]]]
) -> None:
    columns = [
        {"name": "Temp", "type": "double"},
        {"name": "at", "type": "timestamp"},
        {"name": "tags", "type": "map<string,int>"},
        {"name": "gone", "type": "bigint"},
    ]
    form = {"parquetConfiguration": {"schemaDefinition": {"columns": columns}}}
    partitions = {"partitions": [{"attributePartition": {"attributeName": "temp"}}]}
    pipeline(fileFormatConfiguration=form, datastorePartitions=partitions)
    put([{"temp": 1, "at": "2026-01-02 03:04:05", "tags": {"a": 1}, "more": 1}, {"TEMP": "warm", "at": "never"}])
    found = rows("SELECT temp, at, tags, gone FROM p ORDER BY temp", 2)
    assert found == [
        ["temp", "at", "tags", "gone"],
        ["1.0", "2026-01-02 03:04:05.000", "{a=1}", ""],
        ["", "", "", ""],
    ]


def test_a_query_of_an_empty_store_has_only_the_day(pipeline: Pipeline, rows: Callable[..., list[list[str]]]) -> None:
    pipeline()
    assert rows("SELECT * FROM p", 0) == [["__dt"]]


def test_what_cannot_be_answered_fails_with_a_reason(
    client: Any, pipeline: Pipeline, make: Callable[..., None], content: Callable[..., dict[str, Any]]
) -> None:
    pipeline()
    make("SELECT nosuch FROM p")
    status = content()["status"]
    assert status["state"] == "FAILED"
    assert 'Referenced column "nosuch" not found' in status["reason"]
    make("SELECT * FROM gone", "other")
    assert content("other")["status"]["reason"] == "Table gone does not exist."
    with pytest.raises(ClientError) as error:
        client.get_dataset_content(datasetName="s")
    assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"


_MANY = "UNNEST(sequence(1, 100000))"
ENDLESS = f"SELECT count(*) FROM {_MANY} AS a(x), {_MANY} AS b(y), {_MANY} AS c(z)"


@pytest.mark.parametrize("whole", [False, True])
def test_a_content_that_is_deleted_is_made_no_longer(
    client: Any, make: Callable[..., None], content: Callable[..., dict[str, Any]], whole: bool
) -> None:
    make(ENDLESS)
    for _ in range(3):  # more than are made at once
        version = client.create_dataset_content(datasetName="s")["versionId"]
        client.get_dataset_content(datasetName="s", versionId=version)
        if not whole:
            client.delete_dataset_content(datasetName="s", versionId=version)
    if whole:
        client.delete_dataset(datasetName="s")
    else:
        assert client.list_dataset_contents(datasetName="s")["datasetContentSummaries"] == []
    make("SELECT 1 AS one", "t")
    assert content("t")["status"]["state"] == "SUCCEEDED"


def test_one_file_for_each_farm_and_sensor(
    client: Any,
    kumoi: Any,
    pipeline: Pipeline,
    put: Put,
    make: Callable[..., None],
    rows: Callable[..., list[list[str]]],
    content: Callable[..., dict[str, Any]],
) -> None:
    s3 = kumoi.client("s3")
    s3.create_bucket(Bucket=f"out-{kumoi.account}")
    pipeline()
    put(SENSORS)
    rows("SELECT * FROM p", 8)
    destination = {
        "bucket": f"out-{kumoi.account}",
        "roleArn": "arn:aws:iam::000000000000:role/r",
    }
    keys = ["!{iotanalytics:versionId}/farm=!{column:farm}/!{column+:sensor}.csv", "all.ndjson"]
    rules = [{"destination": {"s3DestinationConfiguration": {**destination, "key": key}}} for key in keys]
    make("SELECT farm, sensor, t FROM p", tags={"kumoi:splitBy": "farm"}, contentDeliveryRules=rules)
    answer = content()
    assert [entry["entryName"] for entry in answer["entries"]] == ["farm=f0", "farm=f1"]
    assert fetch(answer["entries"][0]).splitlines() == ['"sensor","t"', '"0","0"', '"2","2"', '"0","4"', '"2","6"']
    version = client.list_dataset_contents(datasetName="s")["datasetContentSummaries"][0]["version"]
    found = {one["Key"] for one in s3.list_objects_v2(Bucket=f"out-{kumoi.account}")["Contents"]}
    files = {f"{version}/farm=f{n % 2}/{n}.csv" for n in range(4)}
    assert found == files | {"all.ndjson"}
    body = s3.get_object(Bucket=f"out-{kumoi.account}", Key=f"{version}/farm=f1/3.csv")["Body"].read()
    assert body.decode().splitlines() == ['"sensor","t"', '"3","3"', '"3","7"']


def test_links_are_for_those_who_got_them(
    pipeline: Pipeline, make: Callable[..., None], content: Callable[..., dict[str, Any]]
) -> None:
    pipeline()
    make("SELECT 1 AS one")
    (entry,) = content()["entries"]
    assert fetch(entry) == '"one"\n"1"\n'
    changed = entry["dataURI"].replace("/0/all.csv", "/../../x")
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(changed, timeout=60)
    error.value.close()
    assert error.value.code == 403


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("DROP TABLE p", "Only queries can be run, not DROP."),
        ("SELECT * FROM read_csv('/etc/passwd')", "no table"),
        ("SELECT getenv('HOME')", "Function getenv not registered."),
        ("SELECT FROM", "cannot be read"),
    ],
)
def test_what_is_no_query_is_refused(make: Callable[..., None], sql: str, told: str) -> None:
    with pytest.raises(ClientError) as error:
        make(sql)
    assert error.value.response["Error"]["Code"] == "InvalidRequestException"
    assert told in error.value.response["Error"]["Message"]


def test_a_live_view_answers_anew_when_rows_come(kumoi: Any, pipeline: Pipeline, put: Put) -> None:
    pipeline()
    base = f"{kumoi.url}/_kumoi/iotanalytics-live?account={kumoi.account}&"
    request = base + urllib.parse.urlencode({"sql": "SELECT count(*) AS n FROM p"})
    with urllib.request.urlopen(request, timeout=60) as events:
        assert events.readline() == b'data: [{"n":0}]\n'
        put([{"n": 1}, {"n": 2}])
        lines = (line for line in events if line.startswith(b"data: "))
        assert next(lines) == b'data: [{"n":2}]\n'
    wrong = f"{base}sql=DROP+TABLE+p"
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(wrong, timeout=60)
    assert (error.value.code, error.value.read()) == (400, b"Only queries can be run, not DROP.\n")
    error.value.close()
