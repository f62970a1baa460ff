"""The prefix lists that AWS has ready: the addresses of S3 and DynamoDB in a region; pure.

Their ids and blocks are made up of the region's name: the same every time, and not AWS's own. The blocks are out of a
range for benchmarks, which nobody routes.
"""

from __future__ import annotations

import hashlib
import ipaddress
from typing import Any, NamedTuple

from kumoi.names import partition_of

SERVICES = ("s3", "dynamodb")
_RANGE = ipaddress.IPv4Network("198.18.0.0/15")


class PrefixList(NamedTuple):
    """The addresses of one service."""

    id: str
    name: str
    service: str
    blocks: tuple[str, ...]


def prefix_list(region: str, service: str) -> PrefixList:
    """The list of a service."""
    name = f"com.amazonaws.{region}.{service}"
    digest = hashlib.sha256(name.encode()).hexdigest()
    first = _RANGE[int(digest[:4], 16) % 512 * 256]
    return PrefixList(f"pl-{digest[:8]}", name, service, (f"{first}/24",))


def prefix_lists(region: str) -> list[PrefixList]:
    """All lists of a region."""
    return [prefix_list(region, service) for service in SERVICES]


def is_prefix_list(region: str, list_id: str) -> bool:
    """Whether there is such a list."""
    return any(one.id == list_id for one in prefix_lists(region))


def managed(region: str, one: PrefixList) -> dict[str, Any]:
    """A list as DescribeManagedPrefixLists answers it."""
    return {
        "PrefixListId": one.id,
        "PrefixListName": one.name,
        "PrefixListArn": f"arn:{partition_of(region)}:ec2:{region}:aws:prefix-list/{one.id}",
        "AddressFamily": "IPv4",
        "OwnerId": "AWS",
        "State": "create-complete",
        "Tags": [],
    }
