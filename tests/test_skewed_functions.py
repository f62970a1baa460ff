"""A function whose clock is off, on a platform that verifies signatures: AWS's own errors, as its SDK sees them."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

CODE = """
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ASKED = {"s3": "list_buckets", "dynamodb": "list_tables", "sns": "list_topics", "sqs": "list_queues"}
ONCE = Config(retries={"total_max_attempts": 1})

def handler(event, context):
    found = {}
    for service, method in ASKED.items():
        try:
            getattr(boto3.client(service, config=ONCE), method)()
            found[service] = "fine"
        except ClientError as error:
            found[service] = error.response["Error"]["Code"]
    return found
"""
FINE = {"s3": "fine", "dynamodb": "fine", "sns": "fine", "sqs": "fine"}


@pytest.fixture
def verifying(tmp_path: Path) -> Iterator[str]:
    """The URL of a platform that verifies signatures."""
    kumoi = [sys.executable, "-m", "kumoi"]
    up = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--auth", "verify", "--data", str(tmp_path / "data")]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    yield json.loads((tmp_path / "data" / "platform.json").read_text())["url"]
    subprocess.run([*kumoi, "down", "--data", str(tmp_path / "data")], check=True, stdout=subprocess.DEVNULL)


def test_a_clock_that_is_off_makes_signatures_that_are_refused(verifying: str, zipped: Any) -> None:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client = boto3.client("lambda", endpoint_url=verifying, region_name="us-east-1", **keys)
    client.create_function(
        FunctionName="f",
        Runtime=f"python3.{sys.version_info.minor}",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/worker",
        Timeout=60,
        MemorySize=256,
        Code={"ZipFile": zipped({"app.py": CODE})},
    )

    def invoke(**fault: Any) -> dict[str, str]:
        if fault:
            body = json.dumps({**fault, "times": 4}).encode()
            urllib.request.urlopen(urllib.request.Request(f"{verifying}/_kumoi/faults", body)).close()
        found: dict[str, str] = json.loads(client.invoke(FunctionName="f")["Payload"].read())
        urllib.request.urlopen(urllib.request.Request(f"{verifying}/_kumoi/faults", method="DELETE")).close()
        return found

    skewed = {
        "s3": "RequestTimeTooSkewed",
        "dynamodb": "InvalidSignatureException",
        "sns": "SignatureDoesNotMatch",
        "sqs": "InvalidSignatureException",
    }
    assert invoke() == FINE
    assert invoke(action="skew", point="run", resource="f:*", skew_s=3600) == skewed
    assert invoke(action="skew", point="run", resource="f:*", skew_s=-3600) == skewed
    assert invoke(action="skew", point="run", resource="f:*", skew_s=-600) == FINE, "15 minutes are tolerated"
    expired = {
        "s3": "ExpiredToken",
        "dynamodb": "ExpiredTokenException",
        "sns": "ExpiredToken",
        "sqs": "ExpiredTokenException",
    }
    assert invoke(action="fail", error="expired", source="lambda:f") == expired
    assert invoke() == FINE
    client.close()
