"""The address of a function URL on this platform."""

from __future__ import annotations

import socket
from functools import lru_cache
from urllib.parse import urlsplit


def function_url(endpoint: str, region: str, url_id: str) -> str:
    """The URL that clients on this machine can use.

    `http://<id>.lambda-url.<region>.localhost:<port>/` where the system resolves names below `localhost` (browsers and
    curl always do), else the path form, which every client can reach.
    """
    if resolves_localhost():
        parts = urlsplit(endpoint)
        return f"{parts.scheme}://{url_id}.lambda-url.{region}.localhost:{parts.port}/"
    return f"{endpoint}/_kumoi/lambda-url/{url_id}/"


@lru_cache(maxsize=1)
def resolves_localhost() -> bool:
    """Whether the system's resolver knows names below `localhost` (RFC 6761); most do, a bare C library does not."""
    try:
        found = socket.getaddrinfo("kumoi.localhost", None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(address[4][0] in ("127.0.0.1", "::1") for address in found)
