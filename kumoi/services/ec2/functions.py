"""Functions in subnets: Lambda is asked, for what they stand in the way of and which interfaces they have."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call, Principal

NetworkOf = dict[str, Any]


async def functions_in(call: Call, place: str = "") -> list[NetworkOf]:
    """The VpcConfig of each function that has one; with `place`, of those in that subnet or security group."""
    looking = Principal.looking(call.account, "lambda", call.node)
    found: list[NetworkOf] = []
    more: dict[str, str] = {}
    while True:
        listed = await call.to_as(looking, "lambda", "ListFunctions", **more)
        for one in listed["Functions"]:
            network = one.get("VpcConfig") or {}
            places = (*network.get("SubnetIds", ()), *network.get("SecurityGroupIds", ()))
            if network.get("SubnetIds") and (not place or place in places):
                found.append(network)
        if not listed.get("NextMarker"):
            return found
        more = {"Marker": listed["NextMarker"]}
