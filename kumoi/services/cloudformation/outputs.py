"""What a stack's outputs come to, and that no two stacks export one name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.services.cloudformation.lookup import live_stacks
from kumoi.services.cloudformation.records import Output, Stack
from kumoi.services.cloudformation.template.intrinsics import NO_VALUE, Scope, Unresolved, as_text
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


def outputs_of(template: Mapping[str, Any], scope: Scope) -> tuple[Output, ...]:
    """The outputs whose conditions hold; ValidationError for one that needs what does not exist."""
    found = []
    for key, output in template.get("Outputs", {}).items():
        if "Condition" in output and not scope.condition(output["Condition"]):
            continue
        try:
            value = scope.evaluate(output.get("Value"))
            name = scope.evaluate((output.get("Export") or {}).get("Name", NO_VALUE))
        except Unresolved as missing:
            raise aws_error("ValidationError", f"Output {key} needs {missing.name}, which does not exist") from None
        export = None if name is NO_VALUE else as_text(name)
        found.append(Output(key, as_text(value), output.get("Description"), export))
    return tuple(found)


@transactional
async def check_exports(tx: Transaction, stack: Stack, outputs: tuple[Output, ...]) -> None:
    """Refuse outputs that another stack exports already, and the loss of one that another stack imports."""
    exported = {one.export for one in outputs if one.export}
    lost = {one.export for one in stack.outputs if one.export} - exported
    for other in await live_stacks(tx) if exported or lost else ():
        if other.id == stack.id:
            continue
        for one in other.outputs:
            if one.export in exported:
                raise aws_error(
                    "ValidationError", f"Export with name {one.export} is already exported by stack {other.name}."
                )
        for name in sorted(lost & set(other.imports)):
            raise aws_error("ValidationError", f"Export {name} cannot be deleted as it is in use by {other.name}")
