"""Groups in the key space, found by their names or ARNs."""

from __future__ import annotations

from kumoi.services.resource_groups.records import Group, groups
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

_ARN = ":group/"


def bad(text: str) -> AwsError:
    """BadRequestException."""
    return aws_error("BadRequestException", text)


def named(GroupName: str | None, Group: str | None) -> str:
    """The name of the group that a request means, by either of its members."""
    stated = Group or GroupName
    if not stated:
        raise bad("Either Group or GroupName must be specified")
    return stated.partition(_ARN)[2] if _ARN in stated else stated


@transactional
async def find(tx: Transaction, name: str) -> Group:
    """A group; NotFoundException."""
    found = await groups.get(tx, name)
    if found is None:
        raise aws_error("NotFoundException", f"Cannot find group: {name}")
    return found
