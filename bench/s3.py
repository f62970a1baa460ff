"""S3 through HTTP: server CPU per PUT and GET of 1 KB beside a peer, throughput of large objects, cost of a LIST page.

    PEER_PYTHON=/venv/with/ministack/bin/python MOTO=/venv/with/moto/bin/moto_server LARGE_MB=1024 scripts/bench s3

Prepared requests on kept-alive connections. Objects that go up are compared with writing a file and hashing it with
MD5, which is the least any server must do; those that come down with nginx serving the same file, where it is
installed. Pages are listed in a bucket of 10,000 keys and in one of 1,000,000, which are written into its state
directly.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import socket
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from load import cpu_seconds, exchange, free_port, load, request, rss_mb, server, warm

from kumoi.clock import Clock
from kumoi.services.s3.records import Checksum, ObjectVersion, buckets, current
from kumoi.state import Transaction
from kumoi.state.sqlite import SqliteState

COUNT = 3000
KB = b"x" * 1024
LARGE = int(os.environ.get("LARGE_MB", "256")) * 1024**2
GROUPS = 1000


def call(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    return request(method, path, body, named).replace(b"/lambda/", b"/s3/")


NGINX = """
daemon off; master_process off; user root; pid {root}/nginx.pid; error_log {root}/nginx.log;
events {{ worker_connections 64; }}
http {{ access_log off; sendfile on; tcp_nopush on; server {{ listen 127.0.0.1:{port}; root {root}; }} }}
"""

PUT, GET = call("PUT", "/bench/k", KB), call("GET", "/bench/k")


def main() -> None:
    port = free_port()
    with TemporaryDirectory() as data:
        command = [sys.executable, "-m", "kumoi", "up", "--port", str(port), "--data", data]
        with server(command, port) as (pid, ready):
            print(f"kumoi: answers after {ready:.2f} s, idle RSS {rss_mb(pid):.0f} MB")
            small("kumoi", port, pid)
            alone("kumoi", port, pid)
            large(port, pid, Path(data))
            with socket.create_connection(("127.0.0.1", port)) as connection:
                for name in ("few", "many"):
                    ask(connection, call("PUT", f"/{name}"))
        for name, groups in (("few", 10), ("many", GROUPS)):
            asyncio.run(fill(Path(data), name, groups))
        with server(command, port) as (pid, _):
            before = rss_mb(pid)
            pages(port, pid)
            print(f"RSS {before:.0f} MB before, {rss_mb(pid):.0f} MB after listing among {GROUPS * 1000} keys")
    if peer := os.environ.get("PEER_PYTHON"):
        with server([peer, "-m", "ministack"], port, GATEWAY_PORT=str(port)) as (pid, _):
            small("ministack", port, pid)
    if moto := os.environ.get("MOTO"):
        with (
            server([moto, "-p", str(port)], port) as (pid, _),
            socket.create_connection(("127.0.0.1", port)) as connection,
        ):
            ask(connection, call("PUT", "/bench"))
            alone("moto", port, pid)


def ask(connection: socket.socket, prepared: bytes) -> bytes:
    status, answer = exchange(connection, prepared)
    assert status in (200, 204), answer
    return answer


def small(name: str, port: int, pid: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        ask(connection, call("PUT", "/bench"))
        ask(connection, PUT)
    warm(port, GET, pid)
    for title, prepared in (("PUT 1 KB", PUT), ("GET 1 KB", GET)):
        measured = load(port, prepared, count=COUNT, concurrency=8, pid=pid, warm_up=200)
        print(f"{name:10} {title:9} {measured.cpu_us:6.0f} µs CPU  {measured.rate:6.0f}/s  p99 {measured.p99:5.2f} ms")


def alone(name: str, port: int, pid: int) -> None:
    """Each request on a connection of its own: moto closes every one."""
    for title, prepared in (("PUT 1 KB", PUT), ("GET 1 KB", GET)):
        began = cpu_seconds(pid)
        for _ in range(COUNT // 6):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                ask(connection, prepared)
        print(f"{name:10} {title:9} {(cpu_seconds(pid) - began) / (COUNT // 6) * 1e6:6.0f} µs CPU, a connection each")


def large(port: int, pid: int, data: Path) -> None:
    """Objects of 1 MB and a large one up and down, beside a file with its MD5, and nginx."""
    print(f"file and MD5, 1 MB        {plain(data, 1, 100):6.0f} MB/s")
    print(f"file and MD5, {LARGE >> 20} MB     {plain(data, LARGE >> 20, 1):6.0f} MB/s")
    mega = os.urandom(1 << 20)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        ask(connection, call("PUT", "/bench/mega", mega))
    for title, prepared in (("PUT", call("PUT", "/bench/mega", mega)), ("GET", call("GET", "/bench/mega"))):
        measured = load(port, prepared, count=200, concurrency=1, pid=pid)
        print(f"{title} 1 MB     {measured.rate:6.0f} MB/s  {measured.cpu_us / 1000:5.2f} ms CPU/MB")
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = call("PUT", "/bench/large").replace(b"Content-Length: 0", f"Content-Length: {LARGE}".encode())
        began, cpu, most = time.perf_counter(), cpu_seconds(pid), 0.0
        connection.sendall(head)
        for number in range(LARGE >> 20):
            connection.sendall(mega)
            if number % 16 == 0:
                most = max(most, rss_mb(pid))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        told("PUT", began, cpu, pid, most)
    download("GET", port, call("GET", "/bench/large"), pid)
    if nginx := shutil.which("nginx"):
        (data / "mega").write_bytes(mega)
        own, config = free_port(), data / "nginx.conf"
        config.write_text(NGINX.format(root=data, port=own))
        with server([nginx, "-c", str(config), "-p", str(data)], own) as (other, _):
            measured = load(own, request("GET", "/mega"), count=200, concurrency=1, pid=other)
            print(f"nginx 1 MB   {measured.rate:6.0f} MB/s  {measured.cpu_us / 1000:5.2f} ms CPU/MB")
            download("nginx", own, request("GET", "/plain"), other)


def plain(data: Path, mb: int, times: int) -> float:
    """MB a second of writing a file and hashing it."""
    piece = os.urandom(1 << 20)
    began = time.perf_counter()
    for _ in range(times):
        digest = hashlib.md5(usedforsecurity=False)
        with (data / "plain").open("wb") as out:
            for _ in range(mb):
                digest.update(piece)
                out.write(piece)
    return mb * times / (time.perf_counter() - began)


def download(name: str, port: int, prepared: bytes, pid: int) -> None:
    """Read a large answer."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        began, cpu = time.perf_counter(), cpu_seconds(pid)
        connection.sendall(prepared)
        left = LARGE + len(connection.recv(65536, socket.MSG_PEEK).partition(b"\r\n\r\n")[0]) + 4
        room = memoryview(bytearray(1 << 20))
        while left:
            left -= connection.recv_into(room, min(left, len(room)))
        told(name, began, cpu, pid, rss_mb(pid))


def told(name: str, began: float, cpu: float, pid: int, rss: float) -> None:
    mb = LARGE / 1024**2
    seconds, used = time.perf_counter() - began, cpu_seconds(pid) - cpu
    print(f"{name} {mb:.0f} MB   {mb / seconds:6.0f} MB/s  {used / mb * 1000:5.2f} ms CPU/MB  RSS {rss:.0f} MB")


async def fill(data: Path, name: str, groups: int) -> None:
    """Write the rows of `groups` times 1,000 keys."""
    state = await SqliteState.open(data / "state" / "kumoi.db", clock=Clock())

    async def some(tx: Transaction, group: int) -> None:
        bucket = await buckets.get(tx, name)
        assert bucket is not None
        checksum = Checksum("crc64nvme", "AAAAAAAAAAA=")
        for number in range(1000):
            await current.put(
                tx.at(bucket.account, bucket.region),
                ObjectVersion(
                    bucket=bucket.id,
                    key=f"group-{group:04}/object-{number:04}",
                    seq=group * 1000 + number + 1,
                    modified=1_700_000_000,
                    etag="0" * 32,
                    checksum=checksum,
                ),
            )

    for group in range(groups):
        await state.run(some, group)
    await state.close()


def pages(port: int, pid: int) -> None:
    last = f"group-{GROUPS - 1:04}/"
    for title, path in (
        ("page of 1000, 10,000 keys", "/few?list-type=2"),
        ("page of 1000, 1,000,000 keys, first", "/many?list-type=2"),
        ("page of 1000, 1,000,000 keys, last", f"/many?list-type=2&start-after={last}"),
        ("1000 groups of 1000 keys", "/many?list-type=2&delimiter=/"),
        ("10 groups of 1000 keys", "/few?list-type=2&delimiter=/"),
    ):
        measured = load(port, call("GET", path), count=60, concurrency=1, pid=pid, warm_up=5)
        print(f"LIST {title:36} {measured.cpu_us / 1000:6.2f} ms CPU  p50 {measured.p50:6.2f} ms")


if __name__ == "__main__":
    main()
