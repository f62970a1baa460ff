"""VPC endpoints: gateways to S3 and DynamoDB in route tables, and interfaces to services in subnets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.networks.endpoint_services import details, private_name, short_name
from kumoi.networks.prefixes import SERVICES as GATEWAYS
from kumoi.networks.prefixes import prefix_list
from kumoi.networks.records import ENDPOINT, INTERFACE, ROUTE_TABLE, SUBNET, VPC, Item, items
from kumoi.services.ec2.describing import Filters, answer, described, page
from kumoi.services.ec2.errors import invalid
from kumoi.services.ec2.filters import matching
from kumoi.services.ec2.groups import identifiers
from kumoi.services.ec2.interfaces import new_interface
from kumoi.services.ec2.serving import operation
from kumoi.services.ec2.store import TagSpecifications, by_token, drop, every, find, in_vpc, new_item, put, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

_ALL = '{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}'


@operation
async def create_vpc_endpoint(
    call: Call,
    VpcId: str,
    ServiceName: str | None = None,
    VpcEndpointType: str = "Gateway",
    PolicyDocument: str | None = None,
    RouteTableIds: list[str] | None = None,
    SubnetIds: list[str] | None = None,
    SecurityGroupIds: list[str] | None = None,
    IpAddressType: str = "ipv4",
    DnsOptions: dict[str, Any] | None = None,
    PrivateDnsEnabled: bool | None = None,
    ClientToken: str | None = None,
    TagSpecifications: TagSpecifications | None = None,
) -> dict[str, Any]:
    """Make an endpoint to a service; it is available at once."""
    name = short_name(call.region, ServiceName or "")
    gateway = VpcEndpointType == "Gateway"
    if name is None or VpcEndpointType not in ("Gateway", "Interface") or (gateway and name not in GATEWAYS):
        raise aws_error("InvalidServiceName", f"The Vpc Endpoint Service '{ServiceName}' does not exist")
    if IpAddressType != "ipv4":
        raise invalid(f"Value ({IpAddressType}) for parameter ipAddressType is invalid: Kumoi's endpoints are IPv4.")
    refused = {"subnetIds": SubnetIds, "securityGroupIds": SecurityGroupIds, "privateDnsEnabled": PrivateDnsEnabled}
    _check_kind(VpcEndpointType, refused if gateway else {"routeTableIds": RouteTableIds})
    _check_policy(PolicyDocument)
    members: dict[str, Any] = {
        "VpcEndpointType": VpcEndpointType,
        "VpcId": VpcId,
        "OwnerId": call.account,
        "ServiceName": ServiceName,
        "ServiceRegion": call.region,
        "State": "available",
        "PolicyDocument": PolicyDocument or _ALL,
        "RequesterManaged": False,
        "PrivateDnsEnabled": False if gateway else PrivateDnsEnabled is not False,
        "IpAddressType": IpAddressType,
        "DnsOptions": DnsOptions or {"DnsRecordIpType": "service-defined" if gateway else "ipv4"},
        "CreationTimestamp": call.now,
        "RouteTableIds": [],
        "SubnetIds": [],
        "Groups": [],
        "NetworkInterfaceIds": [],
        "DnsEntries": [],
    }
    tags = tags_of(ENDPOINT, TagSpecifications)
    made = new_item(ENDPOINT, members, tags, token=ClientToken)
    stored = await _create(call.state, made, name, RouteTableIds or [], SubnetIds or [], SecurityGroupIds or [])
    return {"VpcEndpoint": described(stored), "ClientToken": ClientToken}


def _check_kind(kind: str, refused: dict[str, Any]) -> None:
    for member, given in refused.items():
        if given:
            raise aws_error("InvalidParameter", f"The parameter {member} is not supported for {kind} endpoints.")


def _check_policy(document: str | None) -> None:
    if document is None:
        return
    try:
        right = isinstance(orjson.loads(document), dict)
    except ValueError:
        right = False
    if not right:
        raise aws_error("InvalidPolicyDocument", "This policy contains invalid Json")


@transactional
async def _create(
    tx: Transaction, made: Item, name: str, tables: Sequence[str], subnets: Sequence[str], groups: Sequence[str]
) -> Item:
    if (known := await by_token(tx, ENDPOINT, made.token)) is not None:
        return known
    vpc = await find(tx, VPC, made["VpcId"])
    if made["VpcEndpointType"] == "Gateway":
        made = await _join_tables(tx, made, name, tables)
    else:
        if made["PrivateDnsEnabled"]:
            await _check_private(tx, vpc, made, name)
        made = made.having(Groups=await identifiers(tx, groups, vpc.id))
        made = await _join_subnets(tx, made, subnets)
        made = made.having(DnsEntries=_dns_entries(made, name, await _zones(tx, made)))
    await put(tx, made)
    return made


async def _check_private(tx: Transaction, vpc: Item, made: Item, name: str) -> None:
    """Raise where a VPC cannot resolve an endpoint's private name, or does so by another."""
    if not vpc.settings["EnableDnsSupport"] or not vpc.settings["EnableDnsHostnames"]:
        raise aws_error(
            "InvalidParameter",
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true "
            f"for {vpc.id}",
        )
    for one in await in_vpc(tx, ENDPOINT, vpc.id):
        if one.id != made.id and one["ServiceName"] == made["ServiceName"] and one["PrivateDnsEnabled"]:
            host = private_name(tx.region, name)
            raise aws_error(
                "InvalidParameter",
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
                f"{host} in the VPC {vpc.id}",
            )


async def _join_tables(tx: Transaction, made: Item, name: str, tables: Sequence[str]) -> Item:
    """Route what goes to a gateway's service through it, in more route tables."""
    destination = prefix_list(tx.region, name).id
    for table_id in tables:
        table = await find(tx, ROUTE_TABLE, table_id)
        if table["VpcId"] != made["VpcId"]:
            raise invalid(f"route table {table_id} does not belong to {made['VpcId']}")
        if any(one.get("DestinationPrefixListId") == destination for one in table["Routes"]):
            raise aws_error(
                "RouteAlreadyExists",
                f"route table {table_id} already has a route with destination-prefix-list-id {destination}",
            )
        route = {
            "DestinationPrefixListId": destination,
            "GatewayId": made.id,
            "Origin": "CreateRoute",
            "State": "active",
        }
        await put(tx, table.having(Routes=[*table["Routes"], route]))
    return made.having(RouteTableIds=[*made["RouteTableIds"], *tables])


async def _leave_tables(tx: Transaction, made: Item, tables: Iterable[str]) -> Item:
    gone = set(tables)
    for table_id in gone:
        table = await items.get(tx, ROUTE_TABLE, table_id)
        if table is not None:
            left = [one for one in table["Routes"] if one.get("GatewayId") != made.id]
            await put(tx, table.having(Routes=left))
    return made.having(RouteTableIds=[one for one in made["RouteTableIds"] if one not in gone])


async def _join_subnets(tx: Transaction, made: Item, subnets: Sequence[str]) -> Item:
    """Give an endpoint an interface in more subnets, one a zone."""
    zones = set((await _zones(tx, made)).values())
    for subnet_id in subnets:
        subnet = await find(tx, SUBNET, subnet_id)
        if subnet["VpcId"] != made["VpcId"]:
            raise aws_error("InvalidParameter", f"Subnet {subnet_id} does not belong to {made['VpcId']}")
        if subnet["AvailabilityZone"] in zones:
            message = f"Found another VPC endpoint subnet in the availability zone of {subnet_id}"
            raise aws_error("DuplicateSubnetsInSameZone", message)
        zones.add(subnet["AvailabilityZone"])
        interface = new_interface(
            subnet,
            await items.list(tx, INTERFACE),
            kind="vpc_endpoint",
            description=f"VPC Endpoint Interface {made.id}",
            groups=made["Groups"],
            at=tx.now,
        )
        await put(tx, interface)
        made = made.having(
            SubnetIds=[*made["SubnetIds"], subnet_id],
            NetworkInterfaceIds=[*made["NetworkInterfaceIds"], interface.id],
        )
    return made


async def _leave_subnets(tx: Transaction, made: Item, subnets: Iterable[str]) -> Item:
    gone = set(subnets)
    kept = []
    for interface_id in made["NetworkInterfaceIds"]:
        interface = await find(tx, INTERFACE, interface_id)
        if interface["SubnetId"] in gone:
            await drop(tx, interface)
        else:
            kept.append(interface_id)
    left = [one for one in made["SubnetIds"] if one not in gone]
    return made.having(SubnetIds=left, NetworkInterfaceIds=kept)


async def _zones(tx: Transaction, made: Item) -> dict[str, str]:
    """The zones of an endpoint's subnets."""
    return {one: (await find(tx, SUBNET, one))["AvailabilityZone"] for one in made["SubnetIds"]}


def _dns_entries(made: Item, name: str, zones: dict[str, str]) -> list[dict[str, str]]:
    """The names of an interface endpoint: of all its zones, of each, and the service's own where private DNS is on."""
    region = str(made["ServiceRegion"])
    digest = hashlib.sha256(made.id.encode()).hexdigest()[:8]
    zone = "Z" + hashlib.sha256(f"{region}.vpce".encode()).hexdigest()[:13].upper()
    suffix = f"{name}.{region}.vpce.amazonaws.com"
    hosts = [f"{made.id}-{digest}.{suffix}", *(f"{made.id}-{digest}-{one}.{suffix}" for one in zones.values())]
    if made["PrivateDnsEnabled"]:
        hosts.append(private_name(region, name))
    return [{"DnsName": host, "HostedZoneId": zone} for host in hosts]


@operation
async def modify_vpc_endpoint(
    call: Call,
    VpcEndpointId: str,
    ResetPolicy: bool = False,
    PolicyDocument: str | None = None,
    AddRouteTableIds: list[str] | None = None,
    RemoveRouteTableIds: list[str] | None = None,
    AddSubnetIds: list[str] | None = None,
    RemoveSubnetIds: list[str] | None = None,
    AddSecurityGroupIds: list[str] | None = None,
    RemoveSecurityGroupIds: list[str] | None = None,
    PrivateDnsEnabled: bool | None = None,
    DnsOptions: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Change an endpoint's policy, and where it is."""
    _check_policy(PolicyDocument)
    await _modify(call.state, VpcEndpointId, dict(locals()))
    return {"Return": True}


@transactional
async def _modify(tx: Transaction, endpoint_id: str, given: dict[str, Any]) -> None:
    made = await find(tx, ENDPOINT, endpoint_id)
    gateway = made["VpcEndpointType"] == "Gateway"
    name = str(short_name(tx.region, made["ServiceName"]))
    foreign = [one for one in given if one.startswith(("Add", "Remove")) and ("RouteTable" in one) != gateway]
    _check_kind(made["VpcEndpointType"], {one[:1].lower() + one[1:]: given[one] for one in foreign})
    if given["ResetPolicy"] or given["PolicyDocument"] is not None:
        made = made.having(PolicyDocument=given["PolicyDocument"] or _ALL)
    if given["DnsOptions"] is not None:
        made = made.having(DnsOptions=given["DnsOptions"])
    if gateway:
        made = await _leave_tables(tx, made, given["RemoveRouteTableIds"] or ())
        fresh = [one for one in given["AddRouteTableIds"] or () if one not in made["RouteTableIds"]]
        made = await _join_tables(tx, made, name, fresh)
        await put(tx, made)
        return
    if given["PrivateDnsEnabled"] is not None:
        made = made.having(PrivateDnsEnabled=given["PrivateDnsEnabled"])
        if made["PrivateDnsEnabled"]:
            await _check_private(tx, await find(tx, VPC, made["VpcId"]), made, name)
    removed = set(given["RemoveSecurityGroupIds"] or ())
    kept = [one for one in made["Groups"] if one["GroupId"] not in removed]
    added = [one for one in given["AddSecurityGroupIds"] or () if all(one != at["GroupId"] for at in kept)]
    if added:
        kept += await identifiers(tx, added, made["VpcId"])
    if not kept:
        raise aws_error("InvalidParameter", f"{endpoint_id} must have a security group")
    made = await _leave_subnets(tx, made.having(Groups=kept), given["RemoveSubnetIds"] or ())
    fresh = [one for one in given["AddSubnetIds"] or () if one not in made["SubnetIds"]]
    made = await _join_subnets(tx, made, fresh)
    for interface_id in made["NetworkInterfaceIds"]:
        await put(tx, (await find(tx, INTERFACE, interface_id)).having(Groups=kept))
    await put(tx, made.having(DnsEntries=_dns_entries(made, name, await _zones(tx, made))))


@operation
async def describe_vpc_endpoints(
    call: Call,
    VpcEndpointIds: list[str] | None = None,
    Filters: Filters | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Endpoints."""
    found = map(described, await every(call.state, ENDPOINT))
    return answer(ENDPOINT, "VpcEndpoints", found, VpcEndpointIds, Filters, MaxResults, NextToken)


@operation
async def delete_vpc_endpoints(call: Call, VpcEndpointIds: list[str]) -> dict[str, Any]:
    """Delete endpoints, with their routes and interfaces; those that there are not are told of."""
    unsuccessful = []
    for one in VpcEndpointIds:
        try:
            await _delete(call.state, one)
        except AwsError as error:
            about = {"Code": error.code, "Message": error.message}
            unsuccessful.append({"ResourceId": one, "Error": about})
    return {"Unsuccessful": unsuccessful}


@transactional
async def _delete(tx: Transaction, endpoint_id: str) -> None:
    made = await find(tx, ENDPOINT, endpoint_id)
    made = await _leave_tables(tx, made, made["RouteTableIds"])
    await drop(tx, await _leave_subnets(tx, made, made["SubnetIds"]))


@operation
async def describe_vpc_endpoint_services(
    call: Call,
    ServiceNames: list[str] | None = None,
    ServiceRegions: list[str] | None = None,
    Filters: Filters | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """The services that there can be endpoints to: their names, and what is told of each."""
    known = details(call.region) if call.region in (ServiceRegions or [call.region]) else []
    for one in ServiceNames or ():
        if all(one != detail["ServiceName"] for detail in known):
            raise aws_error("InvalidServiceName", f"The Vpc Endpoint Service '{one}' does not exist")
    wanted = [one for one in known if not ServiceNames or one["ServiceName"] in ServiceNames]
    found = page("ServiceDetails", matching("vpc-endpoint-service", wanted, Filters), MaxResults, NextToken)
    return {**found, "ServiceNames": sorted({one["ServiceName"] for one in found["ServiceDetails"]})}
