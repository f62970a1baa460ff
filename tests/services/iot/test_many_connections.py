"""Five thousand MQTT connections at once: each subscribes, some to topics of their own beside what all have."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

from kumoi.services.iot.mqtt import packets

COUNT = 5000
BESIDE = 500
"""Files that a platform, or a test, has open beside the connections."""


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many open files as the test and its platform need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < COUNT + BESIDE:
        pytest.skip(f"this takes {COUNT + BESIDE} open files; here are {hard} at most (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, COUNT + BESIDE), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def text(value: str) -> bytes:
    return len(value).to_bytes(2, "big") + value.encode()


def taken(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        piece = connection.recv(size - len(found))
        assert piece, "the connection was closed"
        found += piece
    return found


@pytest.mark.slow
def test_five_thousand_devices_are_connected_at_once(many_files: None, killable: Any) -> None:
    killable.start()
    where = urlsplit(killable.url)
    with ExitStack() as stack:
        devices = []
        for number in range(COUNT):
            device = stack.enter_context(socket.create_connection((where.hostname, where.port), timeout=300))
            hello = packets.packet(packets.CONNECT, text("MQTT") + bytes([4, 2, 4, 176]) + text(f"d{number}"))
            filters = ("all",) if number % 50 else ("all", f"d/{number}/#")
            listed = b"".join(text(one) + b"\0" for one in filters)
            device.sendall(hello + packets.packet(packets.SUBSCRIBE, b"\0\1" + listed, 2))
            devices.append(device)
        for number, device in enumerate(devices):
            granted = [0] if number % 50 else [0, 0]
            greeting = packets.connected(False, 0, 4, {}) + packets.results(packets.SUBACK, 1, granted, 4)
            assert taken(device, len(greeting)) == greeting
        everybody = packets.publishes("all", [b"hello"], 4, {})
        devices[0].sendall(everybody)
        for device in devices:
            assert taken(device, len(everybody)) == everybody
        alone = [packets.publishes(f"d/{number}/x", [b"you"], 4, {}) for number in range(0, COUNT, 50)]
        devices[0].sendall(b"".join(alone) + everybody)
        for number, device in enumerate(devices):
            expected = (b"" if number % 50 else alone[number // 50]) + everybody
            assert taken(device, len(expected)) == expected
