"""ValidateStateMachineDefinition."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.stepfunctions import stepfunctions
from kumoi.services.stepfunctions.language.diagnostics import ERROR, Diagnostic
from kumoi.services.stepfunctions.language.validation import validate


@stepfunctions.operation
async def validate_state_machine_definition(
    call: Call, definition: str, type: str = "STANDARD", severity: str = "ERROR", maxResults: int = 0
) -> dict[str, Any]:
    """What is wrong with a definition; warnings too, where `severity` says so."""
    found = validate(definition, express=type == "EXPRESS")
    shown = [one for one in found if severity == "WARNING" or one.severity == ERROR]
    most = maxResults or 100
    return {
        "result": "FAIL" if any(one.severity == ERROR for one in found) else "OK",
        "diagnostics": [_shown(one) for one in shown[:most]],
        "truncated": len(shown) > most,
    }


def _shown(one: Diagnostic) -> dict[str, str]:
    shown = {"severity": one.severity, "code": one.code, "message": one.message}
    return shown if one.location is None else {**shown, "location": one.location}
