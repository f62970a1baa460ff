"""What stacks export, and who imports it."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.cloudformation import cloudformation
from kumoi.services.cloudformation.lookup import live_stacks
from kumoi.wire.errors import aws_error


@cloudformation.operation
async def list_exports(call: Call, NextToken: str | None = None) -> dict[str, Any]:
    """What stacks export."""
    return {
        "Exports": [
            {"ExportingStackId": stack.id, "Name": output.export, "Value": output.value}
            for stack in await live_stacks(call.state)
            for output in stack.outputs
            if output.export
        ]
    }


@cloudformation.operation
async def list_imports(call: Call, ExportName: str, NextToken: str | None = None) -> dict[str, Any]:
    """The stacks that import a value."""
    found = [one.name for one in await live_stacks(call.state) if ExportName in one.imports]
    if not found:
        raise aws_error("ValidationError", f"Export '{ExportName}' is not imported by any stack.")
    return {"Imports": found}
