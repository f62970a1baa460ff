"""The example `click-stream`: clicks become rows by site and day, bots are left out, what is broken is kept aside."""

from __future__ import annotations

import gzip
import json
import os
import runpy
from pathlib import Path
from typing import Any

import boto3
import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/click-stream/clicks.py"


@pytest.mark.kumoi_clock
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_clicks_become_rows(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # which remembers another test's account
    example = runpy.run_path(str(EXAMPLE))
    lake = example["deploy"]()
    records = example["clicks"](700, example["clock"]())
    example["send"](records)
    example["clock"](action="advance", seconds=60)
    s3 = boto3.client("s3")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=lake)["Contents"]]
    assert {key.partition("/day=")[0] for key in keys if "/day=" in key} == {"clicks/site=shop", "clicks/site=blog"}
    human = [one for one in map(json.loads, records[1:]) if one["agent"] != "SomeBot/1.0"]
    sql = "SELECT count(*), count(DISTINCT visitor), count_if(query['colour'] = 'blue') FROM clicks"
    [_, [count, visitors, blue]] = example["query"](lake, sql)
    assert (int(count), int(visitors)) == (len(human), len({one["visitor"] for one in human}))
    assert 0 < int(blue) < int(count)
    assert len(example["query"](lake, example["QUESTION"])) > 4
    [failed] = [key for key in keys if key.startswith("failed/processing-failed/")]
    assert json.loads(s3.get_object(Bucket=lake, Key=failed)["Body"].read())["errorCode"]
    [raw] = [key for key in keys if key.startswith("raw/")]
    assert gzip.decompress(s3.get_object(Bucket=lake, Key=raw)["Body"].read()) == b"".join(records)
