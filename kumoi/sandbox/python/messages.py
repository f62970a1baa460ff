"""Messages between a zygote, its keepers and the runtimes that wait: u32 length, JSON, and file descriptors."""

from __future__ import annotations

import array
import json
import socket
import struct
from typing import Any

MOST_DESCRIPTORS = 3


def send(link: socket.socket, message: dict[str, Any], fds: list[int]) -> None:
    """Send a message with file descriptors; OSError when the other end is gone."""
    text = json.dumps(message).encode()
    content = struct.pack(">I", len(text)) + text
    sent = link.sendmsg([content], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
    if sent < len(content):
        link.sendall(content[sent:])


def receive(link: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """The next message and the file descriptors that came with it; None when the other end has closed."""
    size = array.array("i").itemsize
    head, ancillary, _, _ = link.recvmsg(4, socket.CMSG_SPACE(MOST_DESCRIPTORS * size))
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % size])
    while 0 < len(head) < 4:
        head += link.recv(4 - len(head))
    if not head:
        return None
    left = struct.unpack(">I", head)[0]
    chunks = []
    while left:
        chunk = link.recv(left)
        if not chunk:
            return None
        chunks.append(chunk)
        left -= len(chunk)
    return json.loads(b"".join(chunks)), list(fds)
