"""The MQTT broker beside mosquitto and amqtt: messages per CPU second of the broker's process.

    AMQTT=/path/to/bin/amqtt scripts/bench mqtt [messages]

One publisher (a raw socket: writes of 200 packets, at most 1,000 unacknowledged with QoS 1) and one subscriber at QoS
0, MQTT 3.1.1, 80 bytes of JSON. mosquitto (`apt-get install mosquitto`) and amqtt (`pip install amqtt` in a venv of
its own) are bare brokers that keep nothing; ours has a data directory, and a topic rule that looks at every message:
one that drops it, or one that puts it into an IoT Analytics channel. CPU time is the broker's, user and system; the
best of three runs. Then: 5,000 connections at once.
"""

from __future__ import annotations

import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from load import cpu_seconds, free_port, rss_mb, server

RUNS = 3
WRITE, WINDOW = 200, 1000
TOPIC = "farm/7/sensor"
PAYLOAD = b'{"sensor_id":"s0001","farm":"farm07","temp":71.3,"hum":48.5,"battery":87,"n":1}'


def variable(number: int) -> bytes:
    found = bytearray()
    while True:
        number, one = number >> 7, number & 127
        found.append(one | (128 if number else 0))
        if not number:
            return bytes(found)


def packet(first: int, body: bytes) -> bytes:
    return bytes([first]) + variable(len(body)) + body


def text(value: str) -> bytes:
    return len(value).to_bytes(2, "big") + value.encode()


def connected(port: int, client: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(packet(0x10, text("MQTT") + bytes([4, 2, 4, 176]) + text(client)))
    answer = connection.recv(4)
    assert answer[:1] == b"\x20", answer
    assert answer[3] == 0, answer
    return connection


def frames(connection: socket.socket) -> Iterator[list[int]]:
    """The first bytes of the packets that come in, as many as come at once."""
    buffer = b""
    while piece := connection.recv(1 << 18):
        buffer += piece
        found, at = [], 0
        while at + 2 <= len(buffer):
            length, shift, place = 0, 0, at + 1
            while place < len(buffer):
                length |= (buffer[place] & 127) << shift
                shift += 7
                place += 1
                if not buffer[place - 1] & 128:
                    break
            if place + length > len(buffer):
                break
            found.append(buffer[at])
            at = place + length
        buffer = buffer[at:]
        yield found


def burst(port: int, count: int, qos: int) -> float:
    """Publish and receive `count` messages; the seconds that it took."""
    subscriber, publisher = connected(port, "subscriber"), connected(port, "publisher")
    subscriber.sendall(packet(0x82, b"\0\1" + text("farm/+/sensor") + b"\0"))
    got = threading.Event()

    def receive() -> None:
        seen = 0
        for found in frames(subscriber):
            seen += sum(1 for first in found if first >> 4 == 3)
            if seen >= count:
                got.set()
                return

    acknowledged, more = [0], threading.Condition()

    def acknowledgements() -> None:
        for found in frames(publisher):
            with more:
                acknowledged[0] += sum(1 for first in found if first >> 4 == 4)
                more.notify()
            if acknowledged[0] >= count:
                return

    threads = [threading.Thread(target=receive, daemon=True)]
    threads += [threading.Thread(target=acknowledgements, daemon=True)] if qos else []
    time.sleep(0.3)
    for thread in threads:
        thread.start()
    head = text(TOPIC)
    began = time.perf_counter()
    for at in range(0, count, WRITE):
        if qos:
            ids = [(n % 65_535 + 1).to_bytes(2, "big") for n in range(at, at + WRITE)]
            with more:
                if not more.wait_for(lambda at=at: at + WRITE - acknowledged[0] <= WINDOW, timeout=120):
                    raise TimeoutError(f"{acknowledged[0]} of {at} acknowledged")
            publisher.sendall(b"".join(packet(0x32, head + one + PAYLOAD) for one in ids))
        else:
            publisher.sendall(packet(0x30, head + PAYLOAD) * WRITE)
    if not got.wait(120):
        raise TimeoutError("not everything was received")
    for thread in threads:
        thread.join(120)
    seconds = time.perf_counter() - began
    for connection in (subscriber, publisher):
        connection.sendall(packet(0xE0, b""))
        connection.close()
    return seconds


def measured(name: str, port: int, pid: int, count: int) -> dict[int, float]:
    """Messages per CPU second by QoS, printed too."""
    found = {}
    for qos in (0, 1):
        best = (0.0, 0.0)
        burst(port, WINDOW, qos)
        for _ in range(RUNS):
            before = cpu_seconds(pid)
            seconds = burst(port, count, qos)
            best = max(best, (count / (cpu_seconds(pid) - before), count / seconds))
        found[qos] = best[0]
        print(f"{name}, QoS {qos}: {best[0]:,.0f} messages per CPU second, {best[1]:,.0f}/s wall", flush=True)
    return found


@contextmanager
def peer(command: list[str], port: int) -> Iterator[int]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def ours(action: bool) -> Iterator[tuple[int, int]]:
    """Our broker with a rule; its port and pid."""
    port = free_port()
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "kumoi", "up", "--port", str(port), "--data", data]
        with server(command, port) as (pid, _ready):
            made = {"endpoint_url": f"http://127.0.0.1:{port}", "region_name": "us-east-1"}
            secret = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
            iot: Any = boto3.client("iot", **made, **secret)
            where = "temp > 0" if action else "temp > 100"
            rule = {"sql": f"SELECT * FROM 'farm/#' WHERE {where}"}
            role = "arn:aws:iam::000000000000:role/bench"
            actions = [{"iotAnalytics": {"channelName": "in", "roleArn": role}}]
            if action:
                from load import exchange, request

                headers = {
                    "Content-Type": "application/json",
                    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iotanalytics/aws4_request, "
                    f"SignedHeaders=host, Signature={'0' * 64}",
                }
                with socket.create_connection(("127.0.0.1", port)) as connection:
                    status, _ = exchange(connection, request("POST", "/channels", b'{"channelName":"in"}', headers))
                    assert status == 201
            iot.create_topic_rule(ruleName="bench", topicRulePayload={**rule, "actions": actions})
            yield port, pid


def many(count: int = 5000) -> None:
    """So many connections at once, and a message that each of them gets."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with ours(action=False) as (port, pid):
        before, began = cpu_seconds(pid), time.perf_counter()
        memory = rss_mb(pid)
        clients = [connected(port, f"c{number}") for number in range(count)]
        for client in clients:
            client.sendall(packet(0x82, b"\0\1" + text("all") + b"\0"))
        for client in clients:
            assert client.recv(5)[:1] == b"\x90"
        seconds, cpu = time.perf_counter() - began, cpu_seconds(pid) - before
        print(
            f"{count} connections: {seconds:.1f} s, {cpu / count * 1e6:.0f} µs CPU each, "
            f"{(rss_mb(pid) - memory) * 1024 / count:.0f} KB each"
        )
        before = cpu_seconds(pid)
        clients[0].sendall(packet(0x30, text("all") + b"hello"))
        for client in clients:
            assert b"hello" in client.recv(64)
        print(f"a message to all of them: {cpu_seconds(pid) - before:.2f} s CPU")
        for client in clients:
            client.close()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    results = {}
    if shutil.which("mosquitto"):
        port = free_port()
        with peer(["mosquitto", "-p", str(port)], port) as pid:
            results["mosquitto"] = measured("mosquitto", port, pid, count)
    if (amqtt := os.environ.get("AMQTT")) is not None:
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            settings = Path(folder) / "amqtt.yaml"
            settings.write_text(f"listeners:\n  default:\n    type: tcp\n    bind: 127.0.0.1:{port}\n")
            with peer([amqtt, "-c", str(settings)], port) as pid:
                results["amqtt"] = measured("amqtt", port, pid, max(count // 10, WINDOW))
    for action in (False, True):
        with ours(action) as (port, pid):
            what = "into a channel" if action else "dropped by the rule"
            found = measured(f"kumoi, {what}", port, pid, count)
        for name, other in results.items():
            print(f"  {', '.join(f'QoS {qos}: {found[qos] / other[qos]:.2f} × {name}' for qos in found)}")
    many()


if __name__ == "__main__":
    main()
