"""`kumoi iotanalytics import`: an account's descriptions and its channel's objects become what they were."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from click.testing import CliRunner, Result

from kumoi.cli import main
from kumoi.cli.sdk import install

ROLE = "arn:aws:iam::123456789012:role/analytics"
STORAGE = {"customerManagedS3": {"bucket": "farm-channel", "keyPrefix": "raw/", "roleArn": ROLE}}
DESCRIBED: dict[str, Any] = {
    "channel": {
        "name": "readings",
        "storage": STORAGE,
        "arn": "arn:aws:iotanalytics:eu-west-1:123456789012:channel/readings",
        "status": "ACTIVE",
        "retentionPeriod": {"unlimited": True},
        "creationTime": "2023-05-01T10:00:00+00:00",
    },
    "datastore": {"name": "store", "storage": {"serviceManagedS3": {}}, "status": "ACTIVE", "creationTime": 1.5e9},
    "pipeline": {
        "name": "clean",
        "activities": [
            {"channel": {"name": "in", "channelName": "readings", "next": "hot"}},
            {"filter": {"name": "hot", "filter": "t > 10", "next": "out"}},
            {"datastore": {"name": "out", "datastoreName": "store"}},
        ],
        "reprocessingSummaries": [],
        "creationTime": 1.5e9,
    },
    "dataset": {
        "name": "all_of_it",
        "actions": [{"actionName": "q", "queryAction": {"sqlQuery": "SELECT t, __dt FROM store ORDER BY t"}}],
        "triggers": [],
        "contentDeliveryRules": [],
        "status": "ACTIVE",
    },
}


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """An export: descriptions, two days of a channel's messages, and links to what is none of it."""
    for kind, described in DESCRIBED.items():
        target = tmp_path / "export" / f"{kind}s"
        target.mkdir(parents=True)
        (target / f"{described['name']}.json").write_text(json.dumps({kind: described}))
    for day in ("2025-11-03", "2025-11-04"):
        folder = tmp_path / f"export/s3/farm-channel/raw/channel/readings/__dt={day} 00:00:00"
        folder.mkdir(parents=True)
        lines = b"".join(b'{"t": %d}\n' % t for t in (5, 20 + int(day[-1])))
        (folder / "1_2_123456789012_readings_0_1.0.json.gz").write_bytes(gzip.compress(lines))
    (tmp_path / "private").mkdir()
    (tmp_path / "private/elsewhere.json").write_text(json.dumps({"channel": {"name": "elsewhere"}}))
    (folder / "link").symlink_to(tmp_path / "private/elsewhere.json")
    (tmp_path / "export/s3/linked-bucket").symlink_to(tmp_path / "private")
    (tmp_path / "export/link.json").symlink_to(tmp_path / "private/elsewhere.json")
    return tmp_path / "export"


@pytest.fixture
def analytics(kumoi: Any, tmp_path: Path) -> Any:
    import boto3

    install("iotanalytics", tmp_path / "models")
    session = botocore.session.Session()
    session.set_config_variable("data_path", str(tmp_path / "models"))
    client = boto3.Session(botocore_session=session).client(
        "iotanalytics",
        endpoint_url=kumoi.url,
        region_name="us-east-1",
        aws_access_key_id=kumoi.account,
        aws_secret_access_key="test",
    )
    yield client
    client.close()


@pytest.fixture
def bring(kumoi: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("KUMOI_URL", kumoi.url)
    monkeypatch.setenv("KUMOI_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", kumoi.account)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    def run(directory: Path) -> Result:
        return CliRunner().invoke(main, ["iotanalytics", "import", str(directory)])

    return run


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_an_account_is_brought_in(analytics: Any, bring: Any, exported: Path) -> None:
    done = bring(exported)
    assert done.exit_code == 0, done.output
    assert "pipeline clean: the messages of 2 objects have passed" in done.output
    assert "bucket farm-channel: 2 objects" in done.output
    assert "elsewhere" not in done.output and "linked" not in done.output
    channel = analytics.describe_channel(channelName="readings")["channel"]
    assert (channel["storage"], channel["retentionPeriod"]) == (STORAGE, {"unlimited": True})
    assert days(analytics) == [["23", "2025-11-03 00:00:00.000"], ["24", "2025-11-04 00:00:00.000"]]
    again = bring(exported)
    assert again.exit_code == 0, again.output
    assert "pipeline clean is there already" in again.output
    assert len(days(analytics)) == 2


def days(analytics: Any) -> list[list[str]]:
    version = analytics.create_dataset_content(datasetName="all_of_it")["versionId"]
    deadline = time.monotonic() + 60
    while (found := analytics.get_dataset_content(datasetName="all_of_it", versionId=version))["status"][
        "state"
    ] == "CREATING":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with urllib.request.urlopen(found["entries"][0]["dataURI"], timeout=60) as content:
        return list(csv.reader(io.StringIO(content.read().decode())))[1:]


def test_what_cannot_be_brought_in_is_told(bring: Any, tmp_path: Path) -> None:
    assert "no file with a channel" in bring(tmp_path).output
    (tmp_path / "a.json").write_text("{")
    assert "is no JSON" in bring(tmp_path).output
    (tmp_path / "a.json").write_text(json.dumps({"pipeline": {"name": "p", "activities": [{"filter": {"name": "f"}}]}}))
    done = bring(tmp_path)
    assert (done.exit_code, "a.json: pipeline p cannot be made" in done.output) == (1, True)
