"""Services that Kumoi lacks, answered by moto: with `kumoi up --moto`, where the extra `kumoi[moto]` is installed.

moto runs in a child process, started by the first request (`moto_server.py`); requests are handed on as they came
(`plane.py`). They pass the doorway like any others: authenticated, traced, metered, on the map as `mocked:NAME`. What
moto keeps is in its memory alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

mocked = Service("mocked", __name__, modules=("plane",), data_planes=("mocked",))


@mocked.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Have moto ready to be started, and end it with the platform."""
    from kumoi.doorway import Doorway
    from kumoi.http_client import HttpClient
    from kumoi.services.mocked.moto_server import MotoServer

    server = parts.add(MotoServer, MotoServer(parts[HttpClient], parts[Doorway].directory("moto")))
    try:
        yield
    finally:
        await server.stop()


@mocked.on_reset
async def reset(parts: Parts, _state: State, account: str | None) -> None:
    """Have moto forget: it knows no other way than everything at once, so one account's reset leaves it alone."""
    from kumoi.services.mocked.moto_server import MotoServer

    if account is None:
        await parts[MotoServer].stop()
