"""AWS Lambda: functions, their versions, and their invocations.

`operations/` holds the API, one file per family. An invocation goes `operations/invoke.py` (or `url/`, for function
URLs) → `executor.py` (limits, pools of environments) → `kumoi.sandbox`, with its log lines (`platform_log.py`) to
CloudWatch Logs. Asynchronous events wait in a durable queue (`event_queue.py`); queues and streams start functions
through `event_sources/`. Code and layers are unpacked once per content (`code.py`).

Rules: the Lambda API reference and developer guide ("Lambda quotas", "Asynchronous invocation", "Building Lambda
functions with Python"), and recorded answers of the service.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

lambda_ = Service(
    "lambda",
    __name__,
    modules=(
        "operations.aliases",
        "operations.code_signing",
        "operations.event_invoke",
        "operations.event_sources",
        "operations.functions",
        "operations.invoke",
        "operations.layers",
        "operations.permissions",
        "operations.provisioned",
        "operations.replicas",
        "operations.settings",
        "operations.tags",
        "operations.urls",
        "operations.versions",
        "download",
        "url.plane",
    ),
    resource=("FunctionName", "Resource"),
    data_planes=("lambda-code", "lambda-url"),
    authorization="authorization",
    held="held",
    tagged="tagged",
)


@lambda_.resource_name
def function_node(value: str) -> str:
    """The function's bare name, whichever way it was named."""
    from kumoi.services.lambda_.identifiers import bare_name

    return bare_name(value)


@lambda_.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep the sandboxes and the event queue running while the platform does."""
    from kumoi.services.lambda_.lifespan import running

    async with running(parts):
        yield


@lambda_.on_reset
async def reset(parts: Parts, state: State, account: str | None) -> None:
    """Stop the sandboxes, and drop the events, of what is being forgotten."""
    from kumoi.services.lambda_.event_queue import EventQueue
    from kumoi.services.lambda_.event_sources.manager import EventSources
    from kumoi.services.lambda_.executor import Executor
    from kumoi.services.lambda_.lookup import forget_places

    await parts[EventSources].forget(account)
    await forget_places(state.at("", ""), account)
    await parts[EventQueue].forget(account)
    await parts[Executor].forget(account)
