"""Moving an alias to another distribution, and finding who has it."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.cloudfront import aliases, cloudfront
from kumoi.services.cloudfront.configuration.normal_form import listed
from kumoi.services.cloudfront.configuration.reading import items
from kumoi.services.cloudfront.configuration.rules import check_alias
from kumoi.services.cloudfront.edge.deployments import Deployments
from kumoi.services.cloudfront.lookup import find_distribution
from kumoi.services.cloudfront.naming import new_id
from kumoi.services.cloudfront.pages import page
from kumoi.services.cloudfront.records import Place, distributions, places
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@cloudfront.operation
async def associate_alias(call: Call, TargetDistributionId: str, Alias: str) -> None:
    """Move an alias to a distribution, from whichever of the account has it now."""
    check_alias(Alias)
    await _move(call.state, call.account, TargetDistributionId, Alias)
    aliases.claim(call.doorway.parts, [Alias])
    call.part(Deployments).forget(call.account)


@cloudfront.operation
async def list_conflicting_aliases(
    call: Call, DistributionId: str, Alias: str, Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """The aliases that conflict with one: itself, and wildcards above or names below it."""
    await find_distribution(call.state, DistributionId)
    found = [
        {
            "Alias": place.name,
            "DistributionId": _hidden(place.distribution),
            "AccountId": _hidden(place.account),
        }
        for place in await _all(call.doorway.state.at("", ""))
        if place.distribution != DistributionId and _overlap(place.name, Alias.lower())
    ]
    answer = page(found, lambda one: one["Alias"], lambda one: one, Marker, MaxItems, full=False)
    return {"ConflictingAliasesList": answer}


def _hidden(text: str) -> str:
    """All but the last characters hidden, as CloudFront tells whose an alias is."""
    return "*" * (len(text) - 6) + text[-6:]


def _overlap(one: str, other: str) -> bool:
    if "." not in one:
        return False
    if one == other:
        return True
    below, above = (one, other) if other.startswith("*.") else (other, one)
    return above.startswith("*.") and below.endswith(above[1:])


@transactional
async def _all(tx: Transaction) -> list[Place]:
    return await places.list(tx)


@transactional
async def _move(tx: Transaction, account: str, target: str, alias: str) -> None:
    new = await find_distribution(tx, target)
    held = await places.get(tx, alias.lower())
    if held is not None and held.account != account:
        raise aws_error(
            "IllegalUpdate", "The alias belongs to a distribution of another account, which has to give it up first."
        )
    if held is not None and held.distribution != target:
        old = await find_distribution(tx, held.distribution)
        kept = [one for one in items(old.config["Aliases"]) if one.lower() != alias.lower()]
        await distributions.put(
            tx, msgspec.structs.replace(old, config={**old.config, "Aliases": listed(kept)}, etag=new_id())
        )
    names = items(new.config["Aliases"])
    if alias not in names:
        config = {**new.config, "Aliases": listed([*names, alias])}
        await distributions.put(tx, msgspec.structs.replace(new, config=config, etag=new_id()))
    await places.put(tx, Place(alias.lower(), account, target))
