"""Network interfaces: what NAT gateways, interface endpoints and functions have in subnets; pure.

Source: "Requester-managed network interfaces" of the Amazon EC2 user guide.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kumoi.networks.records import INTERFACE, Item
from kumoi.services.ec2 import blocks
from kumoi.services.ec2.kinds import association_id
from kumoi.services.ec2.store import new_item


def taken_addresses(items: Iterable[Item]) -> dict[str, set[str]]:
    """The addresses that interfaces among some items have, by subnet."""
    taken: dict[str, set[str]] = {}
    for one in items:
        if one.kind == INTERFACE:
            taken.setdefault(one["SubnetId"], set()).add(one["PrivateIpAddress"])
    return taken


def new_interface(
    subnet: Item,
    interfaces: Iterable[Item],
    *,
    kind: str,
    description: str,
    groups: Sequence[Mapping[str, str]] = (),
    address: str | None = None,
    at: float,
) -> Item:
    """An interface in a subnet, with the address that is wanted or the first free one."""
    taken = taken_addresses(interfaces).get(subnet.id, set())
    block = subnet["CidrBlock"]
    private = blocks.free_address(block, taken) if address is None else blocks.check_address(block, address, taken)
    return new_item(INTERFACE, interface_members(subnet, private, kind, description, groups, at))


def interface_members(
    subnet: Item, private: str, kind: str, description: str, groups: Sequence[Mapping[str, str]], at: float
) -> dict[str, Any]:
    """What is told of an interface that a service of AWS has."""
    number = int(ipaddress.IPv4Address(private))
    name = f"ip-{private.replace('.', '-')}.ec2.internal"
    return {
        "OwnerId": subnet["OwnerId"],
        "SubnetId": subnet.id,
        "VpcId": subnet["VpcId"],
        "AvailabilityZone": subnet["AvailabilityZone"],
        "AvailabilityZoneId": subnet["AvailabilityZoneId"],
        "Description": description,
        "Groups": [dict(one) for one in groups],
        "InterfaceType": kind,
        "MacAddress": "02:00:" + ":".join(f"{number >> shift & 255:02x}" for shift in (24, 16, 8, 0)),
        "PrivateIpAddress": private,
        "PrivateDnsName": name,
        "PrivateIpAddresses": [{"Primary": True, "PrivateIpAddress": private, "PrivateDnsName": name}],
        "RequesterId": "amazon-aws" if kind != "lambda" else "amazon-lambda",
        "RequesterManaged": True,
        "SourceDestCheck": kind != "nat_gateway",
        "Status": "in-use",
        "Attachment": {
            "AttachmentId": association_id("ela-attach"),
            "AttachTime": at,
            "DeleteOnTermination": False,
            "DeviceIndex": 1,
            "InstanceOwnerId": "amazon-aws",
            "Status": "attached",
        },
    }


def of_function(subnet: Item, groups: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The interface that functions with the same subnet and security groups share, as its description.

    It follows from these alone, and is not stored.
    """
    key = ",".join((subnet.id, *sorted(one["GroupId"] for one in groups)))
    digest = hashlib.sha256(key.encode()).hexdigest()
    block = ipaddress.IPv4Network(subnet["CidrBlock"])
    room = block.num_addresses - blocks.RESERVED
    private = str(block[block.num_addresses - 2 - int(digest[:8], 16) % room])
    description = f"AWS Lambda VPC ENI-{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
    told = interface_members(subnet, private, "lambda", description, groups, 0.0)
    told["Attachment"]["AttachmentId"] = f"ela-attach-{digest[17:34]}"
    del told["Attachment"]["AttachTime"]
    return {"NetworkInterfaceId": f"eni-{digest[:17]}", **told}
