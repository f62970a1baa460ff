"""Warm invocations through HTTP, against a peer (ministack) and against a bare socket pair.

    PEER_PYTHON=/path/to/a/venv/with/ministack/bin/python scripts/bench invoke

Same machine, same run, same prepared requests: 1 KB of JSON to a Python handler that prints a line. They are measured
in turns, five of each, and the middle one counts: a shared machine is now fast and now slow. Also: a trivial
control-plane call, the time until the platform answers, and its memory when idle.
"""

from __future__ import annotations

import base64
import io
import json
import multiprocessing
import os
import socket
import statistics
import sys
import time
import zipfile
from contextlib import ExitStack
from tempfile import TemporaryDirectory

from load import Measured, exchange, free_port, load, request, rss_mb, server, warm

ROUNDS = 5
SOURCE = "def handler(event, context):\n    print('invoked')\n    return event\n"
EVENT = json.dumps({"text": "x" * 990}).encode()
INVOKE = request("POST", "/2015-03-31/functions/bench/invocations", EVENT, {"Content-Type": "application/json"})
READ = request("GET", "/2015-03-31/functions/bench/configuration")


def main() -> None:
    peer = os.environ.get("PEER_PYTHON")
    if peer is None:
        print("PEER_PYTHON names no interpreter that has ministack: no comparison")
    with ExitStack() as servers:
        ours = Server("kumoi", kumoi(free_port(), servers.enter_context(TemporaryDirectory())), servers)
        theirs = None if peer is None else Server("ministack", [peer, "-m", "ministack"], servers)
        for c in (1, 8):
            rounds = [_round(ours, theirs, c) for _ in range(ROUNDS)]
            mine = middle("kumoi", c, [one[0] for one in rounds])
            if c == 1:
                echo = statistics.median(one[2] for one in rounds)
                print(f"bare socket pair, 1 KB echo        p50 {echo * 1000:8.1f} µs")
                print(f"  p50 at concurrency 1 is {mine.p50 / echo:.1f} × that (limit 20)")
            if theirs is not None:
                other = middle("ministack", c, [one[1] for one in rounds])
                each = sorted(one[0].rate / one[1].rate for one in rounds)
                whole, others = (statistics.harmonic_mean([one[side].rate for one in rounds]) for side in (0, 1))
                print(
                    f"  kumoi serves {mine.rate / other.rate:.1f} × as many at concurrency {c} (wanted: 10; in the "
                    f"rounds {', '.join(f'{ratio:.1f}' for ratio in each)}, in all of them {whole / others:.1f})"
                )
        for server, count in ((ours, 8000), (theirs, 1000)):
            for c in (1, 8) if server is not None else ():
                rounds = [server.load(READ, count, c) for _ in range(ROUNDS)]
                middle(f"{server.name} GetFunctionConfiguration", c, rounds)


class Server:
    """A server that runs until the stack is left, and that has answered before anything is measured."""

    def __init__(self, name: str, command: list[str], servers: ExitStack) -> None:
        self.name = name
        self._port = int(command[command.index("--port") + 1]) if "--port" in command else free_port()
        self._pid, ready = servers.enter_context(server(command, self._port, GATEWAY_PORT=str(self._port)))
        print(f"{name}: answers after {ready:.2f} s, idle RSS {rss_mb(self._pid):.0f} MB")
        create(self._port)
        warm(self._port, READ, self._pid)

    def load(self, prepared: bytes, count: int, concurrency: int) -> Measured:
        return load(self._port, prepared, count=count, concurrency=concurrency, pid=self._pid)


def _round(ours: Server, theirs: Server | None, c: int) -> tuple[Measured, Measured | None, float]:
    """Both servers and the socket pair (ms), one right after the other: what disturbs the machine disturbs all."""
    mine = ours.load(INVOKE, 4000, c)
    other = None if theirs is None else theirs.load(INVOKE, 400, c)
    return mine, other, socket_pair() if c == 1 else 0.0


def kumoi(port: int, data: str) -> list[str]:
    return [sys.executable, "-m", "kumoi", "up", "--ephemeral", "--port", str(port), "--data", data]


def create(port: int) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("app.py", SOURCE)
    body = json.dumps(
        {
            "FunctionName": "bench",
            "Runtime": f"python3.{sys.version_info.minor}",
            "Role": "arn:aws:iam::000000000000:role/bench",
            "Handler": "app.handler",
            "Code": {"ZipFile": base64.b64encode(archive.getvalue()).decode()},
        }
    ).encode()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        prepared = request("POST", "/2015-03-31/functions", body, {"Content-Type": "application/json"})
        status, answer = exchange(connection, prepared)
        assert status == 201, answer


def show(name: str, port: int, prepared: bytes, count: int, concurrency: int, pid: int) -> Measured:
    """Measure a load, and print it."""
    return printed(name, concurrency, load(port, prepared, count=count, concurrency=concurrency, pid=pid))


def middle(name: str, concurrency: int, rounds: list[Measured]) -> Measured:
    """The middle of some rounds, printed."""
    found = Measured(*(statistics.median(values) for values in zip(*rounds, strict=True)))
    return printed(name, concurrency, found)


def printed(name: str, concurrency: int, measured: Measured) -> Measured:
    print(
        f"{name:34} c={concurrency}  {measured.rate:8.0f}/s  p50 {measured.p50:7.3f} ms  p99 {measured.p99:7.3f} ms  "
        f"CPU {measured.cpu_us:6.0f} µs"
    )
    return measured


def socket_pair(count: int = 20_000) -> float:
    """The median round trip of 1 KB between two processes, in milliseconds."""
    ours, theirs = socket.socketpair()
    child = multiprocessing.get_context("fork").Process(target=_echo, args=(theirs,), daemon=True)
    child.start()
    latencies = []
    for _ in range(count):
        began = time.perf_counter()
        ours.sendall(EVENT)
        received = 0
        while received < len(EVENT):
            received += len(ours.recv(65536))
        latencies.append(time.perf_counter() - began)
    ours.close()
    return statistics.median(latencies) * 1000


def _echo(connection: socket.socket) -> None:
    while piece := connection.recv(65536):
        connection.sendall(piece)


if __name__ == "__main__":
    main()
