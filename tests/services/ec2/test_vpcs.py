"""VPCs and subnets: the default ones, and one's own."""

from __future__ import annotations

import re
from typing import Any

import pytest

ANY = {"Value": True}


def test_every_region_has_a_default_network(kumoi: Any, ec2: Any, filtered: Any) -> None:
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    assert (vpc["CidrBlock"], vpc["IsDefault"], vpc["OwnerId"]) == ("172.31.0.0/16", True, kumoi.account)
    assert re.fullmatch("vpc-[0-9a-f]{17}", vpc["VpcId"])
    within = filtered(vpc_id=vpc["VpcId"])
    subnets = ec2.describe_subnets(Filters=within)["Subnets"]
    assert {one["AvailabilityZone"] for one in subnets} == {"us-east-1a", "us-east-1b", "us-east-1c"}
    assert {one["AvailableIpAddressCount"] for one in subnets} == {4091}
    assert all(one["MapPublicIpOnLaunch"] and one["DefaultForAz"] for one in subnets)
    (table,) = ec2.describe_route_tables(Filters=within)["RouteTables"]
    (gateway,) = ec2.describe_internet_gateways()["InternetGateways"]
    assert table["Associations"][0]["Main"]
    assert [one["GatewayId"] for one in table["Routes"]] == ["local", gateway["InternetGatewayId"]]
    (group,) = ec2.describe_security_groups(Filters=within)["SecurityGroups"]
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]
    (acl,) = ec2.describe_network_acls(Filters=within)["NetworkAcls"]
    assert {one["SubnetId"] for one in acl["Associations"]} == {one["SubnetId"] for one in subnets}
    (options,) = ec2.describe_dhcp_options()["DhcpOptions"]
    assert options["DhcpOptionsId"] == vpc["DhcpOptionsId"]
    told = ec2.describe_account_attributes(AttributeNames=["default-vpc"])["AccountAttributes"]
    assert told[0]["AttributeValues"] == [{"AttributeValue": vpc["VpcId"]}]
    kumoi.region = "eu-west-1"
    elsewhere = kumoi.client("ec2")
    kumoi.region = "us-east-1"
    assert elsewhere.describe_vpcs()["Vpcs"][0]["VpcId"] != vpc["VpcId"]
    zones = {one["AvailabilityZoneId"] for one in elsewhere.describe_subnets()["Subnets"]}
    assert zones == {"euw1-az1", "euw1-az2", "euw1-az3"}
    assert ec2.describe_vpcs()["Vpcs"] == [vpc]


def test_the_default_network_can_be_deleted_and_made_anew(ec2: Any, refused: Any) -> None:
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    assert refused(ec2.create_default_vpc)[0] == "DefaultVpcAlreadyExists"
    gateway = ec2.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
    for one in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=one["SubnetId"])
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    ec2.delete_vpc(VpcId=vpc)
    assert ec2.describe_vpcs()["Vpcs"] == ec2.describe_security_groups()["SecurityGroups"] == []
    assert refused(ec2.create_default_subnet, AvailabilityZone="us-east-1a")[0] == "DefaultVpcDoesNotExist"
    assert ec2.create_default_vpc()["Vpc"]["IsDefault"]
    lost = ec2.describe_subnets()["Subnets"][1]
    ec2.delete_subnet(SubnetId=lost["SubnetId"])
    made = ec2.create_default_subnet(AvailabilityZone=lost["AvailabilityZone"])["Subnet"]
    assert (made["CidrBlock"], made["DefaultForAz"]) == (lost["CidrBlock"], True)


def test_a_vpc_has_attributes(ec2: Any, refused: Any) -> None:
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "main"}]}]
    made = ec2.create_vpc(CidrBlock="10.0.0.7/16", TagSpecifications=tags)["Vpc"]
    assert (made["State"], made["CidrBlock"], made["Tags"]) == ("pending", "10.0.0.0/16", tags[0]["Tags"])
    ec2.get_waiter("vpc_available").wait(VpcIds=[made["VpcId"]])

    def attribute(name: str) -> bool:
        answer = ec2.describe_vpc_attribute(VpcId=made["VpcId"], Attribute=name)
        return bool(answer[name[:1].upper() + name[1:]]["Value"])

    assert (attribute("enableDnsSupport"), attribute("enableDnsHostnames")) == (True, False)
    ec2.modify_vpc_attribute(VpcId=made["VpcId"], EnableDnsHostnames=ANY)
    assert attribute("enableDnsHostnames")
    both = {"EnableDnsHostnames": ANY, "EnableDnsSupport": ANY}
    assert refused(ec2.modify_vpc_attribute, VpcId=made["VpcId"], **both)[0] == "InvalidParameterCombination"
    wrong = [{"ResourceType": "subnet", "Tags": []}]
    assert refused(ec2.create_vpc, CidrBlock="10.1.0.0/16", TagSpecifications=wrong) == (
        "InvalidParameterValue",
        "'subnet' is not a valid taggable resource type for this operation.",
    )


def test_a_vpc_can_have_more_blocks(ec2: Any, vpc: str, subnet: Any, refused: Any) -> None:
    second = ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.1.0.0/16")["CidrBlockAssociation"]
    assert refused(ec2.associate_vpc_cidr_block, VpcId=vpc, CidrBlock="10.1.4.0/24")[0] == "InvalidVpc.Range"
    made = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.2.0/24")["Subnet"]["SubnetId"]
    association = second["AssociationId"]
    assert refused(ec2.disassociate_vpc_cidr_block, AssociationId=association)[0] == "InvalidCidrBlock.InUse"
    ec2.delete_subnet(SubnetId=made)
    ec2.disassociate_vpc_cidr_block(AssociationId=association)
    ipv6 = ec2.associate_vpc_cidr_block(VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)["Ipv6CidrBlockAssociation"]
    block = ipv6["Ipv6CidrBlock"]
    assert block.endswith("::/56")
    own = block.replace("/56", "/64")
    name = subnet(9)
    association = ec2.associate_subnet_cidr_block(SubnetId=name, Ipv6CidrBlock=own)["Ipv6CidrBlockAssociation"]
    ec2.modify_subnet_attribute(SubnetId=name, AssignIpv6AddressOnCreation=ANY)
    (told,) = ec2.describe_subnets(SubnetIds=[name])["Subnets"]
    assert (told["Ipv6CidrBlockAssociationSet"], told["AssignIpv6AddressOnCreation"]) == ([association], True)
    assert refused(ec2.disassociate_vpc_cidr_block, AssociationId=ipv6["AssociationId"])[0] == "InvalidCidrBlock.InUse"
    ec2.disassociate_subnet_cidr_block(AssociationId=association["AssociationId"])
    ec2.disassociate_vpc_cidr_block(AssociationId=ipv6["AssociationId"])
    (told,) = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    assert (len(told["CidrBlockAssociationSet"]), told["Ipv6CidrBlockAssociationSet"]) == (1, [])


REFUSED = [
    ("create_vpc", {"CidrBlock": "10.0.0.0/8"}, "InvalidVpc.Range", "The CIDR '10.0.0.0/8' is invalid."),
    ("create_vpc", {"CidrBlock": "tea"}, "InvalidParameterValue", "Value (tea) for parameter cidrBlock is invalid."),
    (
        "describe_vpcs",
        {"VpcIds": ["vpc-00000000000000000"]},
        "InvalidVpcID.NotFound",
        "The vpc ID 'vpc-00000000000000000' does not exist",
    ),
    ("describe_vpcs", {"VpcIds": ["sg-1"]}, "InvalidVpcID.Malformed", 'Invalid id: "sg-1" (expecting "vpc-...")'),
    ("describe_vpcs", {"Filters": [{"Name": "tea", "Values": ["x"]}]}, "InvalidParameterValue", "The filter 'tea' is"),
    ("describe_vpcs", {"DryRun": True}, "DryRunOperation", "Request would have succeeded, but DryRun flag is set."),
    ("describe_subnets", {"NextToken": "x"}, "InvalidParameterValue", "Value (x) for parameter nextToken is invalid."),
    ("run_instances", {"MinCount": 1, "MaxCount": 1}, "NotImplemented", "Kumoi's ec2 does not implement RunInstances"),
]


@pytest.mark.parametrize(("operation", "params", "code", "text"), REFUSED)
def test_refusals(ec2: Any, refused: Any, operation: str, params: dict[str, Any], code: str, text: str) -> None:
    said = refused(getattr(ec2, operation), **params)
    assert said[0] == code
    assert said[1].startswith(text)


def test_there_are_five_vpcs_at_most(ec2: Any, refused: Any) -> None:
    for number in range(4):
        ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")
    code, text = refused(ec2.create_vpc, CidrBlock="10.9.0.0/16")
    assert (code, text) == ("VpcLimitExceeded", "The maximum number of VPCs has been reached.")


SUBNETS = [
    ({"CidrBlock": "10.1.0.0/24"}, "InvalidSubnet.Range"),
    ({"CidrBlock": "10.0.0.0/29"}, "InvalidSubnet.Range"),
    ({"CidrBlock": "10.0.1.128/25"}, "InvalidSubnet.Conflict"),
    ({"CidrBlock": "10.0.2.0/24", "AvailabilityZone": "eu-west-1a"}, "InvalidParameterValue"),
    ({"CidrBlock": "10.0.2.0/24", "Ipv6CidrBlock": "2001:db8::/64"}, "InvalidSubnet.Range"),
]


@pytest.mark.parametrize(("params", "code"), SUBNETS)
def test_a_subnet_has_its_place_in_its_vpc(
    ec2: Any, vpc: str, subnet: Any, refused: Any, params: dict[str, Any], code: str
) -> None:
    subnet(1)
    assert refused(ec2.create_subnet, VpcId=vpc, **params)[0] == code


def test_a_vpc_is_deleted_when_nothing_is_left_in_it(ec2: Any, vpc: str, subnet: Any, refused: Any) -> None:
    name = subnet()
    gone = ("DependencyViolation", f"The vpc '{vpc}' has dependencies and cannot be deleted.")
    assert refused(ec2.delete_vpc, VpcId=vpc) == gone
    ec2.delete_subnet(SubnetId=name)
    ec2.delete_vpc(VpcId=vpc)
    assert refused(ec2.describe_vpcs, VpcIds=[vpc])[0] == "InvalidVpcID.NotFound"
    assert all(one["VpcId"] != vpc for one in ec2.describe_security_groups()["SecurityGroups"])


def test_things_are_found_by_their_tags(ec2: Any, vpc: str, subnet: Any, filtered: Any) -> None:
    names = [subnet(number, AvailabilityZone=f"us-east-1{'abc'[number]}") for number in range(3)]
    ec2.create_tags(Resources=names[:2], Tags=[{"Key": "Name", "Value": "private*"}, {"Key": "team", "Value": ""}])

    def found(**wanted: str) -> list[str]:
        told = filtered(vpc_id=vpc, **wanted)
        return [one["SubnetId"] for one in ec2.describe_subnets(Filters=told)["Subnets"]]

    assert sorted(found(**{"tag:Name": "priv*"})) == sorted(found(**{"tag-key": "team"})) == sorted(names[:2])
    assert found(**{"tag:Name": "private?x"}) == found(**{"tag:Name": r"privat\?*"}) == []
    assert sorted(found(**{"tag:Name": r"private\*"})) == sorted(names[:2])
    assert found(**{"availability-zone": "us-east-1c"}) == [names[2]]
    ec2.delete_tags(Resources=[names[0]], Tags=[{"Key": "Name", "Value": "other"}, {"Key": "team"}])
    (told,) = ec2.describe_subnets(SubnetIds=[names[0]])["Subnets"]
    assert told["Tags"] == [{"Key": "Name", "Value": "private*"}]
    tagged = ec2.describe_tags(Filters=filtered(resource_type="subnet", key="Name"))["Tags"]
    assert {one["ResourceId"] for one in tagged} == set(names[:2])


def test_lists_come_in_pages(ec2: Any, subnet: Any) -> None:
    names = {subnet(number) for number in range(6)}
    pages = list(ec2.get_paginator("describe_subnets").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(one["Subnets"]) for one in pages] == [5, 4]
    assert names < {one["SubnetId"] for page in pages for one in page["Subnets"]}


def test_regions_and_zones(ec2: Any, refused: Any) -> None:
    regions = {one["RegionName"]: one["OptInStatus"] for one in ec2.describe_regions()["Regions"]}
    assert (regions["ap-northeast-1"], "af-south-1" in regions) == ("opt-in-not-required", False)
    assert len(ec2.describe_regions(AllRegions=True)["Regions"]) > len(regions)
    zones = ec2.describe_availability_zones(Filters=[{"Name": "zone-id", "Values": ["use1-az2"]}])["AvailabilityZones"]
    assert [one["ZoneName"] for one in zones] == ["us-east-1b"]
    code, text = refused(ec2.describe_availability_zones, ZoneNames=["us-east-1q"])
    assert (code, text) == ("InvalidParameterValue", "Invalid availability zone: [us-east-1q]")
    assert ec2.describe_vpn_gateways()["VpnGateways"] == []


def test_what_was_made_is_there_after_a_crash(killable: Any) -> None:
    killable.start()
    ec2 = killable.client("ec2")
    made = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    default = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    killable.kill()
    killable.start()
    found = killable.client("ec2").describe_vpcs()["Vpcs"]
    assert {one["VpcId"] for one in found} == {made, default[0]["VpcId"]}
