"""Invocations, driven by boto3 against a real platform with real sandboxes."""

from __future__ import annotations

import base64
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest


def test_any_json_is_an_event(create: Any, invoke: Any) -> None:
    create("def handler(event, context):\n    return [event]\n")
    for event in ({}, [], "text", 1, 1.5, True, None, {"ü": "雲"}):
        assert invoke(event)[0] == [event]


def test_the_answer_carries_version_status_and_log_tail(create: Any, invoke: Any) -> None:
    create("def handler(event, context):\n    print('hello from inside')\n")
    payload, answer = invoke(LogType="Tail")
    assert payload is None
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    tail = base64.b64decode(answer["LogResult"]).decode()
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert f"START RequestId: {request_id} Version: $LATEST\nhello from inside\nEND RequestId: {request_id}\n" in tail
    assert re.search(
        rf"REPORT RequestId: {request_id}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t"
        r"Max Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\t\n$",
        tail,
    )
    _, warm = invoke(LogType="Tail")
    assert "Init Duration" not in base64.b64decode(warm["LogResult"]).decode()


def test_a_raised_exception_is_an_answer_with_function_error(create: Any, invoke: Any) -> None:
    create("def handler(event, context):\n    raise ValueError('no such farm')\n")
    payload, answer = invoke()
    assert answer["FunctionError"] == "Unhandled"
    assert payload == {
        "errorMessage": "no such farm",
        "errorType": "ValueError",
        "requestId": answer["ResponseMetadata"]["RequestId"],
        "stackTrace": ["  File \"/var/task/app.py\", line 2, in handler\n    raise ValueError('no such farm')\n"],
    }


@pytest.mark.parametrize(
    ("source", "handler", "error_type", "message"),
    [
        ("import missing_module", "app.handler", "Runtime.ImportModuleError", "No module named 'missing_module'"),
        ("x = 1", "app.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("x = 1", "other.handler", "Runtime.ImportModuleError", "Unable to import module 'other'"),
        ("def handler(:", "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("x = 1", "app", "Runtime.MalformedHandlerName", "Bad handler 'app'"),
        ("def handler(e, c): return {1, 2}", "app.handler", "Runtime.MarshalError", "Unable to marshal response"),
        ("import os\ndef handler(e, c): os._exit(3)", "app.handler", "Runtime.ExitError", "exit status 3"),
    ],
)
def test_what_a_function_does_wrong_has_awss_name(
    create: Any, invoke: Any, source: str, handler: str, error_type: str, message: str
) -> None:
    create(source, Handler=handler)
    payload, answer = invoke()
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == error_type
    assert message in payload["errorMessage"]


def test_a_timeout_is_answered_in_time_and_the_next_invoke_works(create: Any, invoke: Any) -> None:
    create("import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'awake'\n", Timeout=2)
    payload, answer = invoke(30)
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert payload == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {request_id} Error: Task timed out after 2.00 seconds",
    }
    assert invoke(0)[0] == "awake"


def test_a_function_sees_its_context_and_environment(create: Any, invoke: Any, kumoi: Any) -> None:
    create(
        "import os\n"
        "def handler(event, context):\n"
        "    names = ['AWS_REGION', 'AWS_LAMBDA_FUNCTION_NAME', 'COLOUR', '_HANDLER', 'LAMBDA_TASK_ROOT']\n"
        "    return [context.function_name, context.invoked_function_arn, context.memory_limit_in_mb,\n"
        "            context.get_remaining_time_in_millis() > 1000, context.client_context.custom,\n"
        "            [os.environ[n] for n in names], os.getcwd()]\n",
        Environment={"Variables": {"COLOUR": "red"}},
    )
    context = base64.b64encode(json.dumps({"custom": {"who": "test"}}).encode()).decode()
    arn = f"arn:aws:lambda:us-east-1:{kumoi.account}:function:f"
    assert invoke(ClientContext=context)[0] == [
        "f",
        arn,
        "128",
        True,
        {"who": "test"},
        ["us-east-1", "f", "red", "app.handler", "/var/task"],
        "/var/task",
    ]


def test_a_function_calls_kumoi_as_its_role(create: Any, invoke: Any, kumoi: Any) -> None:
    create(
        "import boto3\ndef handler(event, context):\n    return boto3.client('sts').get_caller_identity()['Arn']\n",
        Timeout=60,
        MemorySize=256,
    )
    assert invoke()[0] == f"arn:aws:sts::{kumoi.account}:assumed-role/test-role/f"


def test_an_asynchronous_event_is_run(create: Any, client: Any, kumoi: Any) -> None:
    create("def handler(event, context):\n    print('got', event['n'])\n")
    answer = client.invoke(FunctionName="f", InvocationType="Event", Payload=b'{"n": 7}')
    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    assert wait_for_log(kumoi, "got 7")


@pytest.mark.kumoi_clock
def test_a_failing_event_is_retried_twice_in_platform_time(create: Any, client: Any, kumoi: Any) -> None:
    create("def handler(event, context):\n    print('try')\n    raise RuntimeError('no')\n")
    client.invoke(FunctionName="f", InvocationType="Event", Payload=b"{}")
    assert wait_for_log(kumoi, "try", 1)
    kumoi.advance("61s")
    assert wait_for_log(kumoi, "try", 2)
    kumoi.advance("121s")
    assert wait_for_log(kumoi, "try", 3)


def test_a_runtime_that_is_not_built_says_so(create: Any, client: Any) -> None:
    create("", Runtime="java21", Handler="App::handle")
    with pytest.raises(client.exceptions.InvalidRuntimeException, match="for java21, package a bootstrap"):
        client.invoke(FunctionName="f")


def test_a_dry_run_does_not_run(create: Any, client: Any) -> None:
    create("raise SystemExit('must not run')")
    assert client.invoke(FunctionName="f", InvocationType="DryRun")["StatusCode"] == 204


def test_a_local_directory_is_reloaded_after_an_edit(client: Any, create: Any, invoke: Any, tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text("def handler(event, context):\n    return 'before'\n")
    tmp_path.chmod(0o755)
    create("", Code={"S3Bucket": "hot-reload", "S3Key": str(tmp_path)})
    assert invoke()[0] == "before"
    app.write_text("def handler(event, context):\n    return 'after'\n")
    os.utime(app, (time.time() + 2, time.time() + 2))
    assert invoke()[0] == "after"


def wait_for_log(kumoi: Any, text: str, times: int = 1) -> bool:
    """Wait until the function's log holds `text` as a line `times` times; False after a generous while."""
    logs = kumoi.client("logs")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            events = logs.filter_log_events(logGroupName="/aws/lambda/f")["events"]
        except logs.exceptions.ResourceNotFoundException:
            events = []
        if sum(event["message"].strip() == text for event in events) >= times:
            return True
        time.sleep(0.05)
    return False


def test_modules_are_compiled_ahead_of_their_first_import(create: Any, invoke: Any) -> None:
    create("import glob\ndef handler(event, context):\n    return glob.glob('/var/task/__pycache__/app.*.pyc')\n")
    deadline = time.monotonic() + 60
    while not invoke()[0]:
        assert time.monotonic() < deadline
