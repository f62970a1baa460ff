"""boto3 and the AWS CLI of 2024, which still have IoT Analytics, in an environment of their own: a message to a CSV."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PIPELINE = json.dumps(
    [
        {"channel": {"name": "in", "channelName": "c", "next": "warm"}},
        {"math": {"name": "warm", "attribute": "t2", "math": "t * 2", "next": "out"}},
        {"datastore": {"name": "out", "datastoreName": "d"}},
    ]
)
SQL = "SELECT t, t2 FROM d"
ACTIONS = json.dumps([{"actionName": "q", "queryAction": {"sqlQuery": SQL}}])
PROGRAM = f"""
import boto3, botocore, json, time, urllib.request
client = boto3.client("iotanalytics")
client.create_channel(channelName="c")
client.create_datastore(datastoreName="d")
client.create_pipeline(pipelineName="p", pipelineActivities=json.loads('{PIPELINE}'))
client.create_dataset(datasetName="s", actions=json.loads('{ACTIONS}'))
(made,) = client.batch_put_message(channelName="c", messages=[{{"messageId": "1", "payload": b'{{"t": 4}}'}}]).values(),
while True:
    version = client.create_dataset_content(datasetName="s")["versionId"]
    while (found := client.get_dataset_content(datasetName="s", versionId=version))["status"]["state"] == "CREATING":
        time.sleep(0.05)
    if found["status"]["state"] == "SUCCEEDED":
        text = urllib.request.urlopen(found["entries"][0]["dataURI"]).read().decode()
        if len(text.splitlines()) > 1:
            break
    time.sleep(0.05)
try:
    client.create_channel(channelName="c")
except client.exceptions.ResourceAlreadyExistsException as error:
    print(botocore.__version__, error.response["ResponseMetadata"]["HTTPStatusCode"], text.splitlines()[1])
"""


@pytest.fixture
def old(deployer: Callable[[str], Path], run: Callable[..., str], tmp_path: Path) -> Callable[..., str]:
    place = deployer("aws-2024")
    return lambda program, *arguments: run(place / "bin" / program, *arguments, cwd=tmp_path)


def test_boto3(old: Callable[..., str]) -> None:
    assert old("python", "-c", PROGRAM).split() == ["1.35.0", "409", '"4","8"']


def test_the_aws_cli(old: Callable[..., str]) -> None:
    def aws(*arguments: str) -> Any:
        printed = old("aws", "--output", "json", "iotanalytics", *arguments)
        return json.loads(printed) if printed.strip() else {}

    aws("create-channel", "--channel-name", "c")
    aws("create-datastore", "--datastore-name", "d")
    aws("create-pipeline", "--pipeline-name", "p", "--pipeline-activities", PIPELINE)
    aws("create-dataset", "--dataset-name", "s", "--actions", ACTIONS)
    message = json.dumps([{"messageId": "1", "payload": '{"t": 4}'}])
    assert aws("batch-put-message", "--channel-name", "c", "--messages", message) == {"batchPutMessageErrorEntries": []}
    assert [one["channelName"] for one in aws("list-channels")["channelSummaries"]] == ["c"]
    version = aws("create-dataset-content", "--dataset-name", "s")["versionId"]
    deadline = time.monotonic() + 60
    asked = ("get-dataset-content", "--dataset-name", "s", "--version-id", version)
    while (found := aws(*asked))["status"]["state"] == "CREATING":
        assert time.monotonic() < deadline
    assert found["status"]["state"] in ("SUCCEEDED", "FAILED"), found  # without a row there is no column t
    said = aws("sample-channel-data", "--channel-name", "c")["payloads"]
    assert [base64.b64decode(one) for one in said] == [b'{"t": 4}']
    aws("delete-channel", "--channel-name", "c")
