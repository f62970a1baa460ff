"""What Describe operations answer: those of the wanted ids, that the filters match, page by page; pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kumoi.networks.records import Item
from kumoi.services.ec2.errors import combination, invalid
from kumoi.services.ec2.filters import Description, matching
from kumoi.services.ec2.kinds import KINDS, check_id, not_found

Filters = list[dict[str, Any]]


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as descriptions have them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def described(item: Item) -> dict[str, Any]:
    """An item's description."""
    return {**item.members, "Tags": tag_list(item.tags)}


def wanted(kind: str, descriptions: Iterable[Description], ids: Sequence[str] | None) -> list[Description]:
    """The descriptions of those ids, of all without any; raises for an id that there is not."""
    known = list(descriptions)
    if not ids:
        return known
    member = KINDS[kind].member
    found = {one[member]: one for one in known}
    for one in ids:
        check_id(kind, one)
        if one not in found:
            raise not_found(kind, one)
    return [one for one in known if one[member] in set(ids)]


def answer(
    kind: str,
    member: str,
    descriptions: Iterable[Description],
    ids: Sequence[str] | None = None,
    filters: Filters | None = None,
    most: int | None = None,
    token: str | None = None,
) -> dict[str, Any]:
    """The answer of a Describe operation, with `member` as the list's name."""
    if ids and most is not None:
        raise combination("The parameter MaxResults cannot be used with a list of ids in the same request")
    return page(member, matching(kind, wanted(kind, descriptions, ids), filters), most, token)


def page(member: str, found: Sequence[Any], most: int | None, token: str | None) -> dict[str, Any]:
    """One page of a list, and the token of the next where there is more."""
    start = 0 if token is None else _read(token)
    end = len(found) if most is None else start + most
    more = {"NextToken": base64.urlsafe_b64encode(b"%d" % end).decode()} if end < len(found) else {}
    return {member: list(found[start:end]), **more}


def _read(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token.encode()).decode())
    except (binascii.Error, ValueError):
        raise invalid(f"Value ({token}) for parameter nextToken is invalid.") from None
