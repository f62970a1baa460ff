"""All resources of a place, with their tags: what every service tells of its own, and others beside."""

from __future__ import annotations

from typing import NamedTuple

from kumoi.doorway import Call


class Found(NamedTuple):
    """A resource: the service that it belongs to, and its tags."""

    service: str
    tags: dict[str, str]


async def everything(call: Call) -> dict[str, Found]:
    """The resources of the call's account and region by their ARNs."""
    found: dict[str, Found] = {}
    beside: list[tuple[str, dict[str, str]]] = []
    for service in call.doorway.registry:
        for one in await service.tagged(call.state):
            if one.beside:
                beside.append((one.arn, dict(one.tags)))
            else:
                found[one.arn] = Found(service.name, dict(one.tags))
    for arn, tags in beside:
        if arn in found:
            found[arn] = Found(found[arn].service, {**tags, **found[arn].tags})
    return found
