"""Networks out of templates."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

VPC = {
    "Type": "AWS::EC2::VPC",
    "Properties": {
        "CidrBlock": "10.0.0.0/16",
        "EnableDnsHostnames": True,
        "EnableDnsSupport": "true",
        "InstanceTenancy": "default",
        "Tags": [{"Key": "Name", "Value": "shop"}],
    },
}
TO_VPC = {"VpcId": {"Ref": "Vpc"}}


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::EC2::{kind}", "Properties": properties}


def subnet(number: int, public: bool) -> dict[str, Any]:
    zone = {"Fn::Select": [number % 2, {"Fn::GetAZs": ""}]}
    block = {"Fn::Select": [number, {"Fn::Cidr": [{"Fn::GetAtt": ["Vpc", "CidrBlock"]}, 4, "8"]}]}
    return resource("Subnet", **TO_VPC, AvailabilityZone=zone, CidrBlock=block, MapPublicIpOnLaunch=public)


def network() -> dict[str, Any]:
    """As CDK's `ec2.Vpc` has it: public and private subnets, a NAT gateway, and an endpoint to S3."""
    to_anywhere = {"DestinationCidrBlock": "0.0.0.0/0"}
    made: dict[str, Any] = {
        "Vpc": VPC,
        "Public": subnet(0, True),
        "Private": subnet(1, False),
        "Gateway": resource("InternetGateway", Tags=[{"Key": "Name", "Value": "shop"}]),
        "Attachment": resource("VPCGatewayAttachment", **TO_VPC, InternetGatewayId={"Ref": "Gateway"}),
        "Address": resource("EIP", Domain="vpc"),
        "Nat": resource(
            "NatGateway", SubnetId={"Ref": "Public"}, AllocationId={"Fn::GetAtt": ["Address", "AllocationId"]}
        ),
        "S3": resource(
            "VPCEndpoint",
            **TO_VPC,
            ServiceName={"Fn::Join": ["", ["com.amazonaws.", {"Ref": "AWS::Region"}, ".s3"]]},
            RouteTableIds=[{"Ref": "PrivateTable"}],
            VpcEndpointType="Gateway",
        ),
    }
    for name, route in (("Public", {"GatewayId": {"Ref": "Gateway"}}), ("Private", {"NatGatewayId": {"Ref": "Nat"}})):
        made[f"{name}Table"] = resource("RouteTable", **TO_VPC)
        made[f"{name}Association"] = resource(
            "SubnetRouteTableAssociation", RouteTableId={"Ref": f"{name}Table"}, SubnetId={"Ref": name}
        )
        made[f"{name}Route"] = resource("Route", RouteTableId={"Ref": f"{name}Table"}, **to_anywhere, **route)
    made["PublicRoute"]["DependsOn"] = made["Nat"]["DependsOn"] = ["Attachment"]
    return made


@pytest.fixture
def stack(kumoi: Any) -> Any:
    """Create or update a stack and wait; its outputs, each a Ref or a GetAtt. It is deleted in the end."""
    client = kumoi.client("cloudformation")
    before = len(kumoi.client("ec2").describe_vpcs()["Vpcs"])

    def apply(action: str, resources: dict[str, Any], **outputs: Any) -> dict[str, str]:
        template = {"Resources": resources, "Outputs": {name: {"Value": one} for name, one in outputs.items()}}
        getattr(client, f"{action}_stack")(StackName="net", TemplateBody=json.dumps(template))
        waiter = client.get_waiter(f"stack_{action}_complete")
        waiter.wait(StackName="net", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        found = client.describe_stacks(StackName="net")["Stacks"][0].get("Outputs", [])
        return {one["OutputKey"]: one["OutputValue"] for one in found}

    yield apply
    client.delete_stack(StackName="net")
    client.get_waiter("stack_delete_complete").wait(StackName="net", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert len(kumoi.client("ec2").describe_vpcs()["Vpcs"]) == before


Apply = Callable[..., dict[str, str]]


def test_a_template_makes_a_network(ec2: Any, stack: Apply, filtered: Any) -> None:
    made = stack(
        "create",
        network(),
        Vpc={"Ref": "Vpc"},
        Group={"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]},
        Private={"Ref": "Private"},
        Zone={"Fn::GetAtt": ["Private", "AvailabilityZone"]},
        Address={"Ref": "Address"},
        Nat={"Ref": "Nat"},
        Endpoint={"Ref": "S3"},
        Table={"Ref": "PrivateTable"},
        Route={"Ref": "PrivateRoute"},
        Attachment={"Ref": "Attachment"},
    )
    assert (made["Zone"], made["Attachment"]) == ("us-east-1b", f"IGW|{made['Vpc']}")
    assert made["Route"] == f"{made['Table']}|0.0.0.0/0"
    (table,) = ec2.describe_route_tables(Filters=filtered(**{"association.subnet-id": made["Private"]}))["RouteTables"]
    assert table["RouteTableId"] == made["Table"]
    targets = {one.get("NatGatewayId") or one["GatewayId"] for one in table["Routes"]}
    assert targets == {"local", made["Nat"], made["Endpoint"]}
    (nat,) = ec2.describe_nat_gateways(NatGatewayIds=[made["Nat"]])["NatGateways"]
    assert nat["NatGatewayAddresses"][0]["PublicIp"] == made["Address"]
    (group,) = ec2.describe_security_groups(GroupIds=[made["Group"]])["SecurityGroups"]
    assert (group["GroupName"], group["VpcId"]) == ("default", made["Vpc"])
    (vpc,) = ec2.describe_vpcs(Filters=filtered(**{"tag:aws:cloudformation:logical-id": "Vpc"}))["Vpcs"]
    assert vpc["VpcId"] == made["Vpc"]


def test_groups_and_their_rules_change(ec2: Any, stack: Apply) -> None:
    https = {"IpProtocol": "tcp", "FromPort": "443", "ToPort": 443, "CidrIp": "0.0.0.0/0", "Description": "from all"}
    out = {"IpProtocol": "-1", "CidrIp": "10.0.0.0/8"}
    group = {**TO_VPC, "GroupDescription": "web"}
    other = {"SourceSecurityGroupId": {"Fn::GetAtt": ["Web", "GroupId"]}, "GroupId": {"Ref": "Data"}}
    rule = {**other, "IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432}
    resources = {
        "Vpc": VPC,
        "Web": resource("SecurityGroup", **group, SecurityGroupIngress=[https]),
        "Data": resource("SecurityGroup", **TO_VPC, GroupDescription="data", SecurityGroupEgress=[out]),
        "Rule": resource("SecurityGroupIngress", **rule),
    }
    outputs = {name: {"Ref": name} for name in ("Web", "Data", "Rule")}
    made = stack("create", resources, **outputs)

    def told(name: str) -> tuple[list[Any], list[Any]]:
        (one,) = ec2.describe_security_groups(GroupIds=[made[name]])["SecurityGroups"]
        into = [(rule["FromPort"], rule["UserIdGroupPairs"] or rule["IpRanges"]) for rule in one["IpPermissions"]]
        return into, [rule["IpRanges"][0]["CidrIp"] for rule in one["IpPermissionsEgress"]]

    assert told("Web") == ([(443, [{"CidrIp": "0.0.0.0/0", "Description": "from all"}])], ["0.0.0.0/0"])
    assert told("Data")[1] == ["10.0.0.0/8"]
    assert told("Data")[0][0][1][0]["GroupId"] == made["Web"]
    resources["Web"] = resource("SecurityGroup", **group, SecurityGroupIngress=[{**https, "ToPort": 444}],
                                SecurityGroupEgress=[out])  # fmt: skip
    resources["Data"] = resource("SecurityGroup", **TO_VPC, GroupDescription="data")
    resources["Rule"] = resource("SecurityGroupIngress", **rule, Description="the shop")
    assert stack("update", resources, **outputs) == made
    assert told("Web")[1] == ["10.0.0.0/8"]
    assert told("Data")[1] == ["0.0.0.0/0"]
    (one,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[made["Rule"]])["SecurityGroupRules"]
    assert one["Description"] == "the shop"


def test_what_changes_in_a_network_keeps_its_id(ec2: Any, stack: Apply) -> None:
    resources = network()
    resources["Acl"] = resource("NetworkAcl", **TO_VPC)
    entry = {"NetworkAclId": {"Ref": "Acl"}, "RuleNumber": 100, "Protocol": 6, "RuleAction": "allow"}
    ports = {"CidrBlock": "0.0.0.0/0", "PortRange": {"From": "443", "To": "443"}}
    resources["Entry"] = resource("NetworkAclEntry", **entry, **ports, Egress="true")
    resources["Border"] = resource(
        "SubnetNetworkAclAssociation", SubnetId={"Ref": "Private"}, NetworkAclId={"Ref": "Acl"}
    )
    resources["Log"] = resource(
        "FlowLog", ResourceId={"Ref": "Vpc"}, ResourceType="VPC", TrafficType="ALL", LogGroupName="flows"
    )
    resources["Options"] = resource("DHCPOptions", DomainName="shop.internal", DomainNameServers=["AmazonProvidedDNS"])
    resources["Given"] = resource("VPCDHCPOptionsAssociation", **TO_VPC, DhcpOptionsId={"Ref": "Options"})
    resources["Out"] = resource("EgressOnlyInternetGateway", **TO_VPC)
    resources["More"] = resource("VPCCidrBlock", **TO_VPC, CidrBlock="10.1.0.0/16")
    resources["Queue"] = resource(
        "VPCEndpoint",
        **TO_VPC,
        ServiceName="com.amazonaws.us-east-1.sqs",
        VpcEndpointType="Interface",
        SubnetIds=[{"Ref": "Private"}],
        PrivateDnsEnabled=True,
    )
    outputs: dict[str, Any] = {
        name: {"Ref": name} for name in ("Vpc", "Private", "Acl", "Queue", "PublicTable", "Log", "Options")
    }
    outputs["Names"] = {"Fn::Join": [",", {"Fn::GetAtt": ["Queue", "DnsEntries"]}]}
    made = stack("create", resources, **outputs)
    assert made.pop("Names").endswith(":sqs.us-east-1.amazonaws.com")
    (vpc,) = ec2.describe_vpcs(VpcIds=[made["Vpc"]])["Vpcs"]
    assert (vpc["DhcpOptionsId"], len(vpc["CidrBlockAssociationSet"])) == (made["Options"], 2)
    (acl,) = ec2.describe_network_acls(NetworkAclIds=[made["Acl"]])["NetworkAcls"]
    assert acl["Entries"][0]["PortRange"] == {"From": 443, "To": 443}
    assert [one["SubnetId"] for one in acl["Associations"]] == [made["Private"]]
    (log,) = ec2.describe_flow_logs(FlowLogIds=[made["Log"]])["FlowLogs"]
    assert (log["ResourceId"], log["FlowLogStatus"]) == (made["Vpc"], "ACTIVE")

    resources["Vpc"] = resource("VPC", **{**VPC["Properties"], "EnableDnsHostnames": True, "Tags": []})  # type: ignore[dict-item]
    resources["Private"]["Properties"]["MapPublicIpOnLaunch"] = "true"
    resources["PrivateRoute"]["Properties"].pop("NatGatewayId")
    resources["PrivateRoute"]["Properties"]["GatewayId"] = {"Ref": "Gateway"}
    resources["PrivateAssociation"]["Properties"]["RouteTableId"] = {"Ref": "PublicTable"}
    resources["Entry"]["Properties"]["RuleAction"] = "deny"
    resources["Queue"]["Properties"]["SubnetIds"] = [{"Ref": "Public"}]
    resources["S3"]["Properties"]["RouteTableIds"] = [{"Ref": "PublicTable"}]
    again = stack("update", resources, **outputs)
    assert again.pop("Names")
    assert again == made
    (private,) = ec2.describe_subnets(SubnetIds=[made["Private"]])["Subnets"]
    assert private["MapPublicIpOnLaunch"]
    (table,) = ec2.describe_route_tables(RouteTableIds=[made["PublicTable"]])["RouteTables"]
    assert made["Private"] in {one.get("SubnetId") for one in table["Associations"]}
    assert any("DestinationPrefixListId" in one for one in table["Routes"])
    (acl,) = ec2.describe_network_acls(NetworkAclIds=[made["Acl"]])["NetworkAcls"]
    assert acl["Entries"][0]["RuleAction"] == "deny"
    (endpoint,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[made["Queue"]])["VpcEndpoints"]
    assert endpoint["SubnetIds"] != [made["Private"]]
