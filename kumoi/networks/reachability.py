"""What a call of a function in a subnet would meet on AWS: its service, or nothing until it times out; pure.

A function in a subnet has a private address and no other. Its requests leave through the route table of the subnet, if
its security groups and the subnet's network ACL let them: to an interface endpoint with private DNS, which has taken
over the service's name in the VPC; else to a gateway endpoint that the route table leads to; else to the internet, for
which only a NAT gateway has a public address: an internet gateway has none for functions, whatever the subnet.

Sources: "Giving Lambda functions access to resources in an Amazon VPC", "Route tables", "Control subnet traffic with
network access control lists", "Gateway endpoints" and "Access an AWS service using an interface VPC endpoint".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kumoi.networks.endpoint_services import REACHED
from kumoi.networks.network import Network
from kumoi.networks.prefixes import SERVICES as GATEWAYS
from kumoi.networks.prefixes import prefix_list
from kumoi.networks.records import ENDPOINT, NAT, SUBNET, Item

HTTPS = 443
_BACK = 50_000
"""A port that answers come back to, for rules about the ports that clients have."""
_ANYWHERE = "0.0.0.0/0"
_TARGETS = ("GatewayId", "NatGatewayId", "NetworkInterfaceId", "VpcPeeringConnectionId", "EgressOnlyInternetGatewayId")
Covers = Callable[[Mapping[str, Any]], bool]
"""Whether a rule's peer covers where a call goes to."""

ENDPOINTS: Mapping[str, str] = {service: name for name, services in REACHED.items() for service in services}
"""What endpoints to a service of Kumoi are called, by the service."""


def obstacle(network: Network, region: str, subnet_id: str, groups: Sequence[str], service: str, to_region: str) -> str:
    """Why a call to a service from a subnet would hang on AWS, and what would help; empty where it would not.

    `service` is botocore's name. A subnet that nobody knows is no obstacle.
    """
    subnet = network.get(SUBNET, subnet_id)
    table = None if subnet is None else network.table_of(subnet)
    if subnet is None or table is None:
        return ""
    name = ENDPOINTS.get(service, "") if region == to_region else ""
    taken_over = _private_endpoint(network, subnet, region, name)
    if taken_over is not None:
        return _to_interface(network, subnet, groups, taken_over)
    if name in GATEWAYS:
        listed = prefix_list(region, name)
        if any(one.get("DestinationPrefixListId") == listed.id for one in table["Routes"]):
            return _to_blocks(network, subnet, groups, listed.blocks, listed.id)
    missing = _to_internet(network, table)
    if missing:
        return f"{missing}. {_advice(region, name)}"
    return _to_anywhere(network, subnet, groups, prefix_list(region, name).id if name in GATEWAYS else "")


def _advice(region: str, name: str) -> str:
    kind = "a gateway" if name in GATEWAYS else "an interface"
    endpoint = f"{kind} endpoint to com.amazonaws.{region}.{name}, or " if name else ""
    return f"It needs {endpoint}a NAT gateway"


def _private_endpoint(network: Network, subnet: Item, region: str, name: str) -> Item | None:
    """The interface endpoint that has the service's host name in the subnet's VPC."""
    wanted = f"com.amazonaws.{region}.{name}"
    for one in network.of(ENDPOINT, subnet["VpcId"]):
        if name and one["ServiceName"] == wanted and one["PrivateDnsEnabled"] and one["SubnetIds"]:
            return one
    return None


def _to_interface(network: Network, subnet: Item, groups: Sequence[str], endpoint: Item) -> str:
    """What is in the way to an endpoint within the VPC."""
    its_groups = [str(one["GroupId"]) for one in endpoint["Groups"]]
    blocks = [network.block_of(one) for one in endpoint["SubnetIds"]]
    there = _covers(blocks, its_groups)
    if not _passes(network.rules(groups, egress=True), there):
        return f"no security group of it ({', '.join(groups)}) lets port {HTTPS} out to {endpoint.id}"
    if not _passes(network.rules(its_groups, egress=False), _covers([subnet["CidrBlock"]], groups)):
        return f"{', '.join(its_groups)} of {endpoint.id} lets port {HTTPS} in from neither its groups nor {subnet.id}"
    return _border(network, subnet, [one for one in blocks if one != subnet["CidrBlock"]])


def _to_blocks(network: Network, subnet: Item, groups: Sequence[str], blocks: Sequence[str], list_id: str) -> str:
    """What is in the way to a service behind a gateway endpoint."""
    if not _passes(network.rules(groups, egress=True), _covers(blocks, (), list_id)):
        return f"no security group of it ({', '.join(groups)}) lets port {HTTPS} out to {list_id}"
    return _border(network, subnet, [_ANYWHERE])


def _to_anywhere(network: Network, subnet: Item, groups: Sequence[str], list_id: str) -> str:
    """What is in the way to the internet, where there is a route."""
    if not _passes(network.rules(groups, egress=True), _covers((), (), list_id, public=True)):
        return f"no security group of it ({', '.join(groups)}) lets port {HTTPS} out to public addresses"
    return _border(network, subnet, [_ANYWHERE])


def _to_internet(network: Network, table: Item) -> str:
    """Why a route table does not lead to the internet."""
    route = next((one for one in table["Routes"] if one.get("DestinationCidrBlock") == _ANYWHERE), None)
    if route is None:
        return f"route table {table.id} has no route there"
    through = next(str(route[one]) for one in _TARGETS if route.get(one))
    if "NatGatewayId" in route:
        return _through_nat(network, through)
    if through.startswith("igw-"):
        return f"route table {table.id} leads to {through}, and functions have no public address"
    if "NetworkInterfaceId" in route:
        return ""
    return f"route table {table.id} leads to {through}, by which nothing reaches the internet"


def _through_nat(network: Network, nat_id: str) -> str:
    nat = network.get(NAT, nat_id)
    if nat is None or nat["State"] != "available":
        return f"NAT gateway {nat_id} is gone"
    if nat["ConnectivityType"] == "private":
        return f"NAT gateway {nat_id} is a private one"
    subnet = network.get(SUBNET, nat["SubnetId"])
    table = None if subnet is None else network.table_of(subnet)
    routes = [] if table is None else table["Routes"]
    out = next((one.get("GatewayId", "") for one in routes if one.get("DestinationCidrBlock") == _ANYWHERE), "")
    if not network.attached(out, nat["VpcId"]):
        return f"NAT gateway {nat_id} is in {nat['SubnetId']}, which has no route to an internet gateway"
    return ""


def _covers(blocks: Iterable[str], groups: Sequence[str], list_id: str = "", *, public: bool = False) -> Covers:
    """Covers one of some blocks, a group, or a prefix list; with `public`, some of the internet's addresses."""
    wanted = [ipaddress.ip_network(one) for one in blocks if one]

    def covers(rule: Mapping[str, Any]) -> bool:
        if list_id and rule.get("PrefixListId") == list_id:
            return True
        if (rule.get("ReferencedGroupInfo") or {}).get("GroupId") in groups:
            return True
        block = rule.get("CidrIpv4")
        if not block:
            return False
        network = ipaddress.ip_network(block)
        if public and not network.is_private:
            return True
        return any(network.overlaps(one) for one in wanted)

    return covers


def _passes(rules: Iterable[Item], covers: Covers) -> bool:
    """Whether a rule of security groups lets HTTPS through."""
    return any(
        one["IpProtocol"] in ("-1", "tcp")
        and (one["IpProtocol"] == "-1" or one["FromPort"] <= HTTPS <= one["ToPort"])
        and covers(one.members)
        for one in rules
    )


def _border(network: Network, subnet: Item, blocks: Sequence[str]) -> str:
    """What a subnet's network ACL does to requests to some blocks, and to the answers; empty where it lets both."""
    acl = network.acl_of(subnet)
    if acl is None:
        return ""
    for block in blocks:
        if not _decides(acl["Entries"], block, HTTPS, egress=True):
            return f"network ACL {acl.id} of {subnet.id} lets no request out to port {HTTPS} of {block}"
        if not _decides(acl["Entries"], block, _BACK, egress=False):
            return f"network ACL {acl.id} of {subnet.id} lets no answer in from {block} (ports 1024-65535)"
    return ""


def _decides(entries: Iterable[Mapping[str, Any]], block: str, port: int, *, egress: bool) -> bool:
    """What the first rule says that is about all of a block and a port of TCP."""
    wanted = ipaddress.IPv4Network(block)
    for one in sorted(entries, key=lambda entry: int(entry["RuleNumber"])):
        about = one.get("CidrBlock")
        if one["Egress"] != egress or not about or one["Protocol"] not in ("-1", "6"):
            continue
        ports = one.get("PortRange") or {"From": 0, "To": 65_535}
        if wanted.subnet_of(ipaddress.IPv4Network(about)) and ports["From"] <= port <= ports["To"]:
            return bool(one["RuleAction"] == "allow")
    return False
