"""An event as the API shows it: which member holds the details of which type."""

from __future__ import annotations

import re
from typing import Any

from kumoi.services.stepfunctions.records import Event

_WITHOUT = re.compile(
    r"LambdaFunctionStarted|Parallel(State)?(Started|Succeeded|Failed|Aborted)|MapState(Succeeded|Failed|Aborted)"
    r"|MapRun(Succeeded|Aborted)|(Task|Wait|Choice|Pass)StateAborted"
)
_WHOLE = frozenset({"input", "output", "assignedVariables"})
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


def details_of(event: Event) -> dict[str, Any]:
    """The details of an event, with what is said of each text in them: that it is whole."""
    found: dict[str, Any] = {}
    for name, value in (event.details or {}).items():
        found[name] = value
        if name in _WHOLE:
            found[f"{name}Details"] = {"truncated": False}
    return found


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
        details = details_of(event)
        answer[member] = details if data else {name: one for name, one in details.items() if name not in _DATA}
    return answer
