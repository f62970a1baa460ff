"""Declared faults where a function runs: its processes are killed and held, it starts cold, it lacks room."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

CODE = """
import os, socket, time, urllib.parse
STARTED = time.time_ns()
def handler(event, context):
    if event == "slow":
        time.sleep(60)
    if event == "hungry":
        return len(bytearray(200 << 20))
    if event == "connect":
        endpoint = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
        socket.create_connection((endpoint.hostname, endpoint.port), timeout=5).close()
        return "connected"
    if event == "busy":
        began, used = time.perf_counter(), time.process_time()
        while time.process_time() - used < 0.1:
            pass
        return time.perf_counter() - began
    if event == "disk":
        with open("/tmp/file", "wb") as out:
            return out.write(b"x" * (5 << 20))
    return str(STARTED)
"""


@pytest.fixture
def fault(kumoi: Any) -> Iterator[Callable[..., dict[str, Any]]]:
    made: list[str] = []

    def declare(**given: Any) -> dict[str, Any]:
        body = {"point": "run", "account": kumoi.account, **given}
        request = urllib.request.Request(f"{kumoi.url}/_kumoi/faults", json.dumps(body).encode())
        with urllib.request.urlopen(request) as answer:
            found: dict[str, Any] = json.load(answer)
        made.append(found["id"])
        return found

    yield declare
    for name in made:
        urllib.request.urlopen(urllib.request.Request(f"{kumoi.url}/_kumoi/faults?id={name}", method="DELETE")).close()


@pytest.fixture
def invoke(kumoi: Any, zipped: Any) -> Callable[[str], tuple[str | None, Any]]:
    client = kumoi.client("lambda")
    client.create_function(
        FunctionName="f",
        Runtime=f"python3.{sys.version_info.minor}",
        Handler="app.handler",
        Role=f"arn:aws:iam::{kumoi.account}:role/worker",
        MemorySize=512,
        Timeout=60,
        Code={"ZipFile": zipped({"app.py": CODE})},
    )

    def run(event: str = "") -> tuple[str | None, Any]:
        answer = client.invoke(FunctionName="f", Payload=json.dumps(event))
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    return run


def test_each_happens_to_the_function_and_is_over_with_the_fault(kumoi: Any, fault: Any, invoke: Any) -> None:
    fault(action="kill", delay_ms=100, times=1)
    failed, said = invoke("slow")
    assert failed and "signal: killed" in said["errorMessage"]
    with urllib.request.urlopen(f"{kumoi.url}/_kumoi/info") as answer:
        isolation = json.load(answer)["isolation"]

    warm = invoke()
    assert invoke() == warm
    fault(action="cold", times=1)
    cold = invoke()
    assert cold != warm and invoke() == cold

    fault(action="freeze", delay_ms=300, times=1, id="frozen")
    assert invoke() == cold, "it goes on where it was held"

    assert invoke("hungry") == (None, 200 << 20)
    fault(action="memory", limit_mb=64, times=1)
    failed, said = invoke("hungry")
    assert failed and ("killed" in str(said) or "MemoryError" in str(said))
    assert invoke("hungry") == (None, 200 << 20)

    assert invoke("disk") == (None, 5 << 20)
    fault(action="disk", limit_mb=1, times=1)
    failed, said = invoke("disk")
    if isolation == "namespace":
        assert failed and "No space left" in said["errorMessage"]
    else:
        assert said == 5 << 20, "nothing bounds /tmp there"

    fault(action="cpu", share=0.1, times=1)
    assert invoke("busy")[1] > 0.2, "a tenth of a second of work takes a second, less where the machine is busy"
    fault(action="truncate", times=1)
    with pytest.raises(json.JSONDecodeError):
        invoke()

    whole = invoke()
    fault(action="corrupt", times=1)
    failed, damaged = invoke()
    assert failed is None and len(damaged) == len(whole[1]) and damaged != whole[1]

    fault(action="skew", skew_s=-3600, times=1)
    assert -3700 < int(invoke()[1]) / 1e9 - time.time() < -3500
    assert abs(int(invoke()[1]) / 1e9 - time.time()) < 60
    if isolation == "namespace":
        assert invoke("connect") == (None, "connected")
        fault(action="cut", times=1)
        failed, said = invoke("connect")
        assert failed and "unreachable" in said["errorMessage"]
        assert invoke("connect") == (None, "connected")
