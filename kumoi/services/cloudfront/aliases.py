"""Alternate domain names: each belongs to one distribution of the platform, and requests for it go to the edge."""

from __future__ import annotations

from collections.abc import Iterable

from kumoi.doorway import Parts
from kumoi.doorway.host_names import HostNames
from kumoi.services.cloudfront.naming import REGION
from kumoi.services.cloudfront.records import Place, places
from kumoi.state import Transaction
from kumoi.wire.errors import aws_error

PLANE = "cloudfront-edge"


async def take(tx: Transaction, account: str, distribution: str, names: Iterable[str]) -> None:
    """Give a distribution its aliases; raises CNAMEAlreadyExists where another one has one of them."""
    for name in names:
        held = await places.get(tx, name.lower())
        if held is not None and held.distribution != distribution:
            raise aws_error(
                "CNAMEAlreadyExists",
                "One or more of the CNAMEs you provided are already associated with a different resource.",
                status=409,
            )
        await places.put(tx, Place(name.lower(), account, distribution))


def claim(parts: Parts, names: Iterable[str]) -> None:
    """Have requests for these hosts come to the edge."""
    for name in names:
        host = name.lower()
        parts[HostNames].claim(host, PLANE, REGION, {"alias": host})  # type: ignore[type-abstract]


def release(parts: Parts, names: Iterable[str]) -> None:
    """Give hosts back."""
    for name in names:
        parts[HostNames].release(name.lower())  # type: ignore[type-abstract]
