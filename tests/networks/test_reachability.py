"""What calls from subnets would meet on AWS, as tables: a network, and the obstacle in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kumoi.networks.network import Network
from kumoi.networks.prefixes import prefix_list
from kumoi.networks.reachability import obstacle
from kumoi.networks.records import Item

REGION = "us-east-1"
DYNAMODB = prefix_list(REGION, "dynamodb").id
OUT = {"DestinationCidrBlock": "0.0.0.0/0"}
Change = Callable[[dict[str, Item]], None]


def item(kind: str, item_id: str, **members: Any) -> Item:
    return Item(kind=kind, id=item_id, members={"VpcId": "vpc-1", **members})


def rule(name: str, group: str, egress: bool, **members: Any) -> Item:
    common = {"GroupId": group, "IsEgress": egress, "IpProtocol": "-1", "FromPort": -1, "ToPort": -1}
    return item("security-group-rule", name, **{**common, **members})


def entry(number: int, egress: bool, action: str, **members: Any) -> dict[str, Any]:
    common = {"CidrBlock": "0.0.0.0/0", "Protocol": "-1"}
    return {"RuleNumber": number, "Egress": egress, "RuleAction": action, **common, **members}


def network(*changes: Change) -> Network:
    """A public and a private subnet; the private one has a NAT gateway in the public one, and everything is open."""
    made = [
        item("vpc", "vpc-1"),
        item("subnet", "subnet-public", CidrBlock="10.0.0.0/24"),
        item("subnet", "subnet-private", CidrBlock="10.0.1.0/24"),
        item("internet-gateway", "igw-1", Attachments=[{"VpcId": "vpc-1"}]),
        item("natgateway", "nat-1", State="available", SubnetId="subnet-public", ConnectivityType="public"),
        item(
            "route-table",
            "rtb-public",
            Associations=[{"Main": False, "SubnetId": "subnet-public"}],
            Routes=[{**OUT, "GatewayId": "igw-1"}],
        ),
        item("route-table", "rtb-main", Associations=[{"Main": True}], Routes=[{**OUT, "NatGatewayId": "nat-1"}]),
        item(
            "network-acl",
            "acl-1",
            Associations=[{"SubnetId": "subnet-public"}, {"SubnetId": "subnet-private"}],
            Entries=[entry(100, True, "allow"), entry(100, False, "allow")],
        ),
        rule("sgr-1", "sg-1", True, CidrIpv4="0.0.0.0/0"),
    ]
    known = {one.id: one for one in made}
    for change in changes:
        change(known)
    return Network(known.values())


def with_(item_id: str, **members: Any) -> Change:
    """A network in which an item is otherwise."""

    def change(known: dict[str, Item]) -> None:
        known[item_id] = known[item_id].having(**members)

    return change


def adding(*items: Item) -> Change:
    return lambda known: known.update({one.id: one for one in items})


def without(item_id: str) -> Change:
    def change(known: dict[str, Item]) -> None:
        del known[item_id]

    return change


NO_WAY_OUT = with_("rtb-main", Routes=[])
TO_DYNAMODB = with_("rtb-main", Routes=[{"DestinationPrefixListId": DYNAMODB, "GatewayId": "vpce-1"}])
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}


def endpoint(service: str = "sqs", *, private_dns: bool = True, group: str = "sg-e") -> Item:
    return item(
        "vpc-endpoint",
        "vpce-9",
        ServiceName=f"com.amazonaws.{REGION}.{service}",
        PrivateDnsEnabled=private_dns,
        SubnetIds=["subnet-public"],
        Groups=[{"GroupId": group}],
    )


QUEUE = adding(endpoint(), rule("sgr-e", "sg-e", False, CidrIpv4="10.0.0.0/16"))

REACHED: list[tuple[str, str, list[Change]]] = [
    ("through the NAT gateway", "sqs", []),
    ("a service without endpoints", "iam", []),
    ("through a gateway endpoint, with no way out", "dynamodb", [TO_DYNAMODB]),
    ("through an interface endpoint", "sqs", [NO_WAY_OUT, QUEUE]),
    ("by its own group at the endpoint", "sqs", [NO_WAY_OUT, adding(endpoint(group="sg-1"),
     rule("sgr-2", "sg-1", False, ReferencedGroupInfo={"GroupId": "sg-1"}))]),
    ("by a prefix list that its group lets out to", "dynamodb",
     [TO_DYNAMODB, with_("sgr-1", CidrIpv4=None, PrefixListId=DYNAMODB, **HTTPS)]),
    ("by a rule for HTTPS alone", "sqs", [with_("sgr-1", **HTTPS)]),
    ("by a machine that translates addresses", "sqs",
     [with_("rtb-main", Routes=[{**OUT, "NetworkInterfaceId": "eni-1"}])]),
    ("past an endpoint that has no host name", "sqs", [adding(endpoint(private_dns=False))]),
    ("a network ACL with just what is needed", "sqs", [with_("acl-1", Entries=[
        entry(1, True, "allow", Protocol="6", PortRange={"From": 443, "To": 443}),
        entry(2, False, "allow", Protocol="6", PortRange={"From": 1024, "To": 65535}),
        entry(32767, True, "deny"), entry(32767, False, "deny")])]),
]  # fmt: skip

MISSED: list[tuple[str, str, list[Change], str]] = [
    ("no route", "sqs", [NO_WAY_OUT], "route table rtb-main has no route there. It needs an interface endpoint to "
     "com.amazonaws.us-east-1.sqs, or a NAT gateway"),
    ("no route to a service with a gateway", "dynamodb", [NO_WAY_OUT], "route table rtb-main has no route there. It "
     "needs a gateway endpoint to com.amazonaws.us-east-1.dynamodb, or a NAT gateway"),
    ("no route to a service without endpoints", "iam", [NO_WAY_OUT],
     "route table rtb-main has no route there. It needs a NAT gateway"),
    ("a gateway endpoint to another service", "s3", [TO_DYNAMODB], "has no route there"),
    ("an interface endpoint to another service", "sns", [NO_WAY_OUT, QUEUE], "has no route there"),
    ("an endpoint without a host name", "sqs", [NO_WAY_OUT, adding(endpoint(private_dns=False))], "no route there"),
    ("a NAT gateway that is gone", "sqs", [without("nat-1")], "NAT gateway nat-1 is gone"),
    ("a NAT gateway that was deleted", "sqs", [with_("nat-1", State="deleted")], "NAT gateway nat-1 is gone"),
    ("a private NAT gateway", "sqs", [with_("nat-1", ConnectivityType="private")], "is a private one"),
    ("a NAT gateway in a private subnet", "sqs", [with_("nat-1", SubnetId="subnet-private")],
     "NAT gateway nat-1 is in subnet-private, which has no route to an internet gateway"),
    ("an internet gateway that is not attached", "sqs", [with_("igw-1", Attachments=[])], "no route to an internet"),
    ("a public subnet", "sqs", [with_("rtb-main", Routes=[{**OUT, "GatewayId": "igw-1"}])],
     "route table rtb-main leads to igw-1, and functions have no public address"),
    ("a peering connection", "sqs", [with_("rtb-main", Routes=[{**OUT, "VpcPeeringConnectionId": "pcx-1"}])],
     "leads to pcx-1, by which nothing reaches the internet"),
    ("a group that lets nothing out", "sqs", [without("sgr-1")],
     "no security group of it (sg-1) lets port 443 out to public addresses"),
    ("a group that lets out to the VPC alone", "sqs", [with_("sgr-1", CidrIpv4="10.0.0.0/8")], "to public addresses"),
    ("a group that lets out by another port", "sqs", [with_("sgr-1", IpProtocol="tcp", FromPort=80, ToPort=80)],
     "lets port 443 out"),
    ("a group that lets out by UDP", "sqs", [with_("sgr-1", IpProtocol="udp", FromPort=0, ToPort=65535)], "443 out"),
    ("a group that lets out to the VPC, before a gateway endpoint", "dynamodb",
     [TO_DYNAMODB, with_("sgr-1", CidrIpv4="10.0.0.0/8")], f"lets port 443 out to {DYNAMODB}"),
    ("a group that does not let out to the endpoint", "sqs", [QUEUE, with_("sgr-1", CidrIpv4="192.168.0.0/16")],
     "no security group of it (sg-1) lets port 443 out to vpce-9"),
    ("an endpoint whose group lets nobody in", "sqs", [QUEUE, without("sgr-e")],
     "sg-e of vpce-9 lets port 443 in from neither its groups nor subnet-private"),
    ("a network ACL that lets no request out", "sqs", [with_("acl-1", Entries=[entry(1, False, "allow")])],
     "network ACL acl-1 of subnet-private lets no request out to port 443 of 0.0.0.0/0"),
    ("a network ACL that lets no answer in", "sqs", [with_("acl-1", Entries=[entry(1, True, "allow"),
     entry(1, False, "allow", Protocol="6", PortRange={"From": 443, "To": 443})])],
     "lets no answer in from 0.0.0.0/0 (ports 1024-65535)"),
    ("a network ACL before an endpoint", "sqs", [QUEUE, with_("acl-1", Entries=[entry(1, True, "deny",
     CidrBlock="10.0.0.0/24"), entry(2, True, "allow"), entry(2, False, "allow")])], "port 443 of 10.0.0.0/24"),
]  # fmt: skip


def met(service: str, changes: list[Change], to_region: str = REGION) -> str:
    return obstacle(network(*changes), REGION, "subnet-private", ["sg-1"], service, to_region)


@pytest.mark.parametrize(("service", "changes"), [row[1:] for row in REACHED], ids=[row[0] for row in REACHED])
def test_reached(service: str, changes: list[Change]) -> None:
    assert met(service, changes) == ""


@pytest.mark.parametrize(("service", "changes", "told"), [row[1:] for row in MISSED], ids=[row[0] for row in MISSED])
def test_not_reached(service: str, changes: list[Change], told: str) -> None:
    assert told in met(service, changes)


def test_endpoints_lead_to_their_own_region() -> None:
    assert "has no route there. It needs a NAT gateway" in met("dynamodb", [TO_DYNAMODB], "eu-west-1")
    assert met("dynamodb", [], "eu-west-1") == ""


def test_nothing_is_said_of_a_subnet_that_is_not_known() -> None:
    assert obstacle(network(), REGION, "subnet-elsewhere", [], "sqs", REGION) == ""
