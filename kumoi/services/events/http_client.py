"""A plain HTTP client for endpoints outside of the platform, on threads: connect, send, read the answer's beginning.

Times are real seconds: sockets do not run on the platform's clock.
"""

from __future__ import annotations

import asyncio
import ssl
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

TIMEOUT = 5.0
THREADS = 32
MAX_ANSWER = 1_048_576


class Unreachable(Exception):
    """The endpoint gave no answer; `timeout` when it did not in time."""

    def __init__(self, reason: str, *, timeout: bool) -> None:
        super().__init__(reason)
        self.timeout = timeout


class HttpRequest(NamedTuple):
    """One request to send; `url` with its query."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


class HttpAnswer(NamedTuple):
    """What came back; the body's first megabyte."""

    status: int
    body: bytes


class HttpClient:
    """Sends requests, up to THREADS at once."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="events-http")
        self._tls: ssl.SSLContext | None = None

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """Send a request; raises Unreachable."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._send, request)

    def close(self) -> None:
        """Take no more requests; those under way end by themselves within TIMEOUT."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _send(self, request: HttpRequest) -> HttpAnswer:
        try:
            parts = urlsplit(request.url)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection = self._connection(parts.scheme, parts.hostname or "", parts.port)
            try:
                connection.request(request.method, target, request.body, request.headers)
                response = connection.getresponse()
                return HttpAnswer(response.status, response.read(MAX_ANSWER))
            finally:
                connection.close()
        except TimeoutError as error:
            raise Unreachable(f"{request.url} did not answer within {TIMEOUT:g} s", timeout=True) from error
        except (OSError, HTTPException, ValueError) as error:
            raise Unreachable(f"{request.url}: {error or type(error).__name__}", timeout=False) from error

    def _connection(self, scheme: str, host: str, port: int | None) -> HTTPConnection:
        if scheme == "http":
            return HTTPConnection(host, port, timeout=TIMEOUT)
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return HTTPSConnection(host, port, timeout=TIMEOUT, context=self._tls)
