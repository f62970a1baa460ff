"""Posts to HTTP and HTTPS endpoints: urllib3's connection pools on threads of their own.

An endpoint has 15 seconds to answer. Answers of 5xx and 429, and none at all, are failures that are tried again;
others that are not 2xx are final. Redirects are not followed. HTTPS trusts what the system trusts, and the platform's
own authority.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kumoi.delivery import DeliveryFailed

if TYPE_CHECKING:
    from urllib3 import PoolManager

SECONDS = 15.0
_THREADS = 64


class HttpEndpoints:
    """The connections of one platform. `authority` is its own certificate authority's file, which may not exist."""

    def __init__(self, authority: Path) -> None:
        self._authority = authority
        self._threads = ThreadPoolExecutor(_THREADS, "sns-http")

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Post; returns once the endpoint has taken it, raises DeliveryFailed when it has not."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._post, url, body, headers)

    def close(self) -> None:
        """Give up what waits, and close the connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if "_pools" in self.__dict__:
            self._pools.clear()

    @cached_property
    def _pools(self) -> PoolManager:
        from urllib3 import PoolManager

        context = ssl.create_default_context()
        if self._authority.exists():
            context.load_verify_locations(self._authority)
        return PoolManager(64, maxsize=8, ssl_context=context)

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        try:
            answer = self._pools.request(
                "POST", url, body=body, headers=dict(headers), redirect=False, retries=False, timeout=Timeout(SECONDS)
            )
        except (HTTPError, OSError, ValueError) as error:
            raise DeliveryFailed("CONNECTION_FAILURE", f"{url}: {error}", retry=True) from None
        if not 200 <= answer.status < 300:
            retry = answer.status >= 500 or answer.status == 429
            raise DeliveryFailed("ERROR_FROM_TARGET", f"{url} answered {answer.status}", retry=retry)
