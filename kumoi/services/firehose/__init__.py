"""Amazon Data Firehose: streams of records that are buffered, transformed, and delivered to S3 or an HTTP endpoint.

A put is stored in its stream's open buffer before it is answered (`intake.py`); a buffer that is full, or old enough by
the platform's clock, is delivered (`deliverer.py`): its records pass the processors (`processing.py`), become objects
of their prefixes (`objects.py`, `prefixes.py`) or a request (`http_endpoint.py`), and are forgotten once they are
there. Kinesis streams are read as other event sources are (`stream_source.py`).

Rules: the Amazon Data Firehose API reference and developer guide.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

firehose = Service(
    "firehose",
    __name__,
    modules=(
        "operations.destinations",
        "operations.encryption",
        "operations.puts",
        "operations.streams",
        "operations.tags",
    ),
    resource=("DeliveryStreamName",),
    authorization="authorization",
    tagged="tagged",
)


@firehose.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Deliver buffers, and read the streams that are sources, while the platform runs."""
    from kumoi.services.firehose.lifespan import running

    async with running(parts):
        yield


@firehose.on_reset
async def reset(parts: Parts, _state: State, account: str | None) -> None:
    """Stop reading for what is being forgotten."""
    from kumoi.services.firehose.lifespan import forget

    await forget(parts, account)
