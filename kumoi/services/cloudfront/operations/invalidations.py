"""Invalidations: complete at once, since a POP compares an object's age with them when it is asked for the object."""

from __future__ import annotations

import re
from typing import Any

from kumoi.doorway import Call
from kumoi.services.cloudfront import cloudfront
from kumoi.services.cloudfront.configuration.normal_form import listed
from kumoi.services.cloudfront.configuration.reading import items
from kumoi.services.cloudfront.configuration.rules import check_quantities
from kumoi.services.cloudfront.edge.invalidated import Invalidated
from kumoi.services.cloudfront.errors import invalid
from kumoi.services.cloudfront.lookup import find_distribution
from kumoi.services.cloudfront.naming import location, new_id
from kumoi.services.cloudfront.pages import page
from kumoi.services.cloudfront.records import Invalidation, invalidations
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_PATHS = 3000
_PATH = re.compile(r"/[!-~]*")


@cloudfront.operation
async def create_invalidation(call: Call, DistributionId: str, InvalidationBatch: dict[str, Any]) -> dict[str, Any]:
    """Have cached objects of these paths fetched anew; the same request once more answers the first."""
    check_quantities(InvalidationBatch)
    paths = tuple(items(InvalidationBatch["Paths"]))
    if not paths:
        raise invalid("The parameter Paths must have at least one path.")
    if len(paths) > MAX_PATHS:
        raise aws_error("BatchTooLarge", "Invalidation batch specified is too large.", status=413)
    for path in paths:
        if not _PATH.fullmatch(path) or len(path) > 4000:
            raise invalid("Your request contains one or more invalid invalidation paths.")
    made = await _create(call.state, DistributionId, InvalidationBatch["CallerReference"], paths)
    await call.part(Invalidated).load(call.state, DistributionId)
    return {"Invalidation": _told(made), "Location": location(f"distribution/{DistributionId}/invalidation/{made.id}")}


@cloudfront.operation
async def get_invalidation(call: Call, DistributionId: str, Id: str) -> dict[str, Any]:
    """An invalidation."""
    await find_distribution(call.state, DistributionId)
    found = await _get(call.state, DistributionId, Id)
    if found is None:
        raise aws_error("NoSuchInvalidation", "The specified invalidation does not exist.", status=404)
    return {"Invalidation": _told(found)}


@cloudfront.operation
async def list_invalidations(
    call: Call, DistributionId: str, Marker: str | None = None, MaxItems: str | None = None
) -> dict[str, Any]:
    """A distribution's invalidations, the last first."""
    await find_distribution(call.state, DistributionId)
    found = await _list(call.state, DistributionId)

    def told(one: Invalidation) -> dict[str, Any]:
        return {"Id": one.id, "CreateTime": one.created, "Status": "Completed"}

    return {"InvalidationList": page(found, lambda one: one.id, told, Marker, MaxItems)}


def _told(one: Invalidation) -> dict[str, Any]:
    return {
        "Id": one.id,
        "Status": "Completed",
        "CreateTime": one.created,
        "InvalidationBatch": {"Paths": listed(list(one.paths)), "CallerReference": one.reference},
    }


@transactional
async def _create(tx: Transaction, distribution: str, reference: str, paths: tuple[str, ...]) -> Invalidation:
    await find_distribution(tx, distribution)
    known = await invalidations.list(tx, distribution)
    for one in known:
        if one.reference == reference:
            if one.paths == paths:
                return one
            raise invalid(
                "Your request contains a caller reference that was used for a previous invalidation batch"
                " for the same distribution."
            )
    made = Invalidation(
        distribution=distribution,
        id=new_id("I"),
        created=tx.now,
        epoch=1 + max((one.epoch for one in known), default=0),
        reference=reference,
        paths=paths,
    )
    await invalidations.put(tx, made)
    return made


@transactional
async def _get(tx: Transaction, distribution: str, id: str) -> Invalidation | None:
    return await invalidations.get(tx, distribution, id)


@transactional
async def _list(tx: Transaction, distribution: str) -> list[Invalidation]:
    return sorted(await invalidations.list(tx, distribution), key=lambda one: -one.epoch)
