"""An event as the API shows it: which member holds the details of which type."""

from __future__ import annotations

import re
from typing import Any

from kumoi.services.stepfunctions.records import Event

_WITHOUT = re.compile(
    r"LambdaFunctionStarted|Parallel(State)?(Started|Succeeded|Failed|Aborted)|MapState(Succeeded|Failed|Aborted)"
    r"|MapRun(Succeeded|Aborted)|(Task|Wait|Choice|Pass)StateAborted"
)
_DATA = frozenset({"input", "output", "parameters", "inputDetails", "outputDetails", "assignedVariables", "cause"})


def details_member(kind: str) -> str | None:
    """The member that holds the details of a type of event; None for one that has none."""
    if _WITHOUT.fullmatch(kind):
        return None
    if kind.endswith("StateEntered"):
        return "stateEnteredEventDetails"
    if kind.endswith("StateExited"):
        return "stateExitedEventDetails"
    return f"{kind[0].lower()}{kind[1:]}EventDetails"


def shown(event: Event, *, data: bool = True) -> dict[str, Any]:
    """An event as GetExecutionHistory answers it; without `data`, inputs and outputs are left out."""
    answer: dict[str, Any] = {
        "timestamp": event.time,
        "type": event.type,
        "id": event.id,
        "previousEventId": event.previous,
    }
    member = details_member(event.type)
    if member is not None:
        details = event.details or {}
        answer[member] = details if data else {name: one for name, one in details.items() if name not in _DATA}
    return answer
