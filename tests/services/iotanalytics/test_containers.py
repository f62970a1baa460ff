"""Container actions: a function stands for the image, with variables and outputs as a container has them."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from kumoi.presto.refusals import QueryRefused
from kumoi.services.iotanalytics.activities.calling import pieces_of
from kumoi.services.iotanalytics.container_action import function_of
from kumoi.services.iotanalytics.records import DatasetRecord
from kumoi.wire.http import FileBody

ROLE = "arn:aws:iam::000000000000:role/r"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/report:v2"
CODE = """
import json
import boto3

def handler(event, context):
    variables = event["Variables"]
    if variables.get("fail"):
        raise ValueError("no report today")
    put = boto3.client("s3").put_object
    def write(uri, body):
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        put(Bucket=bucket, Key=key, Body=body)
    write(event["Context"]["OutputUris"]["html"], "<p>fine</p>")
    write(variables["table"], json.dumps(variables))
"""


@pytest.fixture
def function(kumoi: Any, zipped: Callable[[dict[str, str]], bytes]) -> None:
    kumoi.client("lambda").create_function(
        FunctionName="report",
        Runtime="python3.12",
        Handler="app.handler",
        Timeout=60,
        Role=ROLE,
        Code={"ZipFile": zipped({"app.py": CODE})},
    )


@pytest.fixture
def dataset(client: Any) -> Callable[..., None]:
    """Make the container data set `d` with some variables."""

    def make(*variables: dict[str, Any], **more: Any) -> None:
        action = {
            "image": IMAGE,
            "executionRoleArn": ROLE,
            "resourceConfiguration": {"computeType": "ACU_1", "volumeSizeInGB": 1},
            "variables": list(variables),
        }
        actions = [{"actionName": "a", "containerAction": action}]
        client.create_dataset(datasetName="d", actions=actions, **more)

    return make


def content(client: Any, until: Callable[..., Any], version: str) -> Any:
    """A content that has ended."""

    def ended() -> Any:
        found = client.get_dataset_content(datasetName="d", versionId=version)
        return found if found["status"]["state"] != "CREATING" else None

    return until(ended, "the content is still being made")


@pytest.mark.usefixtures("function")
def test_what_a_container_writes_is_the_content(
    client: Any, kumoi: Any, pipeline: Any, dataset: Callable[..., None], until: Callable[..., Any]
) -> None:
    pipeline()
    query = [{"actionName": "q", "queryAction": {"sqlQuery": "SELECT * FROM p"}}]
    client.create_dataset(datasetName="source", actions=query)
    source = client.create_dataset_content(datasetName="source")["versionId"]

    def made() -> bool:
        found = client.list_dataset_contents(datasetName="source")["datasetContentSummaries"]
        return bool(found[0]["status"]["state"] == "SUCCEEDED")

    until(made, "the source has no content")
    kumoi.client("s3").create_bucket(Bucket="reports")
    place = {"bucket": "reports", "key": "latest.json", "roleArn": ROLE}
    dataset(
        {"name": "text", "stringValue": "hello"},
        {"name": "number", "doubleValue": 1.5},
        {"name": "version", "datasetContentVersionValue": {"datasetName": "source"}},
        {"name": "table", "outputFileUriValue": {"fileName": "table.json"}},
        {"name": "never", "outputFileUriValue": {"fileName": "never.csv"}},
        contentDeliveryRules=[{"entryName": "table.json", "destination": {"s3DestinationConfiguration": place}}],
    )
    version = client.create_dataset_content(datasetName="d")["versionId"]
    found = content(client, until, version)
    assert found["status"]["state"] == "SUCCEEDED", found
    entries = {one["entryName"]: one["dataURI"] for one in found["entries"]}
    assert entries.keys() == {"output.html", "table.json"}
    with urllib.request.urlopen(entries["table.json"]) as answer:
        told = json.load(answer)
    assert (told["text"], told["number"], told["version"]) == ("hello", 1.5, source)
    assert told["table"].startswith("s3://")
    delivered = kumoi.client("s3").get_object(Bucket="reports", Key="latest.json")["Body"].read()
    assert json.loads(delivered) == told


@pytest.mark.parametrize("length", [0, 3, 5 << 19])
def test_a_body_comes_in_pieces(tmp_path: Path, length: int) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"__" + bytes(range(256)) * (length // 256 + 1))
    wanted = path.read_bytes()[2 : 2 + length]

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, length, 1 << 20):
            yield wanted[at : at + (1 << 20)]

    async def gathered(body: Any) -> list[bytes]:
        return [piece async for piece in pieces_of(body)]

    for body in (FileBody(path, 2, length), wanted, memoryview(wanted), pieces()):
        found = asyncio.run(gathered(body))
        assert b"".join(found) == wanted
        assert isinstance(body, bytes | memoryview) or all(len(piece) <= 1 << 20 for piece in found)


@pytest.mark.usefixtures("function")
def test_a_container_that_fails_says_why(client: Any, dataset: Callable[..., None], until: Callable[..., Any]) -> None:
    dataset({"name": "fail", "stringValue": "yes"})
    found = content(client, until, client.create_dataset_content(datasetName="d")["versionId"])
    assert found["status"]["state"] == "FAILED"
    assert "no report today" in found["status"]["reason"]


@pytest.mark.parametrize(
    ("variable", "reason"),
    [
        ({"name": "x", "stringValue": "1"}, "Function not found"),
        ({"name": "x", "datasetContentVersionValue": {"datasetName": "gone"}}, "gone, which variable x names"),
    ],
)
def test_what_is_missing_is_named(
    client: Any, dataset: Callable[..., None], until: Callable[..., Any], variable: dict[str, Any], reason: str
) -> None:
    dataset(variable)
    found = content(client, until, client.create_dataset_content(datasetName="d")["versionId"])
    assert found["status"]["state"] == "FAILED"
    assert reason in found["status"]["reason"]


@pytest.mark.parametrize("name", [".", ".."])
def test_an_output_is_a_file(client: Any, dataset: Callable[..., None], name: str) -> None:
    with pytest.raises(client.exceptions.InvalidRequestException):
        dataset({"name": "x", "outputFileUriValue": {"fileName": name}})


@pytest.mark.parametrize(
    ("image", "tags", "function"),
    [
        (IMAGE, {}, "report"),
        ("report@sha256:00", {}, "report"),
        ("localhost:5000/report", {}, "report"),
        (IMAGE, {"kumoi:function": "other"}, "other"),
    ],
)
def test_a_function_stands_for_the_image(image: str, tags: dict[str, str], function: str) -> None:
    assert function_of(_record(image, tags)) == function


def test_an_image_without_a_name_stands_for_nothing() -> None:
    with pytest.raises(QueryRefused):
        function_of(_record("a/", {}))


def _record(image: str, tags: dict[str, str]) -> DatasetRecord:
    actions = [{"containerAction": {"image": image}}]
    return DatasetRecord(name="d", id="d", created=0, updated=0, tags=tags, actions=actions)
