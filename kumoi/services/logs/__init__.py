"""Amazon CloudWatch Logs: groups, streams and events.

Groups and streams are records in state; events lie in the lake (`events.py`), in the order of their timestamps and,
within one, of their arrival. `filter_pattern.py` is the pattern language others use too. Functions write through
`WriteFunctionLogs`, an operation of the platform's own that makes the group and the stream when they are missing.

Rules: the CloudWatch Logs API reference and user guide ("Filter pattern syntax", "CloudWatch Logs quotas").
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Doorway, Parts, Service
from kumoi.state import State

logs = Service(
    "logs",
    __name__,
    modules=(
        "operations.events",
        "operations.groups",
        "operations.queries",
        "operations.query_definitions",
        "operations.streams",
        "operations.tags",
    ),
    resource=("logGroupName", "logGroupIdentifier", "resourceArn"),
    authorization="authorization",
)


@logs.resource_name
def group_node(value: str) -> str:
    """The group's name, out of an ARN too."""
    from kumoi.services.logs.rules import group_name

    return group_name(value)


@logs.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Define the table of events, keep retention and queries going, and functions' streams noted."""
    from kumoi.services.logs.function_streams import FunctionStreams
    from kumoi.services.logs.query_runner import QueryRunner
    from kumoi.services.logs.retention import start
    from kumoi.state.timers import TimerRunner

    start(parts)
    doorway = parts[Doorway]
    function_streams = parts.add(FunctionStreams, FunctionStreams(doorway.state, doorway.clock))
    runner = QueryRunner(doorway.state, doorway.lake, doorway.clock, parts[TimerRunner])
    parts.add(QueryRunner, runner)
    try:
        yield
    finally:
        await runner.stop()
        await function_streams.close()


@logs.on_reset
async def reset(parts: Parts, _state: State, account: str | None) -> None:
    """Forget the streams of what is being forgotten."""
    from kumoi.services.logs.function_streams import FunctionStreams
    from kumoi.services.logs.query_runner import QueryRunner

    await parts[QueryRunner].stop(account)
    parts[FunctionStreams].forget(account)
