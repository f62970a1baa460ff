"""Nothing acknowledged is lost: a platform killed with -9 while clients write, and what the next one knows."""

from __future__ import annotations

import os
import random
import signal
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

ROUNDS = 4


def start(data: Path, port: int) -> subprocess.Popen[bytes]:
    ports = ["--port", str(port), "--xray-port", "0"]
    process = subprocess.Popen([sys.executable, "-m", "kumoi", "up", *ports, "--data", str(data)])
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_kumoi/health", timeout=1):
                return process
        except OSError:
            assert process.poll() is None, "the platform ended while starting"
            time.sleep(0.02)
    raise AssertionError("the platform did not answer within 120 s")


def client(name: str, port: int) -> Any:
    return boto3.client(
        name,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=60, read_timeout=60),
    )


@pytest.mark.slow
def test_what_was_acknowledged_is_there_after_kill_9(tmp_path: Path, zipped: Any, port: int, at_work: Any) -> None:
    rng = random.Random(4566)
    acknowledged: list[str] = []
    events: list[str] = []
    code = zipped({"app.py": "def handler(event, context):\n    return event\n"})
    for round_number in range(ROUNDS):
        process = start(tmp_path, port)
        check(port, acknowledged, events)
        writer = threading.Thread(target=write, args=(port, round_number, code, acknowledged, events))
        writer.start()
        at_work(writer, events)
        time.sleep(rng.uniform(0.05, 0.6))  # the moment of the crash is the point of this test
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        writer.join()
    process = start(tmp_path, port)
    try:
        check(port, acknowledged, events)
        assert len(acknowledged) > ROUNDS
    finally:
        process.terminate()
        assert process.wait(300) == 0


def write(port: int, round_number: int, code: bytes, acknowledged: list[str], events: list[str]) -> None:
    """Create functions and put log events until the platform is gone; note what was answered."""
    functions, logs = client("lambda", port), client("logs", port)
    try:
        logs.create_log_group(logGroupName=f"g{round_number}")
        logs.create_log_stream(logGroupName=f"g{round_number}", logStreamName="s")
        for number in range(10_000):
            name = f"f-{round_number}-{number}"
            functions.create_function(
                FunctionName=name,
                Runtime="python3.11",
                Role="arn:aws:iam::000000000000:role/r",
                Handler="app.handler",
                Code={"ZipFile": code},
            )
            acknowledged.append(name)
            event = {"timestamp": int(time.time() * 1000), "message": name}
            logs.put_log_events(logGroupName=f"g{round_number}", logStreamName="s", logEvents=[event])
            events.append(name)
    except (BotoCoreError, ClientError, OSError):
        return
    finally:
        functions.close()
        logs.close()


def check(port: int, acknowledged: list[str], events: list[str]) -> None:
    """Everything noted is there."""
    functions = client("lambda", port)
    pages = functions.get_paginator("list_functions").paginate()
    found = {function["FunctionName"] for page in pages for function in page["Functions"]}
    functions.close()
    assert found.issuperset(acknowledged)
    logs = client("logs", port)
    messages: set[str] = set()
    for group in {name.split("-")[1] for name in events}:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"g{group}")
        messages.update(event["message"] for page in pages for event in page["events"])
    logs.close()
    assert messages.issuperset(events)
