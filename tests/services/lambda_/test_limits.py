"""Reserved and provisioned concurrency, and what hostile functions can do to others: nothing."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

WAIT = "import time\ndef handler(event, context):\n    time.sleep(0.05)\n    return event\n"


def answer_of(client: Any, number: int) -> Any:
    try:
        return json.load(client.invoke(FunctionName="f", Payload=json.dumps(number))["Payload"])
    except ClientError as error:
        response = error.response
        return (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response.get("Reason"))


@pytest.mark.slow
def test_a_reservation_bounds_a_function_exactly(kumoi: Any, create: Any, client: Any) -> None:
    create(WAIT, MemorySize=128, Timeout=60)
    client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=10)
    many = kumoi.client("lambda", max_pool_connections=100, retries={"max_attempts": 0})
    with ThreadPoolExecutor(100) as threads:
        answers = list(threads.map(lambda number: answer_of(many, number), range(1000)))
    throttled = (429, "TooManyRequestsException", "ReservedFunctionConcurrentInvocationLimitExceeded")
    for number, answer in enumerate(answers):
        assert answer in (number, throttled)
    assert Counter(answer == throttled for answer in answers)[True] > 0
    assert answer_of(many, 7) == 7


def test_reservations_are_counted_against_the_account(create: Any, client: Any) -> None:
    create(WAIT)
    create(WAIT, name="g")
    assert client.get_function_concurrency(FunctionName="f").get("ReservedConcurrentExecutions") is None
    client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=800)
    with pytest.raises(client.exceptions.InvalidParameterValueException, match=r"below its minimum value of \[100\]"):
        client.put_function_concurrency(FunctionName="g", ReservedConcurrentExecutions=101)
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 200
    assert client.get_function(FunctionName="f")["Concurrency"] == {"ReservedConcurrentExecutions": 800}
    client.delete_function_concurrency(FunctionName="f")
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 1000


def test_a_function_that_reserves_nothing_is_stopped(create: Any, client: Any) -> None:
    create(WAIT)
    client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    with pytest.raises(client.exceptions.TooManyRequestsException) as refused:
        client.invoke(FunctionName="f")
    assert refused.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    client.delete_function_concurrency(FunctionName="f")
    assert json.load(client.invoke(FunctionName="f", Payload=b"1")["Payload"]) == 1


def provisioned(client: Any, qualifier: str = "live") -> dict[str, Any]:
    """The configuration once it is no longer in progress."""
    deadline = time.monotonic() + 60
    while True:
        found: dict[str, Any] = client.get_provisioned_concurrency_config(FunctionName="f", Qualifier=qualifier)
        if found["Status"] != "IN_PROGRESS":
            return found
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_provisioned_environments_are_ready_before_they_are_needed(create: Any, client: Any) -> None:
    create(
        "import os\nkind = os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n"
        "def handler(event, context):\n    return [kind, context.function_version]\n",
        Publish=True,
    )
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    put = client.put_provisioned_concurrency_config(
        FunctionName="f", Qualifier="live", ProvisionedConcurrentExecutions=3
    )
    assert (put["Status"], put["RequestedProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 3)
    ready = provisioned(client)
    assert (ready["Status"], ready["AllocatedProvisionedConcurrentExecutions"]) == ("READY", 3)
    answer = client.invoke(FunctionName="f", Qualifier="live", LogType="Tail")
    assert json.load(answer["Payload"]) == ["provisioned-concurrency", "1"]
    assert "Init Duration" not in answer["LogResult"]
    assert len(client.list_provisioned_concurrency_configs(FunctionName="f")["ProvisionedConcurrencyConfigs"]) == 1
    client.delete_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    with pytest.raises(client.exceptions.ProvisionedConcurrencyConfigNotFoundException):
        client.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live")


def test_provisioning_a_function_that_cannot_start_fails(create: Any, client: Any) -> None:
    create("raise ValueError('no')", Publish=True)
    client.put_provisioned_concurrency_config(FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=1)
    failed = provisioned(client, "1")
    assert (failed["Status"], failed["StatusReason"]) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE")
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="unpublished function versions"):
        client.put_provisioned_concurrency_config(
            FunctionName="f", Qualifier="$LATEST", ProvisionedConcurrentExecutions=1
        )


HOSTILE = {
    "fork bomb": "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
    "endless loop": "while True: pass",
    "huge allocation": "keep = bytearray(10 << 30)\nfor at in range(0, len(keep), 4096): keep[at] = 1",
    "closed descriptors": "import os\nos.closerange(0, 1024)",
    "killed itself": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "a gigabyte of log": "line = 'x' * (1 << 20)\nfor _ in range(1024): print(line)",
}


@pytest.mark.slow
@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_function_harms_nobody_else(create: Any, client: Any, what: str) -> None:
    body = "\n".join(f"    {line}" for line in HOSTILE[what].splitlines())
    create(f"def handler(event, context):\n    if event == 'ok': return 'ok'\n{body}\n", MemorySize=256, Timeout=3)
    create("def handler(event, context):\n    return event\n", name="neighbour", Timeout=60)
    with ThreadPoolExecutor(1) as thread:
        hostile = thread.submit(lambda: client.invoke(FunctionName="f"))
        while not hostile.done():
            assert json.load(client.invoke(FunctionName="neighbour", Payload=b"1")["Payload"]) == 1
        answer = hostile.result()
    assert answer["StatusCode"] == 200
    if what != "a gigabyte of log":
        assert answer["FunctionError"] == "Unhandled"
        assert json.load(answer["Payload"])["errorType"] in (
            "Sandbox.Timedout",
            "Runtime.ExitError",
            "Runtime.OutOfMemory",
            "MemoryError",
        )
    assert json.load(client.invoke(FunctionName="f", Payload=b'"ok"')["Payload"]) == "ok"
