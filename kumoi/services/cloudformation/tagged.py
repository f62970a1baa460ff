"""Stacks, with their tags, and what stacks have made, with the tags that say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kumoi.doorway import Call
from kumoi.doorway.tagged import Tagged
from kumoi.services.cloudformation.records import resources, stacks
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_GONE = "DELETE_COMPLETE"


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """The stacks of a place and their resources; services that keep tags with the prefix `aws:` tell the same."""
    found = []
    for stack in await stacks.list(tx):
        if stack.status == _GONE:
            continue
        found.append(Tagged(stack.id, stack.source.tags))
        for one in await resources.list(tx, stack.id):
            made = None if one.made is None else one.made.attributes.get("Arn")
            if isinstance(made, str) and made.startswith("arn:"):
                names = {"stack-name": stack.name, "stack-id": stack.id, "logical-id": one.name}
                tags = {f"aws:cloudformation:{name}": value for name, value in names.items()}
                found.append(Tagged(made.removesuffix(":*"), tags, beside=True))
    return found


async def retag(_call: Call, arn: str, _added: Mapping[str, str], _removed: Sequence[str]) -> None:
    """Refused: a stack's tags are changed with the stack."""
    raise aws_error("InvalidParameterException", f"The tags of {arn} are changed by UpdateStack.")
