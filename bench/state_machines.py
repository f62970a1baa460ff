"""State machines through HTTP and boto3, beside any other server of the same protocol.

    .venv/bin/python bench/state_machines.py [URL]

Wall time from StartExecution to a DescribeExecution that is not RUNNING, polled every 5 ms; engine time is stopDate
minus startDate. The median of five runs. Kumoi runs with its data on disk (`--durability full`); URL names a peer.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from botocore.config import Config
from load import free_port, server

RUNS = 5
PAYLOAD = {"text": "x" * 90}
ROLE = "arn:aws:iam::000000000000:role/r"


def chain(length: int) -> dict[str, Any]:
    states: dict[str, Any] = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(length - 1)}
    return {"StartAt": "S0" if length > 1 else f"S{length - 1}", "States": {**states, f"S{length - 1}": END}}


END = {"Type": "Pass", "End": True}
MAP = {
    "StartAt": "M",
    "States": {"M": {"Type": "Map", "End": True, "ItemProcessor": {"StartAt": "P", "States": {"P": END}}}},
}


class Bench:
    def __init__(self, url: str) -> None:
        config = Config(retries={"total_max_attempts": 1}, inject_host_prefix=False, max_pool_connections=50)
        self.client = boto3.client(
            "stepfunctions",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=config,
        )
        self.number = 0

    def machine(self, definition: dict[str, Any], kind: str = "STANDARD") -> str:
        self.number += 1
        made = self.client.create_state_machine(
            name=f"bench-{self.number}", definition=json.dumps(definition), roleArn=ROLE, type=kind
        )
        return str(made["stateMachineArn"])

    def one(self, machine: str, given: Any) -> tuple[float, float]:
        """(wall, engine) seconds of one execution."""
        began = time.perf_counter()
        execution = self.client.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
        found = self.ended(execution)
        wall = time.perf_counter() - began
        return wall, (found["stopDate"] - found["startDate"]).total_seconds()

    def ended(self, execution: str) -> dict[str, Any]:
        while True:
            found: dict[str, Any] = self.client.describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                assert found["status"] == "SUCCEEDED", found
                return found
            time.sleep(0.005)

    def many(self, machine: str, count: int) -> tuple[float, float]:
        """(wall, spread of the engine's times) of many executions."""
        began = time.perf_counter()
        given = json.dumps(PAYLOAD)
        started = [
            self.client.start_execution(stateMachineArn=machine, input=given)["executionArn"] for _ in range(count)
        ]
        found = [self.ended(one) for one in started]
        wall = time.perf_counter() - began
        return wall, sum((one["stopDate"] - one["startDate"]).total_seconds() for one in found)

    def sync(self, machine: str) -> tuple[float, float]:
        """(wall, engine) seconds of one synchronous Express execution."""
        began = time.perf_counter()
        found = self.client.start_sync_execution(stateMachineArn=machine, input=json.dumps(PAYLOAD))
        assert found["status"] == "SUCCEEDED", found
        return time.perf_counter() - began, (found["stopDate"] - found["startDate"]).total_seconds()


def measure(name: str, url: str) -> None:
    bench = Bench(url)
    long, mapping = bench.machine(chain(100)), bench.machine(MAP)
    short, express = bench.machine(chain(10)), bench.machine(chain(10), "EXPRESS")
    cases: list[tuple[str, Callable[[], tuple[float, float]], int]] = [
        ("100 Pass", lambda: bench.one(long, PAYLOAD), RUNS),
        ("Map 1000 x 1 Pass", lambda: bench.one(mapping, list(range(1000))), RUNS),
        ("100 executions x 10 Pass", lambda: bench.many(short, 100), RUNS),
        ("StartSyncExecution, 10 Pass", lambda: bench.sync(express), 10 * RUNS),
    ]
    for title, run, times in cases:
        run()
        results = [run() for _ in range(times)]
        wall, engine = (statistics.median(one[part] for one in results) * 1000 for part in (0, 1))
        print(f"{name:10} {title:30} wall {wall:8.1f} ms   engine {engine:8.1f} ms")


def main() -> None:
    port = free_port()
    with TemporaryDirectory() as data:
        command = [sys.executable, "-m", "kumoi", "up", "--port", str(port), "--data", data, "--durability", "full"]
        with server(command, port):
            measure("Kumoi", f"http://127.0.0.1:{port}")
    for url in sys.argv[1:]:
        measure("peer", url)


if __name__ == "__main__":
    main()
