"""Amazon EventBridge Pipes: from a queue or a stream, filtered, enriched and given another form, to one target.

The source is read by `kumoi.event_sources`, as Lambda's event source mappings are; `pipe_sink.py` takes the batches:
`templates.py` gives records their form, `enrichment.py` asks for more, `target.py` hands over.

Rules: the EventBridge Pipes API reference and user guide ("Sources", "Targets", "Input transformation", "Batching and
concurrency").
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

pipes = Service(
    "pipes",
    __name__,
    modules=("operations.pipes", "operations.tags"),
    resource=("Name", "resourceArn"),
    authorization="authorization",
)


@pipes.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep pipes running while the platform does."""
    from kumoi.services.pipes.lifespan import running

    async with running(parts):
        yield


@pipes.on_reset
async def reset(parts: Parts, _state: State, account: str | None) -> None:
    """Stop the pipes of what is being forgotten."""
    from kumoi.services.pipes.lifespan import RunningPipes

    await parts[RunningPipes].forget(account)
