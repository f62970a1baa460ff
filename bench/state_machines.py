"""State machines through HTTP, beside any other server of the same protocol, both in the same run.

    PEER_PYTHON=/path/to/a/venv/with/ministack/bin/python scripts/bench state_machines

Prepared requests on plain sockets, since an SDK costs more than the servers measured. Wall time goes from the first
StartExecution to the last DescribeExecution that is not RUNNING; engine time is stopDate minus startDate, CPU time that
of the server's process tree. The servers take turns, and the best of the rounds counts for each: the machine has other
work. Kumoi runs with its data on disk, every commit synced (`--durability full`); ministack keeps all in memory, and
sleeps 150 ms before an execution begins, which its wall and engine times have in them. Executions that all wait for one
moment show what is left without that sleep and without the requests: their engine time is that of the last to end.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from load import cpu_seconds, exchange, free_port, request, server

ROUNDS = int(os.environ.get("ROUNDS", "5"))
PAYLOAD = {"text": "x" * 90}
ROLE = "arn:aws:iam::000000000000:role/r"
CONNECTIONS = 10
OFTEN, SELDOM = 0.002, 0.3
END = {"Type": "Pass", "End": True}
MAP = {
    "StartAt": "M",
    "States": {"M": {"Type": "Map", "End": True, "ItemProcessor": {"StartAt": "P", "States": {"P": END}}}},
}


class Cost(NamedTuple):
    """What a case took, in milliseconds."""

    wall: float
    engine: float
    cpu: float


def chain(length: int) -> dict[str, Any]:
    states: dict[str, Any] = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(length - 1)}
    return {"StartAt": "S0" if length > 1 else f"S{length - 1}", "States": {**states, f"S{length - 1}": END}}


def waiting(length: int) -> dict[str, Any]:
    """A chain that begins at a given moment."""
    made = chain(length)
    wait = {"Type": "Wait", "TimestampPath": "$.at", "Next": "S0"}
    return {"StartAt": "W", "States": {"W": wait, **made["States"]}}


def prepared(operation: str, **parameters: Any) -> bytes:
    headers = {"X-Amz-Target": f"AWSStepFunctions.{operation}", "Content-Type": "application/x-amz-json-1.0"}
    return request("POST", "/", json.dumps(parameters).encode(), headers)


class Server:
    """One server, and what is asked of it."""

    def __init__(self, name: str, port: int, pid: int) -> None:
        self.name = name
        self._port, self._pid = port, pid
        self._connections: list[socket.socket] = []
        self._machines: dict[str, str] = {}
        self._poll = OFTEN
        self.connect()

    def connect(self) -> None:
        """Connect anew: a server may close what was idle."""
        for connection in self._connections:
            connection.close()
        self._connections = [
            socket.create_connection(("127.0.0.1", self._port), timeout=60) for _ in range(CONNECTIONS)
        ]
        for connection in self._connections:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def machine(self, name: str, definition: dict[str, Any], kind: str = "STANDARD") -> None:
        made = self._ask(
            prepared("CreateStateMachine", name=name, definition=json.dumps(definition), roleArn=ROLE, type=kind)
        )
        self._machines[name] = made["stateMachineArn"]

    def _ask(self, message: bytes) -> dict[str, Any]:
        return _read(*exchange(self._connections[0], message))

    def _ask_all(self, messages: Iterable[bytes]) -> Iterator[dict[str, Any]]:
        """Send messages over all connections, one under way on each."""
        queue = iter(messages)
        with selectors.DefaultSelector() as selector:
            for connection in self._connections:
                selector.register(connection, selectors.EVENT_READ)
            idle, busy = list(self._connections), 0
            while True:
                while idle and (message := next(queue, None)) is not None:
                    idle.pop().sendall(message)
                    busy += 1
                if not busy:
                    return
                for key, _ in selector.select(60):
                    connection = key.fileobj
                    assert isinstance(connection, socket.socket)
                    yield _read(*exchange(connection, b""))
                    idle.append(connection)
                    busy -= 1

    def cost(self, run: Callable[[], float], times: int) -> Cost:
        """What `run` takes (it answers its engine time): the best wall and engine of `times`, and the mean CPU.

        CPU is of runs of their own, which are hardly ever polled: a server that sleeps is not charged for our asking.
        """
        self.connect()
        run()
        self._poll, walls, engines = OFTEN, [], []
        for _ in range(times):
            began = time.perf_counter()
            engines.append(run())
            walls.append(time.perf_counter() - began)
        self._poll = SELDOM
        before = cpu_seconds(self._pid, children=True)
        for _ in range(times):
            run()
        cpu = (cpu_seconds(self._pid, children=True) - before) / times
        return Cost(min(walls) * 1000, min(engines) * 1000, cpu * 1000)

    def one(self, machine: str, given: Any) -> float:
        """Run one execution."""
        start = prepared("StartExecution", stateMachineArn=self._machines[machine], input=json.dumps(given))
        return self._ended([self._ask(start)["executionArn"]])

    def many(self, machine: str, count: int) -> float:
        """Run many executions at once."""
        start = prepared("StartExecution", stateMachineArn=self._machines[machine], input=json.dumps(PAYLOAD))
        return self._ended([one["executionArn"] for one in self._ask_all([start] * count)])

    def together(self, machine: str, count: int) -> float:
        """Run many executions that wait for the same moment; how long after it the last one has ended."""
        moment = int(time.time()) + 3
        given = json.dumps({"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)), **PAYLOAD})
        start = prepared("StartExecution", stateMachineArn=self._machines[machine], input=given)
        started = [one["executionArn"] for one in self._ask_all([start] * count)]
        assert time.time() < moment, "the machine is too busy to start them in time"
        time.sleep(moment - time.time() + self._poll)
        self._ended(started)
        found = self._ask_all([prepared("DescribeExecution", executionArn=arn) for arn in started])
        return max(_seconds(one["stopDate"]) for one in found) - moment

    def _ended(self, executions: list[str]) -> float:
        """Wait until all have ended; the mean of their engine times."""
        left = {arn: prepared("DescribeExecution", executionArn=arn) for arn in executions}
        total = 0.0
        while left:
            time.sleep(self._poll)
            for found in self._ask_all(list(left.values())):
                if found["status"] != "RUNNING":
                    assert found["status"] == "SUCCEEDED", found
                    total += _seconds(found["stopDate"]) - _seconds(found["startDate"])
                    del left[found["executionArn"]]
        return total / len(executions)

    def sync(self, machine: str) -> float:
        """Run one synchronous Express execution."""
        found = self._ask(
            prepared("StartSyncExecution", stateMachineArn=self._machines[machine], input=json.dumps(PAYLOAD))
        )
        assert found["status"] == "SUCCEEDED", found
        return _seconds(found["stopDate"]) - _seconds(found["startDate"])


def _read(status: int, body: bytes) -> dict[str, Any]:
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found


def _seconds(moment: Any) -> float:
    return float(moment)


def measure(servers: list[Server]) -> None:
    cases: list[tuple[str, Callable[[Server], float], int]] = [
        ("100 Pass", lambda one: one.one("long", PAYLOAD), 10),
        ("Map 1000 x 1 Pass", lambda one: one.one("map", list(range(1000))), 4),
        ("100 executions x 10 Pass", lambda one: one.many("short", 100), 4),
        ("100 at one moment x 100 Pass", lambda one: one.together("waiting", 100), 1),
        ("StartSyncExecution, 10 Pass", lambda one: one.sync("express"), 50),
    ]
    for one in servers:
        one.machine("long", chain(100))
        one.machine("map", MAP)
        one.machine("short", chain(10))
        one.machine("waiting", waiting(100))
        one.machine("express", chain(10), "EXPRESS")
    for title, run, times in cases:
        found: dict[str, list[Cost]] = {one.name: [] for one in servers}
        for _ in range(ROUNDS):
            for one in servers:
                found[one.name].append(one.cost(partial(run, one), times))
        best = {name: Cost(*(min(part) for part in zip(*costs, strict=True))) for name, costs in found.items()}
        for name, cost in best.items():
            times_better = [theirs / max(ours, 0.001) for ours, theirs in zip(best["Kumoi"], cost, strict=True)]
            print(
                f"{title:28} {name:10} wall {cost.wall:8.1f} ms ({times_better[0]:5.1f} x)   "
                f"engine {cost.engine:8.2f} ms ({times_better[1]:6.1f} x)   "
                f"CPU {cost.cpu:8.1f} ms ({times_better[2]:5.1f} x)",
                flush=True,
            )


def main() -> None:
    with ExitStack() as stack:
        servers: list[Server] = []
        port, data = free_port(), stack.enter_context(TemporaryDirectory())
        ours = [sys.executable, "-m", "kumoi", "up", "--port", str(port), "--data", data, "--durability", "full"]
        pid, _ = stack.enter_context(server(ours, port))
        servers.append(Server("Kumoi", port, pid))
        if peer := os.environ.get("PEER_PYTHON"):
            port = free_port()
            pid, _ = stack.enter_context(server([peer, "-m", "ministack"], port, GATEWAY_PORT=str(port)))
            servers.append(Server("ministack", port, pid))
        measure(servers)


if __name__ == "__main__":
    main()
