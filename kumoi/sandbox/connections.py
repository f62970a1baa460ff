"""How many connections functions hold to a database, against what it takes.

Each sandbox that opens a connection keeps it while it waits for its next invocation: concurrency, not traffic, uses a
database's sessions up. The kernel's tables tell who holds which (`/proc/net/tcp`, by the user that each sandbox runs
as), so functions need no library for it. Without a user of their own for sandboxes (no root, or weaker isolation) the
connections of all of our user's programs count. Nothing is looked at unless a database was declared.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from kumoi.sandbox.zygotes import FIRST_UID, USERS

Address = tuple[str, int]

_FRESH_SECONDS = 0.2
_ESTABLISHED = "01"
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


class DatabaseConnections:
    """Compares what is held with what was declared: `limits` gives the most connections by `host:port`.

    `own_users`: whether sandboxes run as users of their own.
    """

    def __init__(self, limits: Mapping[str, int], *, own_users: bool) -> None:
        self._limits = dict(limits)
        self._users = range(FIRST_UID, FIRST_UID + USERS) if own_users else range(os.getuid(), os.getuid() + 1)
        self._places: dict[Address, str] = {}
        self._known = ("", float("-inf"), 0)

    async def warning(self, sandboxes: int) -> str:
        """What is to be said where functions hold as many connections as a database takes, or more; mostly nothing.

        What was seen moments ago, of as many sandboxes, is not looked up again.
        """
        if not self._limits:
            return ""
        said, when, then = self._known
        now = time.monotonic()
        if now - when < _FRESH_SECONDS and then == sandboxes:
            return said
        said = await asyncio.to_thread(self._look)
        self._known = (said, now, sandboxes)
        return said

    def _look(self) -> str:
        if not self._places:
            try:
                self._places = {address: name for name in self._limits for address in addresses(name)}
            except OSError as error:
                return f"a declared database is not known: {error}"
        held = Counter(
            self._places[remote] for remote, user in established() if user in self._users and remote in self._places
        )
        return "; ".join(
            f"functions hold {held[name]} connections to {name}, which takes {most}: RDS Proxy or the Data API shares "
            "them, see docs/rds.md"
            for name, most in self._limits.items()
            if held[name] >= most
        )


def addresses(name: str) -> Iterator[Address]:
    """The addresses of `host:port`; OSError where the host is not known."""
    host, _, port = name.rpartition(":")
    for *_, found in socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM):
        yield str(found[0]), int(found[1])


def established(tables: Iterable[Path] = _TABLES) -> Iterator[tuple[Address, int]]:
    """Every open TCP connection of this network: where to, and whose (a user id)."""
    for table in tables:
        try:
            lines = table.read_text().splitlines()[1:]
        except FileNotFoundError:
            continue
        for line in lines:
            _, _, remote, state, _, _, _, user, *_ = line.split()
            if state == _ESTABLISHED:
                yield _address(remote), int(user)


def _address(text: str) -> Address:
    """An address of the kernel's tables: 32-bit words in the machine's order, in hexadecimal."""
    host, _, port = text.partition(":")
    packed = b"".join(bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8))
    found = ipaddress.ip_address(packed)
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found), int(port, 16)
