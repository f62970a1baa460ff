"""`kumoi runtime install nodejs`: a function that brings no SDK finds the one that was installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from kumoi.cli import runtime
from kumoi.cli.runtime import packages

KUMOI = [sys.executable, "-m", "kumoi"]
SOURCE = """
const { SQSClient, CreateQueueCommand } = require("@aws-sdk/client-sqs");
exports.handler = async (event) => (await new SQSClient({}).send(new CreateQueueCommand(event))).QueueUrl;
"""
ASK = """
import boto3, sys
client = boto3.client("lambda")
client.create_function(FunctionName="f", Runtime="nodejs20.x", Handler="index.handler", Timeout=60,
    Role="arn:aws:iam::000000000000:role/r", Code={"ZipFile": open(sys.argv[1], "rb").read()})
client.get_waiter("function_active_v2").wait(FunctionName="f")
print(client.invoke(FunctionName="f", Payload=b'{"QueueName": "made"}')["Payload"].read().decode())
"""


def test_names_of_packages() -> None:
    assert packages(["s3", "client-sqs", "@aws-sdk/lib-storage"]) == [
        "@aws-sdk/client-s3", "@aws-sdk/client-sqs", "@aws-sdk/lib-storage"
    ]  # fmt: skip
    assert {"@aws-sdk/client-dynamodb", "@aws-sdk/lib-dynamodb"} <= set(packages([]))


@pytest.mark.slow
def test_functions_find_what_was_installed(tmp_path: Path, zipped: Callable[[dict[str, str]], bytes]) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "share")}
    environment.pop("KUMOI_NODE_MODULES", None)
    done = subprocess.run(
        [*KUMOI, "runtime", "install", "nodejs", "sqs"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "share") in done.stdout
    (tmp_path / "f.zip").write_bytes(zipped({"index.js": SOURCE}))
    (tmp_path / "ask.py").write_text(ASK)
    asked = [*KUMOI, "run", "--fresh", "--", sys.executable, str(tmp_path / "ask.py"), str(tmp_path / "f.zip")]
    done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout.splitlines()[-1]).endswith("/made"), done.stdout + done.stderr


def test_what_npm_cannot_install_is_told(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path), "npm_config_fetch_retries": "0"}
    asked = [*KUMOI, "runtime", "install", "nodejs", "@kumoi-nobody/has-this"]
    done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "npm could not install them" in done.stderr


def test_an_npm_that_does_not_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\nexec sleep 3600\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setattr(runtime, "LONGEST_INSTALL", 0.2)
    with pytest.raises(click.ClickException, match="did not come to an end"):
        runtime.install(["@aws-sdk/client-sqs"], lambda _: None)
