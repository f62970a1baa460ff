"""A platform killed in the middle of a deployment: the next one rolls it back."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError


def start(data: Path, port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-m", "kumoi", "up", "--port", str(port), "--data", str(data)])
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_kumoi/health", timeout=1):
                return process
        except OSError:
            assert process.poll() is None, "the platform ended while starting"
            time.sleep(0.02)
    raise AssertionError("the platform did not answer within 30 s")


def client(name: str, port: int) -> Any:
    return boto3.client(
        name,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5),
    )


def template(count: int) -> str:
    """A chain of groups, so that a deployment has many steps to be killed between."""
    return json.dumps(
        {
            "Resources": {
                f"G{number}": {
                    "Type": "AWS::Logs::LogGroup",
                    "Properties": {"RetentionInDays": 1},
                    **({"DependsOn": f"G{number - 1}"} if number else {}),
                }
                for number in range(count)
            }
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize("steps", [3, 20, 45])
def test_what_a_crash_interrupts_is_rolled_back(tmp_path: Path, steps: int) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start(tmp_path, port)
    stacks, logs = client("cloudformation", port), client("logs", port)
    fault = json.dumps({"service": "logs", "operation": "CreateLogGroup", "action": "delay", "seconds": 0.01}).encode()
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/_kumoi/faults", fault, {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(asked).close()
    stacks.create_stack(StackName="before", TemplateBody=template(1))

    def create() -> None:
        try:
            client("cloudformation", port).create_stack(StackName="chain", TemplateBody=template(400))
        except (BotoCoreError, ClientError):
            return  # the platform is gone

    writer = threading.Thread(target=create)
    writer.start()
    while len(logs.describe_log_groups(logGroupNamePrefix="chain-")["logGroups"]) < steps:
        continue
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    writer.join()
    process = start(tmp_path, port)
    try:
        stacks, logs = client("cloudformation", port), client("logs", port)
        while (stack := stacks.describe_stacks(StackName="chain")["Stacks"][0])["StackStatus"].endswith("_IN_PROGRESS"):
            continue
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        assert logs.describe_log_groups(logGroupNamePrefix="chain-")["logGroups"] == []
        assert stacks.describe_stacks(StackName="before")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
        assert len(logs.describe_log_groups()["logGroups"]) == 1
        stacks.delete_stack(StackName="chain")
        stacks.create_stack(StackName="chain", TemplateBody=template(3))
    finally:
        process.terminate()
        assert process.wait(20) == 0
