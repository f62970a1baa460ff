"""Parameters, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import KEY_VALUE, Retagging, Tagged
from kumoi.names import Arn
from kumoi.services.ssm.naming import parameter_arn
from kumoi.services.ssm.records import parameters
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Parameters, in a place."""
    return [Tagged(parameter_arn(tx.account, tx.region, one.name), one.tags) for one in await parameters.list(tx)]


def _named(resource: str) -> dict[str, str]:
    """A parameter by its name: the ARN of one in a hierarchy does not show that it begins with a slash."""
    name = Arn.parse(resource).resource.removeprefix("parameter/")
    return {"ResourceType": "Parameter", "ResourceId": f"/{name}" if "/" in name else name}


retag = Retagging("ssm", "AddTagsToResource", "RemoveTagsFromResource", pair=KEY_VALUE, named=_named)
