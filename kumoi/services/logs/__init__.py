"""Amazon CloudWatch Logs: groups, streams and events.

Groups and streams are records in state; events lie in the lake (`events.py`), in the order of their timestamps and,
within one, of their arrival. `filter_pattern.py` is the pattern language others use too. Functions write through
`WriteFunctionLogs`, an operation of the platform's own that makes the group and the stream when they are missing.

Rules: the CloudWatch Logs API reference and user guide ("Filter pattern syntax", "CloudWatch Logs quotas").
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

logs = Service(
    "logs",
    __name__,
    modules=(
        "operations.data_protection",
        "operations.destinations",
        "operations.events",
        "operations.exports",
        "operations.groups",
        "operations.index_policies",
        "operations.live_tail",
        "operations.lookup_tables",
        "operations.metric_filters",
        "operations.queries",
        "operations.query_definitions",
        "operations.streams",
        "operations.subscriptions",
        "operations.tags",
    ),
    resource=("logGroupName", "logGroupIdentifier", "resourceArn"),
    authorization="authorization",
    held="held",
    tagged="tagged",
)


@logs.resource_name
def group_node(value: str) -> str:
    """The group's name, out of an ARN too."""
    from kumoi.services.logs.rules import group_name

    return group_name(value)


@logs.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Define the table of events; keep retention, queries, subscriptions and live tails going."""
    from kumoi.services.logs.lifespan import running

    async with running(parts):
        yield


@logs.on_reset
async def reset(parts: Parts, _state: State, account: str | None) -> None:
    """Drop what runs for an account that is being forgotten."""
    from kumoi.services.logs.lifespan import forget

    await forget(parts, account)
