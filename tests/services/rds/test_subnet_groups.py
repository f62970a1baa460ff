"""DB subnet groups: of subnets in two zones of one VPC, with boto3 and in templates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

ABOUT = {"DBSubnetGroupDescription": "of the shop"}


@pytest.fixture
def rds(kumoi: Any) -> Any:
    return kumoi.client("rds")


def code_of(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**params)
    return str(error.value.response["Error"]["Code"])


def test_a_group_has_the_vpc_of_its_subnets(kumoi: Any, rds: Any) -> None:
    ec2 = kumoi.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    own = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{at}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for at, zone in enumerate("abb")
    ]
    made = rds.create_db_subnet_group(
        DBSubnetGroupName="Shop", SubnetIds=own[:2], Tags=[{"Key": "team", "Value": "a"}], **ABOUT
    )["DBSubnetGroup"]
    assert (made["DBSubnetGroupName"], made["VpcId"], made["SubnetGroupStatus"]) == ("shop", vpc, "Complete")
    zones = {one["SubnetIdentifier"]: one["SubnetAvailabilityZone"]["Name"] for one in made["Subnets"]}
    assert zones == {own[0]: "us-east-1a", own[1]: "us-east-1b"}
    arn = made["DBSubnetGroupArn"]
    assert rds.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "team", "Value": "a"}]
    again = {"DBSubnetGroupName": "shop", **ABOUT}
    assert code_of(rds.create_db_subnet_group, SubnetIds=own, **again) == "DBSubnetGroupAlreadyExists"
    other = {"DBSubnetGroupName": "other", **ABOUT}
    assert code_of(rds.create_db_subnet_group, SubnetIds=own[1:], **other) == "DBSubnetGroupDoesNotCoverEnoughAZs"
    missing = [own[0], "subnet-00000000000000000"]
    assert code_of(rds.create_db_subnet_group, SubnetIds=missing, **other) == "InvalidSubnet"
    rds.modify_db_subnet_group(DBSubnetGroupName="shop", SubnetIds=own)
    (found,) = rds.describe_db_subnet_groups(DBSubnetGroupName="shop")["DBSubnetGroups"]
    assert len(found["Subnets"]) == 3
    cluster = {"DBClusterIdentifier": "main", "Engine": "aurora-postgresql", "MasterUsername": "admin"}
    rds.create_db_cluster(**cluster, MasterUserPassword="correct-horse", DBSubnetGroupName="shop")
    assert code_of(rds.delete_db_subnet_group, DBSubnetGroupName="shop") == "InvalidDBSubnetGroupStateFault"
    rds.delete_db_cluster(DBClusterIdentifier="main", SkipFinalSnapshot=True)
    rds.delete_db_subnet_group(DBSubnetGroupName="shop")
    assert code_of(rds.describe_db_subnet_groups, DBSubnetGroupName="shop") == "DBSubnetGroupNotFoundFault"


def test_a_group_of_names_that_mean_nothing_here(rds: Any) -> None:
    made = rds.create_db_subnet_group(DBSubnetGroupName="net", SubnetIds=["subnet-1", "subnet-2"], **ABOUT)
    assert made["DBSubnetGroup"]["VpcId"] == ""


def test_a_group_out_of_a_template(kumoi: Any, rds: Any) -> None:
    subnets = [one["SubnetId"] for one in kumoi.client("ec2").describe_subnets()["Subnets"]]
    resources = {
        "Group": {
            "Type": "AWS::RDS::DBSubnetGroup",
            "Properties": {"DBSubnetGroupDescription": "net", "SubnetIds": subnets},
        },
        "Cluster": {
            "Type": "AWS::RDS::DBCluster",
            "Properties": {
                "Engine": "aurora-mysql",
                "MasterUsername": "admin",
                "MasterUserPassword": {"Fn::Sub": "{{resolve:secretsmanager:${Secret}:SecretString:password::}}"},
                "DBSubnetGroupName": {"Ref": "Group"},
            },
        },
        "Secret": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {
                "GenerateSecretString": {
                    "SecretStringTemplate": '{"username": "admin"}',
                    "GenerateStringKey": "password",
                    "ExcludePunctuation": True,
                }
            },
        },
        "Attachment": {
            "Type": "AWS::SecretsManager::SecretTargetAttachment",
            "Properties": {
                "SecretId": {"Ref": "Secret"},
                "TargetId": {"Ref": "Cluster"},
                "TargetType": "AWS::RDS::DBCluster",
            },
        },
    }
    client = kumoi.client("cloudformation")
    client.create_stack(StackName="data", TemplateBody=json.dumps({"Resources": resources}))
    often = {"Delay": 1, "MaxAttempts": 60}
    client.get_waiter("stack_create_complete").wait(StackName="data", WaiterConfig=often)
    (group,) = rds.describe_db_subnet_groups()["DBSubnetGroups"]
    (cluster,) = rds.describe_db_clusters()["DBClusters"]
    assert cluster["DBSubnetGroup"] == group["DBSubnetGroupName"]
    secrets = kumoi.client("secretsmanager")
    (secret,) = secrets.list_secrets()["SecretList"]
    told = json.loads(secrets.get_secret_value(SecretId=secret["ARN"])["SecretString"])
    assert (told["username"], told["engine"], told["port"]) == ("admin", "mysql", 3306)
    assert (told["host"], told["dbClusterIdentifier"]) == (cluster["Endpoint"], cluster["DBClusterIdentifier"])
    client.delete_stack(StackName="data")
    client.get_waiter("stack_delete_complete").wait(StackName="data", WaiterConfig=often)
    assert rds.describe_db_subnet_groups()["DBSubnetGroups"] == []
