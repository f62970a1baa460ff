"""AWS CLI v1, unmodified, drives a function from creation to deletion and reads its log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Aws = Callable[..., Any]


@pytest.fixture
def aws(kumoi: Any) -> Aws:
    environment = {**os.environ, **kumoi.environment, "AWS_PAGER": ""}

    def run(*arguments: str) -> Any:
        command = [str(Path(sys.executable).with_name("aws")), "--output", "json", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip().startswith(("{", "[")) else done.stdout

    return run


@pytest.mark.slow
def test_create_wait_invoke_update_publish_delete(aws: Aws, tmp_path: Path, zipped: Any) -> None:
    code = tmp_path / "code.zip"
    code.write_bytes(zipped({"app.py": "def handler(event, context):\n    print('seen')\n    return event\n"}))
    runtime = f"python3.{sys.version_info.minor}"
    trust = '{"Version": "2012-10-17", "Statement": []}'
    role = aws("iam", "create-role", "--role-name", "r", "--assume-role-policy-document", trust)["Role"]["Arn"]
    create = ["--function-name", "f", "--runtime", runtime, "--handler", "app.handler", "--role", role]
    aws("lambda", "create-function", *create, "--zip-file", f"fileb://{code}")
    aws("lambda", "wait", "function-active-v2", "--function-name", "f")
    out = tmp_path / "out.json"
    answer = aws("lambda", "invoke", "--function-name", "f", "--payload", '{"a": 1}', str(out))
    assert answer["StatusCode"] == 200
    assert json.loads(out.read_text()) == {"a": 1}
    code.write_bytes(zipped({"app.py": "def handler(event, context):\n    return 'two'\n"}))
    aws("lambda", "update-function-code", "--function-name", "f", "--zip-file", f"fileb://{code}")
    aws("lambda", "wait", "function-updated-v2", "--function-name", "f")
    assert aws("lambda", "publish-version", "--function-name", "f")["Version"] == "1"
    aws("lambda", "invoke", "--function-name", "f:1", str(out))
    assert json.loads(out.read_text()) == "two"
    events = aws("logs", "filter-log-events", "--log-group-name", "/aws/lambda/f", "--filter-pattern", "seen")["events"]
    assert [event["message"] for event in events] == ["seen\n"]
    aws("lambda", "delete-function", "--function-name", "f")
    assert aws("lambda", "list-functions")["Functions"] == []
    assert aws("sts", "get-caller-identity")["Arn"].endswith(":root")
