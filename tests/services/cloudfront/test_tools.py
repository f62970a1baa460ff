"""`kumoi edge` and `kumoi logs --edge`, as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

Config = Callable[..., dict[str, Any]]
View = Callable[..., Any]


@pytest.fixture
def command(kumoi: Any) -> Callable[..., str]:
    environment = {**os.environ, **kumoi.environment, "KUMOI_URL": kumoi.url, "NO_COLOR": "1", "KUMOI_DATA": "/nowhere"}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "kumoi", *arguments], capture_output=True, text=True, env=environment, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_events_requests_and_replays(kumoi: Any, config: Config, view: View, command: Callable[..., str]) -> None:
    client = kumoi.client("cloudfront")
    kumoi.client("s3").create_bucket(Bucket=f"tools-{kumoi.account}")
    kumoi.client("s3").put_object(Bucket=f"tools-{kumoi.account}", Key="a.txt", Body=b"text")
    code = b"function handler(e) { console.log('asked', e.request.uri); return e.request }"
    settings = {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    made = client.create_function(Name="told", FunctionConfig=settings, FunctionCode=code)
    client.publish_function(Name="told", IfMatch=made["ETag"])
    arn = made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]
    functions = {"Quantity": 1, "Items": [{"EventType": "viewer-request", "FunctionARN": arn}]}
    origin = f"tools-{kumoi.account}.s3.us-east-1.amazonaws.com"
    given = config(origin, behaviour={"FunctionAssociations": functions})
    distribution = client.create_distribution(DistributionConfig=given)["Distribution"]
    domain = distribution["DomainName"]
    answer = view(domain, "/a.txt?x=1", X_A="1")

    listed = json.loads(command("edge", "list", "--account", kumoi.account, "--json"))
    assert [(one["id"], one["domain"], one["status"]) for one in listed] == [(distribution["Id"], domain, "Deployed")]

    curl = f"curl -H 'X-A: 1' -b 'c=1' 'https://{domain}/a.txt?x=1'"
    event = json.loads(command("edge", "event", "--from-curl", curl))["Records"][0]["cf"]
    assert event["config"]["distributionId"] == distribution["Id"]
    assert (event["request"]["uri"], event["request"]["querystring"]) == ("/a.txt", "x=1")
    assert event["request"]["headers"]["x-a"] == [{"key": "X-A", "value": "1"}]
    at_origin = json.loads(command("edge", "event", "--from-curl", curl, "--event", "origin-request"))
    request = at_origin["Records"][0]["cf"]["request"]
    assert request["origin"]["s3"]["domainName"] == origin
    assert request["headers"]["user-agent"][0]["value"] == "Amazon CloudFront"
    small = json.loads(command("edge", "event", "--from-curl", curl, "--function"))
    assert small["request"]["cookies"] == {"c": {"value": "1"}}

    id = answer.headers["x-amz-cf-id"]
    assert id in command("edge", "requests", "--account", kumoi.account)
    again = json.loads(command("edge", "replay", id, "--json"))
    assert (again["before"]["detail"], again["status"], again["body"]) == ("Miss", 200, "text")
    assert dict(again["headers"])["X-Cache"] == "Hit from cloudfront"

    deadline = time.monotonic() + 60
    shown = ""
    while "asked /a.txt" not in shown and time.monotonic() < deadline:
        shown = command("logs", "--edge", "told")
    assert "us-east-1" in shown
    assert "asked /a.txt" in shown
