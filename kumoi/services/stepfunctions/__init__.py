"""AWS Step Functions: state machines in the Amazon States Language, Standard and Express.

`language/` is the language as pure rules. `interpreter.py` (with `forks.py` and `task_events.py`) takes an execution's
frames from state to state; a `driver.py` for each execution commits what happened and then acts: `effects.py` makes the
calls of tasks by `integrations/`. Standard executions go on after a crash from their frames; Express ones are in
memory only.

Rules: the Step Functions developer guide and API reference, the Amazon States Language specification, and recorded
histories of the service.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

stepfunctions = Service(
    "stepfunctions",
    __name__,
    modules=(
        "operations.activities",
        "operations.aliases",
        "operations.executions",
        "operations.histories",
        "operations.machines",
        "operations.map_runs",
        "operations.redrives",
        "operations.tags",
        "operations.tasks",
        "operations.trials",
        "operations.validation",
        "operations.versions",
    ),
    resource=("stateMachineArn", "executionArn", "activityArn", "name", "resourceArn"),
    page="step-functions",
    authorization="authorization",
    tagged="tagged",
)


@stepfunctions.resource_name
def node(value: str) -> str:
    """The machine's (or activity's) name, out of an ARN of whatever kind."""
    parts = value.split(":")
    return parts[6] if len(parts) > 6 else parts[-1]


@stepfunctions.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep executions going while the platform runs."""
    from kumoi.services.stepfunctions.lifespan import running

    async with running(parts):
        yield


@stepfunctions.on_reset
async def reset(parts: Parts, _state: State, account: str | None) -> None:
    """End the executions of what is being forgotten."""
    from kumoi.services.stepfunctions.engine import Engine

    await parts[Engine].forget(account)
