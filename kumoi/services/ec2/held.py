"""What EC2 holds that is billed by time: NAT gateways, interface endpoints in each of their zones, public addresses."""

from __future__ import annotations

from kumoi.doorway import Held
from kumoi.networks.records import ENDPOINT, NAT, items
from kumoi.services.ec2.kinds import ADDRESS
from kumoi.state import Transaction, transactional


@transactional
async def held(tx: Transaction) -> list[Held]:
    """What is there now."""
    found = [Held(f"ec2:{one.id}", "nat", 1) for one in await items.list(tx, NAT) if one["State"] == "available"]
    for one in await items.list(tx, ENDPOINT):
        if one["SubnetIds"]:
            found.append(Held(f"ec2:{one.id}", "endpoint", len(one["SubnetIds"])))
    return found + [Held(f"ec2:{one['PublicIp']}", "address", 1) for one in await items.list(tx, ADDRESS)]
