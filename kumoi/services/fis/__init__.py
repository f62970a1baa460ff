"""AWS Fault Injection Service: experiments that break an application on purpose, for a while.

A template says what is broken, where and for how long (`rules.py`); an experiment resolves its targets (`targets.py`)
and takes its actions one after the other on the platform's clock (`execution.py`). An action breaks nothing by itself:
it declares faults at the doorway (`injecting.py`) and takes them back. What Kumoi cannot break is in the catalogue
(`catalogue.py`) all the same, and fails when it is to start.

Rules: the AWS FIS API reference and user guide ("Actions reference", "Targets", "Stop conditions", "Safety levers").
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

fis = Service(
    "fis",
    __name__,
    modules=(
        "operations.accounts",
        "operations.catalogue",
        "operations.experiments",
        "operations.safety",
        "operations.tags",
        "operations.templates",
    ),
    resource=("experimentTemplateId", "experimentId", "id", "resourceArn"),
    authorization="authorization",
)


@fis.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep experiments going while the platform runs; those that were under way break again what they broke."""
    from kumoi.services.fis.execution import Execution

    execution = parts.add(Execution, Execution(parts))
    await execution.resume()
    yield


@fis.on_reset
async def reset(parts: Parts, _state: State, account: str | None) -> None:
    """Forget which experiments are under way; their faults go with the others."""
    from kumoi.services.fis.execution import Execution

    await parts[Execution].forget(account)
