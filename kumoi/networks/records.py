"""What a network is made of: items, each with its description under AWS's names. Times are epoch seconds.

A kind is what AWS calls a resource type in tag specifications: `vpc`, `route-table`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing of a network. `members` are those of its description, but for its tags.

    `settings` are what descriptions do not tell (a VPC's attributes); `token` is the client token that it was made
    with.
    """

    kind: str
    id: str
    members: dict[str, Any]
    tags: dict[str, str] = {}
    settings: dict[str, Any] = {}
    token: str = ""

    def __getitem__(self, member: str) -> Any:
        return self.members[member]

    def get(self, member: str, default: Any = None) -> Any:
        """A member of the description."""
        return self.members.get(member, default)

    def having(self, **members: Any) -> Item:
        """The same with other members; None takes one away."""
        changed = {name: value for name, value in {**self.members, **members}.items() if value is not None}
        return msgspec.structs.replace(self, members=changed)


VPC, SUBNET, GROUP, RULE = "vpc", "subnet", "security-group", "security-group-rule"
ROUTE_TABLE, GATEWAY, NAT, ACL = "route-table", "internet-gateway", "natgateway", "network-acl"
ENDPOINT, INTERFACE = "vpc-endpoint", "network-interface"
"""Kinds that decide what is reached."""

items: Space[Item] = Space("ec2.item", Item, lambda one: (one.kind, one.id), remembered=True)
