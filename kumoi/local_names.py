"""Whether names below `localhost` lead to this machine: it decides which form of an address a client is given."""

from __future__ import annotations

import socket
from functools import lru_cache


@lru_cache(maxsize=1)
def resolves_localhost() -> bool:
    """Whether the system's resolver knows names below `localhost` (RFC 6761); most do, a bare C library does not."""
    try:
        found = socket.getaddrinfo("kumoi.localhost", None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(address[4][0] in ("127.0.0.1", "::1") for address in found)
