"""What the benchmarks share: a raw keep-alive client, servers as child processes, and their CPU time.

An SDK client costs more than the servers measured here, so requests are prepared bytes on plain sockets. CPU time of
a process tree comes from /proc, in seconds; it is steadier than wall time on a shared machine.
"""

from __future__ import annotations

import os
import selectors
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

TICK = os.sysconf("SC_CLK_TCK")
RESTING = 0.05
"""Seconds of CPU within one second below which a server is at rest."""


class Measured(NamedTuple):
    """One load: requests a second, latencies in milliseconds, and the server's CPU microseconds per request."""

    rate: float
    p50: float
    p99: float
    cpu_us: float


SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, "
    f"SignedHeaders=host, Signature={'0' * 64}",
    "X-Amz-Date": "20260101T000000Z",
}
"""A signature good enough for whoever does not verify."""


def request(
    method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, *, signed: bool = True
) -> bytes:
    """The bytes of a request."""
    fields = {
        "Host": "127.0.0.1",
        "Content-Length": str(len(body)),
        **(SIGNED if signed else {}),
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def exchange(connection: socket.socket, prepared: bytes) -> tuple[int, bytes]:
    """Send one request and read its answer (with a Content-Length, or chunked); the status and the body."""
    connection.sendall(prepared)
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    status = int(head[9:12])
    lower = head.lower()
    if b"content-length:" in lower:
        length = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(body) < length:
            body += _more(connection)
    elif b"chunked" in lower:
        while not body.endswith(b"0\r\n\r\n"):
            body += _more(connection)
    return status, body


def _more(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    if not piece:
        raise ConnectionError("the server closed the connection")
    return piece


class _Client:
    """One kept-alive connection with one request under way."""

    def __init__(self, port: int, prepared: Sequence[bytes], share: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.left = share
        self.latencies: list[float] = []
        self._prepared = prepared
        self._received = b""

    def ask(self) -> None:
        self._received = b""
        self._began = time.perf_counter()
        self.socket.sendall(self._prepared[self.left % len(self._prepared)])

    def answered(self) -> bool:
        """Take what has arrived; whether the answer is complete. RuntimeError for one that is not 2xx."""
        self._received += _more(self.socket)
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return False
        lower = head.lower()
        if b"content-length:" in lower:
            if len(body) < int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0]):
                return False
        elif b"chunked" in lower and not body.endswith(b"0\r\n\r\n"):
            return False
        self.latencies.append(time.perf_counter() - self._began)
        self.left -= 1
        if head[9:10] != b"2":
            raise RuntimeError(f"{head[9:12]!r}: {body[:300]!r}")
        return True


def load(
    port: int, prepared: bytes | Sequence[bytes], *, count: int, concurrency: int, pid: int, warm_up: int = 20
) -> Measured:
    """Send `count` requests over `concurrency` kept-alive connections; raises on any answer that is not 2xx.

    Of several prepared requests each connection sends one after the other, from the last to the first.
    One thread serves all connections: the client shares the machine with what it measures.
    """
    _run(port, prepared, max(warm_up, concurrency), concurrency)
    before = cpu_seconds(pid)
    began = time.perf_counter()
    latencies = _run(port, prepared, count, concurrency)
    seconds = time.perf_counter() - began
    cpu = cpu_seconds(pid) - before
    ordered = sorted(latencies)
    return Measured(
        len(ordered) / seconds,
        statistics.median(ordered) * 1000,
        ordered[int(len(ordered) * 0.99)] * 1000,
        cpu / len(ordered) * 1e6,
    )


def warm(port: int, prepared: bytes, pid: int, count: int = 20_000) -> None:
    """Ask until a server has loaded what it loads but once, and is at rest: no measured operation pays for it then.

    Kumoi loads its price list at the first calls, and DuckDB (0.3 s of CPU) when the first 16,384 hops are sealed,
    which waits for a quiet second. Some servers close a connection after a thousand requests.
    """
    for _ in range(count // 4000):
        _run(port, prepared, 4000, 8)
    rested, before = 0, cpu_seconds(pid)
    while rested < 3:
        time.sleep(1)
        now = cpu_seconds(pid)
        rested, before = (rested + 1 if now - before < RESTING else 0), now


def _run(port: int, prepared: bytes | Sequence[bytes], count: int, concurrency: int) -> list[float]:
    requests = [prepared] if isinstance(prepared, bytes) else prepared
    clients = [_Client(port, requests, count // concurrency) for _ in range(concurrency)]
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
            client.ask()
        busy = len(clients)
        while busy:
            for key, _ in selector.select(60):
                if key.data.answered():
                    if key.data.left:
                        key.data.ask()
                    else:
                        busy -= 1
    for client in clients:
        client.socket.close()
    return [latency for client in clients for latency in client.latencies]


def cpu_seconds(pid: int, *, children: bool = False) -> float:
    """User and system time of a process (and of its live descendants), in seconds."""
    total = 0.0
    for process in [pid, *(descendants(pid) if children else [])]:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        total += (int(fields[11]) + int(fields[12])) / TICK
    return total


def rss_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"no VmRSS for {pid}")


def descendants(pid: int) -> list[int]:
    """The processes that a process began, and those that they did."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


@contextmanager
def server(command: list[str], port: int, **environment: str) -> Iterator[tuple[int, float]]:
    """Run a server until the block ends; its pid, and the seconds until it answered on `port`."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                    exchange(connection, request("GET", "/_kumoi/health"))
                    break
            except (ConnectionError, TimeoutError):
                if process.poll() is not None or time.perf_counter() - began > 60:
                    raise RuntimeError(f"{command} did not start") from None
                time.sleep(0.005)
        yield process.pid, time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
