"""CIDR blocks of VPCs and subnets: what they may be, and which addresses are free in them; pure.

Source: "VPC CIDR blocks" and "Subnet CIDR blocks" of the Amazon VPC user guide.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable

from kumoi.services.ec2.errors import invalid
from kumoi.wire.errors import aws_error

Block = ipaddress.IPv4Network | ipaddress.IPv6Network
RESERVED = 5
"""Addresses of a subnet that AWS keeps: the first four and the last."""
_SIZES = range(16, 29)


def parse(text: str, member: str = "cidrBlock") -> Block:
    """A block, its host bits cleared as AWS does it; InvalidParameterValue."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise invalid(f"Value ({text}) for parameter {member} is invalid. This is not a valid CIDR block.") from None


def vpc_block(text: str) -> str:
    """The IPv4 block of a VPC; InvalidVpc.Range for one that is larger than /16 or smaller than /28."""
    block = parse(text)
    if block.version != 4 or block.prefixlen not in _SIZES:
        raise aws_error("InvalidVpc.Range", f"The CIDR '{text}' is invalid.")
    return str(block)


def subnet_block(text: str, within: Iterable[str], beside: Iterable[str]) -> str:
    """The IPv4 block of a subnet in a VPC of those blocks, beside subnets of these.

    Raises InvalidSubnet.Range, InvalidSubnet.Conflict.
    """
    block = parse(text)
    if block.version != 4 or block.prefixlen not in _SIZES or not any(inside(block, one) for one in within):
        raise aws_error("InvalidSubnet.Range", f"The CIDR '{text}' is invalid.")
    if any(block.overlaps(ipaddress.IPv4Network(one)) for one in beside):
        raise aws_error("InvalidSubnet.Conflict", f"The CIDR '{text}' conflicts with another subnet")
    return str(block)


def subnet_ipv6_block(text: str, within: Iterable[str], beside: Iterable[str]) -> str:
    """The same for IPv6, where a subnet has between /44 and /64 in steps of four bits."""
    block = parse(text, "ipv6CidrBlock")
    right = block.version == 6 and 44 <= block.prefixlen <= 64 and block.prefixlen % 4 == 0
    if not right or not any(inside(block, one) for one in within):
        raise aws_error("InvalidSubnet.Range", f"The CIDR '{text}' is invalid.")
    if any(overlapping(text, one) for one in beside):
        raise aws_error("InvalidSubnet.Conflict", f"The CIDR '{text}' conflicts with another subnet")
    return str(block)


def inside(block: Block, outer: str) -> bool:
    """Whether a block lies in another."""
    other = ipaddress.ip_network(outer)
    if isinstance(block, ipaddress.IPv4Network):
        return isinstance(other, ipaddress.IPv4Network) and block.subnet_of(other)
    return isinstance(other, ipaddress.IPv6Network) and block.subnet_of(other)


def overlapping(one: str, other: str) -> bool:
    """Whether two blocks have addresses in common."""
    first, second = ipaddress.ip_network(one, strict=False), ipaddress.ip_network(other, strict=False)
    return first.version == second.version and first.overlaps(second)


def free_count(block: str, taken: int) -> int:
    """How many addresses of a subnet nobody has."""
    return max(0, ipaddress.IPv4Network(block).num_addresses - RESERVED - taken)


def free_address(block: str, taken: Collection[str]) -> str:
    """The first address of a subnet that nobody has; InsufficientFreeAddressesInSubnet."""
    network = ipaddress.IPv4Network(block)
    for at in range(4, network.num_addresses - 1):
        if (found := str(network[at])) not in taken:
            return found
    raise aws_error(
        "InsufficientFreeAddressesInSubnet", f"The specified subnet ({block}) does not have enough free addresses"
    )


def check_address(block: str, wanted: str, taken: Collection[str]) -> str:
    """An address of a subnet that a client wants; raises where it is not there to be had."""
    network = ipaddress.IPv4Network(block)
    try:
        address = ipaddress.IPv4Address(wanted)
    except ValueError:
        raise invalid(f"Value ({wanted}) for parameter privateIpAddress is invalid.") from None
    if address not in network or not 4 <= int(address) - int(network[0]) < network.num_addresses - 1:
        raise invalid(f"Address {wanted} does not fall within the subnet's address range")
    if str(address) in taken:
        raise aws_error("InvalidIPAddress.InUse", f"Address {wanted} is in use.")
    return str(address)
