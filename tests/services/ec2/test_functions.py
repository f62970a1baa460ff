"""Functions in subnets: where they are, what stands in their way on AWS, and what they stand in the way of."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

CALLING = """
import boto3

def handler(event, context):
    for service, operation, params in event:
        getattr(boto3.client(service), operation)(**params)
"""
TABLES: list[Any] = ["dynamodb", "list_tables", {}]
QUEUES: list[Any] = ["sqs", "list_queues", {}]
Make = Callable[..., Any]


@pytest.fixture
def function(kumoi: Any, zipped: Any) -> Make:
    """Make a function in subnets; what it answers."""

    def make(subnets: list[str], groups: list[str], name: str = "inside") -> Any:
        return kumoi.client("lambda").create_function(
            FunctionName=name,
            Runtime=f"python3.{sys.version_info.minor}",
            Role=f"arn:aws:iam::{kumoi.account}:role/r",
            Handler="app.handler",
            Timeout=60,
            Code={"ZipFile": zipped({"app.py": CALLING})},
            VpcConfig={"SubnetIds": subnets, "SecurityGroupIds": groups},
        )

    return make


@pytest.fixture
def group(ec2: Any, vpc: str) -> str:
    return str(ec2.create_security_group(GroupName="functions", Description="d", VpcId=vpc)["GroupId"])


@pytest.fixture
def warnings(kumoi: Any) -> Callable[..., str]:
    """Have the function call services; what its invocation warns of."""

    def told(*calls: list[Any]) -> str:
        answer = kumoi.client("lambda").invoke(FunctionName="inside", Payload=json.dumps(calls))
        assert "FunctionError" not in answer, answer["Payload"].read()
        with urllib.request.urlopen(f"{kumoi.url}/_kumoi/hops?account={kumoi.account}&limit=200") as found:
            hops = [one for one in json.load(found)["hops"] if one["operation"] == "Invoke"]
        return str(max(hops, key=lambda one: one["time"])["warning"])

    return told


def test_a_function_is_in_the_vpc_of_its_subnets(kumoi: Any, vpc: str, subnet: Any, group: str, function: Make) -> None:
    first, second = subnet(1), subnet(2)
    assert function([first], [group])["VpcConfig"]["VpcId"] == vpc
    changed = {"SubnetIds": [second], "SecurityGroupIds": [group]}
    answer = kumoi.client("lambda").update_function_configuration(FunctionName="inside", VpcConfig=changed)
    assert answer["VpcConfig"] == {**changed, "VpcId": vpc}


def test_ids_that_there_are_not_are_refused(
    ec2: Any, vpc: str, subnet: Any, group: str, function: Make, refused: Any
) -> None:
    name = subnet()
    default = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]["SubnetId"]
    missing = "subnet-00000000000000000"
    said = "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. EC2 Error Message: "
    right = ("InvalidParameterValueException", f"{said}The subnet ID '{missing}' does not exist")
    assert refused(function, subnets=[name, missing], groups=[group]) == right
    code, text = refused(function, subnets=[name], groups=["sg-00000000000000000"])
    assert "EC2 Error Code: InvalidGroup.NotFound. EC2 Error Message: The security group 'sg-" in text
    assert "must coexist" in refused(function, subnets=[name], groups=[])[1]
    assert "same VPC" in refused(function, subnets=[name, default], groups=[group])[1]
    assert code == "InvalidParameterValueException"


def test_ids_are_only_names_where_nobody_made_a_network(function: Make) -> None:
    made = function(["subnet-1"], ["sg-1"])
    assert made["VpcConfig"] == {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"], "VpcId": ""}


def test_calls_that_would_hang_on_aws_are_told(
    ec2: Any, vpc: str, subnet: Any, group: str, function: Make, warnings: Callable[..., str]
) -> None:
    name = subnet()
    function([name], [group])
    (table,) = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    table_id = table["RouteTableId"]
    told = (
        f"on AWS its calls to dynamodb would hang in {name}: route table {table_id} has no route there. It needs a "
        "gateway endpoint to com.amazonaws.us-east-1.dynamodb, or a NAT gateway"
    )
    assert warnings() == ""
    assert warnings(TABLES) == told
    service = "com.amazonaws.us-east-1.dynamodb"
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=service, RouteTableIds=[table_id])
    assert warnings(TABLES) == ""
    assert warnings(TABLES, QUEUES).startswith(f"on AWS its calls to sqs would hang in {name}: ")


def test_a_subnet_is_not_deleted_while_a_function_is_in_it(
    kumoi: Any, ec2: Any, subnet: Any, group: str, function: Make, refused: Any
) -> None:
    name = subnet()
    function([name], [group])
    function([name], [group], "other")
    (interface,) = ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [name]}])[
        "NetworkInterfaces"
    ]
    assert interface["Description"].startswith("AWS Lambda VPC ENI-")
    assert [one["GroupId"] for one in interface["Groups"]] == [group]
    assert refused(ec2.delete_subnet, SubnetId=name)[0] == "DependencyViolation"
    assert refused(ec2.delete_security_group, GroupId=group)[0] == "DependencyViolation"
    for one in ("inside", "other"):
        kumoi.client("lambda").delete_function(FunctionName=one)
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    ec2.delete_subnet(SubnetId=name)
    ec2.delete_security_group(GroupId=group)
