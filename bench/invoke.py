"""Warm invocations through HTTP, against a peer (ministack) and against a bare socket pair.

    PEER_PYTHON=/path/to/a/venv/with/ministack/bin/python scripts/bench invoke

Same machine, same run, same prepared requests: 1 KB of JSON to a Python handler that prints a line. Also: a trivial
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
from tempfile import TemporaryDirectory

from load import exchange, free_port, load, request, rss_mb, server, warm

SOURCE = "def handler(event, context):\n    print('invoked')\n    return event\n"
EVENT = json.dumps({"text": "x" * 990}).encode()
INVOKE = request("POST", "/2015-03-31/functions/bench/invocations", EVENT, {"Content-Type": "application/json"})
READ = request("GET", "/2015-03-31/functions/bench/configuration")


def main() -> None:
    echo = socket_pair()
    print(f"bare socket pair, 1 KB echo        p50 {echo * 1000:8.1f} µs")
    port = free_port()
    with TemporaryDirectory() as data, server(kumoi(port, data), port) as (pid, ready):
        print(f"kumoi: answers after {ready:.2f} s, idle RSS {rss_mb(pid):.0f} MB")
        create(port)
        warm(port, READ, pid)
        ours = {c: show("kumoi", port, INVOKE, 4000, c, pid) for c in (1, 8)}
        for c in (1, 8):
            show("kumoi GetFunctionConfiguration", port, READ, 8000, c, pid)
        print(f"  p50 at concurrency 1 is {ours[1].p50 / echo:.1f} × the bare socket pair (limit 20)")
    peer = os.environ.get("PEER_PYTHON")
    if peer is None:
        print("PEER_PYTHON names no interpreter that has ministack: no comparison")
        return
    port = free_port()
    with server([peer, "-m", "ministack"], port, GATEWAY_PORT=str(port)) as (pid, ready):
        print(f"ministack: answers after {ready:.2f} s, idle RSS {rss_mb(pid):.0f} MB")
        create(port)
        warm(port, READ, pid)
        for c in (1, 8):
            theirs = show("ministack", port, INVOKE, 400, c, pid)
            print(f"  kumoi serves {ours[c].rate / theirs.rate:.1f} × as many at concurrency {c} (wanted: 10)")
        for c in (1, 8):
            show("ministack GetFunctionConfiguration", port, READ, 1000, c, pid)


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


def show(name, port, prepared, count, concurrency, pid):
    measured = load(port, prepared, count=count, concurrency=concurrency, pid=pid)
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
