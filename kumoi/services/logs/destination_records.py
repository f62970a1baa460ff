"""Destinations, which stand for a stream of another account, and resource policies. Times are epoch ms."""

from __future__ import annotations

import msgspec

from kumoi.names import Arn
from kumoi.state import Transaction, transactional
from kumoi.state.space import Space
from kumoi.wire.errors import aws_error

NO_DESTINATION = "The specified destination does not exist."


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """A name for a stream that filters of other accounts may send to, as `policy` says."""

    name: str
    target: str
    role: str
    policy: str | None = None
    created: int
    tags: dict[str, str] = {}


class ResourcePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy that lets services write to log groups."""

    name: str
    document: str
    updated: int


destinations: Space[Destination] = Space("logs.destination", Destination, lambda one: (one.name,))
resource_policies: Space[ResourcePolicy] = Space("logs.resource_policy", ResourcePolicy, lambda one: (one.name,))


@transactional
async def find_destination(tx: Transaction, arn: Arn) -> Destination:
    """The destination of an ARN; ResourceNotFoundException otherwise."""
    found = await destinations.get(tx, arn.resource.removeprefix("destination:"))
    if found is None:
        raise aws_error("ResourceNotFoundException", NO_DESTINATION)
    return found
