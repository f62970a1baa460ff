"""A VPC as a whole, read from its items: which route table, network ACL and endpoints a subnet has; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kumoi.networks.records import ACL, ENDPOINT, GATEWAY, GROUP, NAT, ROUTE_TABLE, RULE, SUBNET, VPC, Item

KINDS = (VPC, SUBNET, ROUTE_TABLE, ACL, GROUP, RULE, GATEWAY, NAT, ENDPOINT)
"""The kinds that decide what is reached."""


class Network:
    """The networks of an account in a region."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._known: dict[str, dict[str, Item]] = {kind: {} for kind in KINDS}
        for one in items:
            if one.kind in self._known:
                self._known[one.kind][one.id] = one

    def get(self, kind: str, item_id: str) -> Item | None:
        """An item by its id."""
        return self._known[kind].get(item_id)

    def of(self, kind: str, vpc_id: str) -> list[Item]:
        """The items of a kind in a VPC."""
        return [one for one in self._known[kind].values() if one.get("VpcId") == vpc_id]

    def table_of(self, subnet: Item) -> Item | None:
        """A subnet's route table: its own, or its VPC's main one."""
        tables = self.of(ROUTE_TABLE, subnet["VpcId"])
        own = next((one for one in tables if _associated(one, subnet.id)), None)
        return own or next((one for one in tables if any(at["Main"] for at in one["Associations"])), None)

    def acl_of(self, subnet: Item) -> Item | None:
        """A subnet's network ACL."""
        return next((one for one in self.of(ACL, subnet["VpcId"]) if _associated(one, subnet.id)), None)

    def rules(self, groups: Sequence[str], *, egress: bool) -> list[Item]:
        """What security groups let out, or in."""
        return [one for one in self._known[RULE].values() if one["GroupId"] in groups and one["IsEgress"] == egress]

    def attached(self, gateway_id: str, vpc_id: str) -> bool:
        """Whether an internet gateway is there and attached to a VPC."""
        gateway = self.get(GATEWAY, gateway_id)
        return gateway is not None and any(at["VpcId"] == vpc_id for at in gateway["Attachments"])

    def block_of(self, subnet_id: str) -> str:
        """A subnet's addresses."""
        subnet = self.get(SUBNET, subnet_id)
        return "" if subnet is None else str(subnet["CidrBlock"])


def _associated(one: Item, subnet_id: str) -> bool:
    associations: list[dict[str, Any]] = one["Associations"]
    return any(at.get("SubnetId") == subnet_id for at in associations)
