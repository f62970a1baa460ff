"""AWS CloudFormation: stacks of resources, made, changed and deleted as their templates say.

`template/` reads templates, pure. `planning.py` tells what a template would change, as a value. `engine.py` carries it
out with the resource types that services declare (`resources.py` in their folders), several at once, and rolls back
what failed. `operations/` holds the API. Stacks and each step of theirs are stored; what a crash interrupted is rolled
back at the next start. Rules: the CloudFormation API reference and user guide.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

cloudformation = Service(
    "cloudformation",
    __name__,
    modules=tuple(
        f"operations.{name}"
        for name in (
            *("change_sets", "drift", "events", "exports", "rollback", "settings", "signals", "stack_resources"),
            *("stacks", "templates"),
        )
    ),
    resource=("StackName", "ChangeSetName"),
    data_planes=("cloudformation-response",),
    authorization="authorization",
    tagged="tagged",
)


@cloudformation.resource_name
def stack_node(value: str) -> str:
    """The stack's name, also of its ARN."""
    return value.split("/")[1] if value.startswith("arn:") and value.count("/") > 1 else value


@cloudformation.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep the engine while the platform runs."""
    from kumoi.services.cloudformation.lifespan import running

    async with running(parts):
        yield


@cloudformation.on_reset
async def reset(parts: Parts, _state: State, account: str | None) -> None:
    """Stop what is being deployed for whom is forgotten."""
    from kumoi.services.cloudformation.engine import Engine

    await parts[Engine].forget(account)
