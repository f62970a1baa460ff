"""Names of this machine: whether those below `localhost` lead here, and which ones nobody outside can own."""

from __future__ import annotations

import socket
from functools import lru_cache
from ipaddress import ip_address

_PRIVATE_DOMAINS = frozenset({"localhost", "local", "internal", "lan", "home", "test"})


@lru_cache(maxsize=1)
def resolves_localhost() -> bool:
    """Whether the system's resolver knows names below `localhost` (RFC 6761); most do, a bare C library does not."""
    try:
        found = socket.getaddrinfo("kumoi.localhost", None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(address[4][0] in ("127.0.0.1", "::1") for address in found)


def private_name(name: str | None) -> bool:
    """Whether nobody outside can own `name`: an address, without dots, below a reserved domain, this host's."""
    if name is None or "." not in name or name.rpartition(".")[2] in _PRIVATE_DOMAINS:
        return True
    try:
        ip_address(name)
    except ValueError:
        return name == socket.gethostname().lower()
    return True
