"""AWS Systems Manager Parameter Store: parameters with versions, labels, policies and tags.

A parameter is one record with its latest version in it, so that reading it is one lookup; every version kept is a
record of its own beside it. SecureString values are sealed with the platform's master key. What changes is told to
EventBridge out of the transaction it changes in (`notices.py`); policies act on the platform's clock (`expiry.py`).
The rest of Systems Manager (documents, sessions, patches …) needs machines to manage and is not here.

Rules: the Systems Manager API reference and "AWS Systems Manager Parameter Store" of its user guide.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

ssm = Service(
    "ssm",
    __name__,
    modules=(
        "operations.delete",
        "operations.describe",
        "operations.labels",
        "operations.put",
        "operations.read",
        "operations.tags",
    ),
    resource=("Name", "Path", "ResourceId"),
    authorization="authorization",
    held="held",
    tagged="tagged",
)


@ssm.resource_name
def parameter_node(value: str) -> str:
    """The parameter's name, out of its ARN where it is one, without a selector."""
    if value.startswith("arn:"):
        value = "/" + value.partition(":parameter/")[2]
    return value.partition(":")[0]


@ssm.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Have policies act and events go out while the platform runs."""
    from kumoi.services.ssm.lifespan import running

    async with running(parts):
        yield


@ssm.on_reset
async def reset(parts: Parts, _state: State, account: str | None) -> None:
    """Drop the events of what is being forgotten."""
    from kumoi.services.ssm.notices import Notices

    await parts[Notices].outbox.forget(account)
