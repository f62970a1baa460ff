"""Requests to HTTP endpoints outside of the platform: subscriptions, API destinations, integrations, token issuers.

urllib3's connection pools, on threads. Redirects are not followed and nothing is tried again: the caller decides. No
more of an answer is read than the caller wants, and no request takes longer. HTTPS trusts what the system trusts, and
the platform's own authority. Addresses where clouds hand out a machine's credentials are not asked. Times are real
seconds: sockets do not run on the platform's clock.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from urllib3 import PoolManager
    from urllib3._collections import HTTPHeaderDict

MAX_ANSWER = 1_048_576
_THREADS = 64
_METADATA = ipaddress.ip_address("fd00:ec2::254")
_UNASKED = ("User-Agent", "Accept-Encoding")


class Unreachable(Exception):
    """The endpoint could not be asked, or broke off; `timeout` when it did not answer in time."""

    def __init__(self, reason: str, *, timeout: bool = False) -> None:
        super().__init__(reason)
        self.timeout = timeout


class HttpAnswer(NamedTuple):
    """What an endpoint answered; `complete` is False where the body goes on behind what was wanted."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    complete: bool = True


class HttpClient:
    """Sends requests, up to 64 at once. `authority` is the file of the platform's own authority; it may come later."""

    def __init__(self, authority: Path) -> None:
        self._authority = authority
        self._trusted = False
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="http-client")

    async def send(
        self,
        method: str,
        url: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        seconds: float,
        most: int = MAX_ANSWER,
    ) -> HttpAnswer:
        """Send a request and read up to `most` bytes of its answer; raises Unreachable.

        Only the header fields given are sent, and Host and Content-Length. Another Host than the URL's may be given.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                return await loop.run_in_executor(
                    self._threads, self._send, method, url, list(headers), body, seconds, most
                )
        except TimeoutError:
            raise Unreachable(f"{url} did not answer within {seconds:g} s", timeout=True) from None

    def close(self) -> None:
        """Give up what waits, and close the connections; requests under way end by themselves within their time."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if "_pools" in self.__dict__:
            self._pools.clear()

    def _send(
        self, method: str, url: str, headers: list[tuple[str, str]], body: bytes, seconds: float, most: int
    ) -> HttpAnswer:
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError, NewConnectionError
        from urllib3.exceptions import TimeoutError as TookTooLong

        if not url.lower().startswith(("http://", "https://")):
            raise Unreachable(f"{url} is no HTTP URL")
        pools = self._trusting()
        try:
            answer = pools.request(
                method,
                url,
                body=body or None,
                headers=_fields(headers),
                timeout=Timeout(seconds),
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
            )
            try:
                content = b""
                while len(content) <= most and (piece := answer.read(most + 1 - len(content), decode_content=False)):
                    content += piece
            except BaseException:
                answer.close()
                raise
        except TookTooLong as error:
            raise Unreachable(f"{url}: {error}", timeout=not isinstance(error, NewConnectionError)) from None
        except (HTTPError, OSError, ValueError) as error:
            raise Unreachable(f"{url}: {error or type(error).__name__}") from None
        complete = len(content) <= most
        if complete:
            answer.release_conn()
        else:
            answer.close()
        return HttpAnswer(answer.status, list(answer.headers.iteritems()), content[:most], complete)

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    @cached_property
    def _pools(self) -> PoolManager:
        from urllib3 import PoolManager

        pools = PoolManager(_THREADS, maxsize=8, ssl_context=self._context)
        pools.pool_classes_by_scheme = _guarded_pools()
        return pools

    def _trusting(self) -> PoolManager:
        """The pools, made once however many threads come first, which trust the platform's authority once it exists."""
        with self._lock:
            if not self._trusted and self._authority.exists():
                self._context.load_verify_locations(self._authority)
                self._trusted = True
            return self._pools


def is_metadata(address: str) -> bool:
    """Whether an address is link-local, or AWS's of a machine's metadata in IPv6."""
    found = ipaddress.ip_address(address.partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_link_local or found == _METADATA


def _guarded_pools() -> dict[str, Any]:
    """Pools whose connections look at whom they reached before anything is sent: a name may lead anywhere."""
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.exceptions import NewConnectionError

    class Guarded(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            made = super()._new_conn()
            if is_metadata(made.getpeername()[0]):
                made.close()
                raise NewConnectionError(self, "link-local addresses are not asked")
            return made

    class GuardedHttps(Guarded, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Guarded

    class HttpsPool(HTTPSConnectionPool):
        ConnectionCls = GuardedHttps

    return {"http": Pool, "https": HttpsPool}


def _fields(given: Iterable[tuple[str, str]]) -> HTTPHeaderDict:
    """The fields in order, repeated ones too; what urllib3 would add by itself is left out."""
    from urllib3._collections import HTTPHeaderDict
    from urllib3.util import SKIP_HEADER

    fields = HTTPHeaderDict()
    for name, value in given:
        fields.add(name, value.encode("latin-1", "replace").decode("latin-1"))
    for name in _UNASKED:
        if name not in fields:
            fields.add(name, SKIP_HEADER)
    return fields
