"""Requests to HTTP endpoints: HTTP integrations, and the keys of token issuers.

Each runs in a thread, with the standard library's client: redirects are not followed, answers are read whole within a
limit, and certificates are checked against the system's. What names AWS itself (`cognito-idp.….amazonaws.com`) is asked
of this platform.
"""

from __future__ import annotations

import asyncio
import http.client
import ssl
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

MAX_ANSWER = 10 * 1024 * 1024
_NOT_PASSED_ON = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


class HttpAnswer(NamedTuple):
    """An endpoint's answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Unreachable(Exception):
    """The endpoint could not be asked, or broke off."""


async def send(
    method: str,
    url: str,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    seconds: float,
    platform: str = "",
) -> HttpAnswer:
    """Ask an endpoint; raises Unreachable, and TimeoutError after `seconds`.

    `platform` is this platform's endpoint, which answers in AWS's place.
    """
    async with asyncio.timeout(seconds):
        return await asyncio.to_thread(_send, method, url, headers, body, seconds, platform)


def _send(
    method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes, seconds: float, platform: str
) -> HttpAnswer:
    try:
        parts = urlsplit(url)
        host, port, scheme = parts.hostname or "", parts.port, parts.scheme
    except ValueError as error:
        raise Unreachable(f"{url} is no URL: {error}") from None
    if scheme not in ("http", "https") or not host:
        raise Unreachable(f"{url} is no HTTP URL")
    stated = parts.netloc.rpartition("@")[2]
    if platform and host.endswith(".amazonaws.com"):
        own = urlsplit(platform)
        host, port, scheme = own.hostname or "", own.port, own.scheme
    connection = (
        http.client.HTTPSConnection(host, port, timeout=seconds, context=ssl.create_default_context())
        if scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=seconds)
    )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", stated)
        for name, value in headers:
            if name.lower() != "host" and name.lower() not in _NOT_PASSED_ON:
                connection.putheader(name, value.encode("latin-1", "replace"))
        if body or method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        content = response.read(MAX_ANSWER + 1)
        if len(content) > MAX_ANSWER:
            raise Unreachable(f"{url} answered more than {MAX_ANSWER} bytes")
        fields = [field for field in response.getheaders() if field[0].lower() not in _NOT_PASSED_ON]
        return HttpAnswer(response.status, fields, content)
    except TimeoutError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(f"{url}: {error or type(error).__name__}") from None
    finally:
        connection.close()
