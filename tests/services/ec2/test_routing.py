"""Ways out of a network: route tables, gateways, NAT gateways and their addresses, endpoints, peering."""

from __future__ import annotations

from typing import Any

import pytest

ANYWHERE = "0.0.0.0/0"


@pytest.fixture
def table(ec2: Any, vpc: str) -> str:
    return str(ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"])


@pytest.fixture
def gateway(ec2: Any, vpc: str) -> str:
    made = str(ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"])
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc)
    return made


def routes(ec2: Any, table: str) -> dict[str, tuple[str, str]]:
    (found,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    told = {}
    for one in found["Routes"]:
        to = one.get("DestinationCidrBlock") or one.get("DestinationPrefixListId") or one["DestinationIpv6CidrBlock"]
        through = one.get("GatewayId") or one.get("NatGatewayId") or one.get("VpcPeeringConnectionId")
        told[to] = (through or one["EgressOnlyInternetGatewayId"], one["State"])
    return told


def test_routes_are_made_replaced_and_deleted(
    ec2: Any, vpc: str, table: str, gateway: str, subnet: Any, refused: Any
) -> None:
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, GatewayId=gateway)
    again = {"RouteTableId": table, "DestinationCidrBlock": ANYWHERE, "GatewayId": gateway}
    assert refused(ec2.create_route, **again) == (
        "RouteAlreadyExists",
        f"The route identified by {ANYWHERE} already exists.",
    )
    own = subnet()
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=own, AllocationId=address)["NatGateway"]["NatGatewayId"]
    ec2.replace_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, NatGatewayId=nat)
    assert routes(ec2, table) == {"10.0.0.0/16": ("local", "active"), ANYWHERE: (nat, "active")}
    ec2.delete_nat_gateway(NatGatewayId=nat)
    assert routes(ec2, table)[ANYWHERE] == (nat, "blackhole")
    out = ec2.create_egress_only_internet_gateway(VpcId=vpc)["EgressOnlyInternetGateway"]
    through = out["EgressOnlyInternetGatewayId"]
    ec2.create_route(RouteTableId=table, DestinationIpv6CidrBlock="::/0", EgressOnlyInternetGatewayId=through)
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE)
    assert set(routes(ec2, table)) == {"10.0.0.0/16", "::/0"}
    missing = ("InvalidRoute.NotFound", f"no route with destination-cidr-block {ANYWHERE} in route table {table}")
    assert refused(ec2.delete_route, RouteTableId=table, DestinationCidrBlock=ANYWHERE) == missing
    assert refused(ec2.replace_route, **again) == missing
    local = {"RouteTableId": table, "DestinationCidrBlock": "10.0.0.0/16"}
    assert refused(ec2.delete_route, **local)[1].startswith("cannot remove local route")


def test_a_route_leads_through_what_is_in_its_vpc(ec2: Any, table: str, refused: Any) -> None:
    foreign = ec2.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]

    def code(**target: str) -> str:
        return str(refused(ec2.create_route, RouteTableId=table, DestinationCidrBlock=ANYWHERE, **target)[0])

    assert code(GatewayId=foreign) == "InvalidParameterValue"
    assert code(GatewayId="igw-00000000000000000") == "InvalidInternetGatewayID.NotFound"
    assert code(NatGatewayId="nat-00000000000000000") == "NatGatewayNotFound"
    assert code() == "InvalidParameterCombination"


def test_subnets_have_route_tables(ec2: Any, vpc: str, table: str, subnet: Any, refused: Any, filtered: Any) -> None:
    own = subnet()
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=own)["AssociationId"]
    assert ec2.associate_route_table(RouteTableId=table, SubnetId=own)["AssociationId"] == association
    (main,) = ec2.describe_route_tables(Filters=filtered(vpc_id=vpc, **{"association.main": "true"}))["RouteTables"]
    other = {"RouteTableId": main["RouteTableId"], "SubnetId": own}
    assert refused(ec2.associate_route_table, **other)[0] == "Resource.AlreadyAssociated"
    assert refused(ec2.delete_route_table, RouteTableId=table)[0] == "DependencyViolation"
    moved = ec2.replace_route_table_association(AssociationId=association, RouteTableId=main["RouteTableId"])
    gone = ("InvalidAssociationID.NotFound", f"The association ID '{association}' does not exist")
    assert refused(ec2.disassociate_route_table, AssociationId=association) == gone
    ec2.disassociate_route_table(AssociationId=moved["NewAssociationId"])
    its = main["Associations"][0]["RouteTableAssociationId"]
    assert refused(ec2.disassociate_route_table, AssociationId=its)[0] == "InvalidParameterCombination"
    ec2.replace_route_table_association(AssociationId=its, RouteTableId=table)
    ec2.delete_route_table(RouteTableId=main["RouteTableId"])
    (left,) = ec2.describe_route_tables(Filters=filtered(vpc_id=vpc))["RouteTables"]
    assert (left["RouteTableId"], left["Associations"][0]["Main"]) == (table, True)


def test_a_vpc_has_one_internet_gateway(ec2: Any, vpc: str, gateway: str, subnet: Any, refused: Any) -> None:
    own = {"InternetGatewayId": gateway, "VpcId": vpc}
    assert refused(ec2.attach_internet_gateway, **own)[0] == "Resource.AlreadyAssociated"
    second = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    code, text = refused(ec2.attach_internet_gateway, InternetGatewayId=second, VpcId=vpc)
    assert (code, text) == ("InvalidParameterValue", f"Network {vpc} already has an internet gateway attached")
    assert refused(ec2.delete_internet_gateway, InternetGatewayId=gateway)[0] == "DependencyViolation"
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnet(), AllocationId=address)["NatGateway"]["NatGatewayId"]
    assert "mapped public address(es)" in refused(ec2.detach_internet_gateway, **own)[1]
    ec2.delete_nat_gateway(NatGatewayId=nat)
    ec2.detach_internet_gateway(**own)
    assert refused(ec2.detach_internet_gateway, **own)[0] == "Gateway.NotAttached"
    ec2.delete_internet_gateway(InternetGatewayId=gateway)


def test_nat_gateways_have_addresses(
    kumoi: Any, ec2: Any, vpc: str, gateway: str, subnet: Any, refused: Any, filtered: Any
) -> None:
    own, address = subnet(), ec2.allocate_address(Domain="vpc")
    allocation = address["AllocationId"]
    given = {"SubnetId": own, "AllocationId": allocation, "ClientToken": "once"}
    made = ec2.create_nat_gateway(**given)["NatGateway"]
    assert ec2.create_nat_gateway(**given)["NatGateway"]["NatGatewayId"] == made["NatGatewayId"]
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[made["NatGatewayId"]])
    (told,) = ec2.describe_nat_gateways(Filter=filtered(vpc_id=vpc, state="available"))["NatGateways"]
    assert told["NatGatewayAddresses"][0]["PublicIp"] == address["PublicIp"]
    (held,) = ec2.describe_addresses(AllocationIds=[allocation])["Addresses"]
    assert held["PrivateIpAddress"] == told["NatGatewayAddresses"][0]["PrivateIp"] == "10.0.1.4"
    (interface,) = ec2.describe_network_interfaces(Filters=filtered(subnet_id=own))["NetworkInterfaces"]
    assert (interface["InterfaceType"], interface["Status"]) == ("nat_gateway", "in-use")
    (place,) = ec2.describe_subnets(SubnetIds=[own])["Subnets"]
    assert place["AvailableIpAddressCount"] == 250
    assert refused(ec2.release_address, AllocationId=allocation)[0] == "InvalidIPAddress.InUse"
    assert refused(ec2.create_nat_gateway, SubnetId=own, AllocationId=allocation)[0] == "Resource.AlreadyAssociated"
    assert refused(ec2.create_nat_gateway, SubnetId=own)[0] == "MissingParameter"
    assert refused(ec2.delete_subnet, SubnetId=own)[0] == "DependencyViolation"
    private = ec2.create_nat_gateway(SubnetId=own, ConnectivityType="private", PrivateIpAddress="10.0.1.77")
    assert private["NatGateway"]["NatGatewayAddresses"][0]["PrivateIp"] == "10.0.1.77"
    taken = {"SubnetId": own, "ConnectivityType": "private", "PrivateIpAddress": "10.0.1.77"}
    assert refused(ec2.create_nat_gateway, **taken)[0] == "InvalidIPAddress.InUse"
    assert refused(ec2.create_nat_gateway, **{**taken, "PrivateIpAddress": "10.0.2.7"})[0] == "InvalidParameterValue"
    for one in (made, private["NatGateway"]):
        ec2.delete_nat_gateway(NatGatewayId=one["NatGatewayId"])
    ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[made["NatGatewayId"]])
    association = told["NatGatewayAddresses"][0]["AssociationId"]
    assert refused(ec2.disassociate_address, AssociationId=association)[0] == "InvalidAssociationID.NotFound"
    ec2.release_address(AllocationId=allocation)
    assert ec2.describe_addresses()["Addresses"] == []
    ec2.delete_subnet(SubnetId=own)


def test_a_nat_gateway_needs_a_way_out(ec2: Any, subnet: Any, refused: Any) -> None:
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    assert refused(ec2.create_nat_gateway, SubnetId=subnet(), AllocationId=address)[0] == "Gateway.NotAttached"


def test_gateway_endpoints_are_routes(ec2: Any, vpc: str, table: str, refused: Any, filtered: Any) -> None:
    (listed,) = ec2.describe_prefix_lists(Filters=filtered(prefix_list_name="*.s3"))["PrefixLists"]
    objects = {"VpcId": vpc, "ServiceName": "com.amazonaws.us-east-1.s3"}
    made = ec2.create_vpc_endpoint(**objects, RouteTableIds=[table])["VpcEndpoint"]
    name = made["VpcEndpointId"]
    assert (made["State"], made["VpcEndpointType"], made["RouteTableIds"]) == ("available", "Gateway", [table])
    assert routes(ec2, table)[listed["PrefixListId"]] == (name, "active")
    assert refused(ec2.create_vpc_endpoint, **objects, RouteTableIds=[table])[0] == "RouteAlreadyExists"
    by_hand = {"RouteTableId": table, "DestinationCidrBlock": ANYWHERE, "VpcEndpointId": name}
    assert refused(ec2.create_route, **by_hand)[0] == "InvalidParameterValue"
    second = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.modify_vpc_endpoint(VpcEndpointId=name, AddRouteTableIds=[second], RemoveRouteTableIds=[table])
    assert listed["PrefixListId"] not in routes(ec2, table)
    assert listed["PrefixListId"] in routes(ec2, second)
    ec2.modify_vpc_endpoint(VpcEndpointId=name, PolicyDocument='{"Statement": []}')
    (told,) = ec2.describe_vpc_endpoints(Filters=filtered(service_name="*.s3", vpc_id=vpc))["VpcEndpoints"]
    assert told["PolicyDocument"] == '{"Statement": []}'
    assert refused(ec2.modify_vpc_endpoint, VpcEndpointId=name, PolicyDocument="tea")[0] == "InvalidPolicyDocument"
    assert refused(ec2.delete_vpc, VpcId=vpc)[0] == "DependencyViolation"
    gone = ec2.delete_vpc_endpoints(VpcEndpointIds=[name, "vpce-00000000000000000"])["Unsuccessful"]
    assert [one["Error"]["Code"] for one in gone] == ["InvalidVpcEndpointId.NotFound"]
    assert set(routes(ec2, second)) == {"10.0.0.0/16"}


def test_interface_endpoints_have_interfaces(ec2: Any, vpc: str, subnet: Any, refused: Any, filtered: Any) -> None:
    first, second = subnet(1), subnet(2, AvailabilityZone="us-east-1b")
    queues = {"VpcId": vpc, "ServiceName": "com.amazonaws.us-east-1.sqs", "VpcEndpointType": "Interface"}
    made = ec2.create_vpc_endpoint(**queues, SubnetIds=[first])["VpcEndpoint"]
    name = made["VpcEndpointId"]
    assert made["DnsEntries"][-1]["DnsName"] == "sqs.us-east-1.amazonaws.com"
    assert made["Groups"][0]["GroupName"] == "default"
    assert "conflicting DNS domain" in refused(ec2.create_vpc_endpoint, **queues, SubnetIds=[second])[1]
    group = ec2.create_security_group(GroupName="queues", Description="d", VpcId=vpc)["GroupId"]
    default = made["Groups"][0]["GroupId"]
    ec2.modify_vpc_endpoint(
        VpcEndpointId=name, AddSubnetIds=[second], AddSecurityGroupIds=[group], RemoveSecurityGroupIds=[default]
    )
    (told,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[name])["VpcEndpoints"]
    found = ec2.describe_network_interfaces(Filters=filtered(interface_type="vpc_endpoint"))["NetworkInterfaces"]
    assert {one["NetworkInterfaceId"] for one in found} == set(told["NetworkInterfaceIds"])
    assert {group["GroupId"] for one in found for group in one["Groups"]} == {group}
    assert refused(ec2.delete_security_group, GroupId=group)[0] == "DependencyViolation"
    assert len(told["DnsEntries"]) == 4
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
    topics = {**queues, "ServiceName": "com.amazonaws.us-east-1.sns", "SubnetIds": [first]}
    assert "requires both enableDnsSupport and" in refused(ec2.create_vpc_endpoint, **topics)[1]
    ec2.create_vpc_endpoint(**topics, PrivateDnsEnabled=False)
    ec2.delete_vpc_endpoints(VpcEndpointIds=[name])
    ec2.delete_subnet(SubnetId=second)
    assert refused(ec2.delete_subnet, SubnetId=first)[0] == "DependencyViolation"
    wrong = {**queues, "ServiceName": "com.amazonaws.us-east-1.tea"}
    assert refused(ec2.create_vpc_endpoint, **wrong)[0] == "InvalidServiceName"
    known = ec2.describe_vpc_endpoint_services(Filters=filtered(service_type="Gateway"))["ServiceNames"]
    assert known == ["com.amazonaws.us-east-1.dynamodb", "com.amazonaws.us-east-1.s3"]


def test_vpcs_are_peers(ec2: Any, vpc: str, table: str, refused: Any) -> None:
    other = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other)["VpcPeeringConnection"]
    name = made["VpcPeeringConnectionId"]
    assert made["Status"]["Code"] == "pending-acceptance"
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.9.0.0/16", VpcPeeringConnectionId=name)
    assert routes(ec2, table)["10.9.0.0/16"] == (name, "blackhole")
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=name)
    assert routes(ec2, table)["10.9.0.0/16"] == (name, "active")
    assert refused(ec2.delete_vpc, VpcId=other)[0] == "DependencyViolation"
    assert refused(ec2.reject_vpc_peering_connection, VpcPeeringConnectionId=name)[0] == "InvalidStateTransition"
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=name)
    ec2.delete_vpc(VpcId=other)
    same = ec2.create_vpc(CidrBlock="10.0.128.0/20")["Vpc"]["VpcId"]
    failed = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=same)["VpcPeeringConnection"]
    assert failed["Status"]["Code"] == "failed"
