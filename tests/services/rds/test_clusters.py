"""boto3 and clusters: the waiters succeed, pages, tags, what is refused, and templates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.pytest_plugin import KumoiAccount

CLUSTER = {
    "DBClusterIdentifier": "Main",
    "Engine": "aurora-postgresql",
    "MasterUsername": "admin",
    "MasterUserPassword": "correct-horse",
}


@pytest.fixture
def rds(kumoi: KumoiAccount) -> Any:
    return kumoi.client("rds")


def test_a_clusters_life(rds: Any) -> None:
    made = rds.create_db_cluster(**CLUSTER, Tags=[{"Key": "a", "Value": "1"}])["DBCluster"]
    assert (made["DBClusterIdentifier"], made["Status"], made["Port"]) == ("main", "available", 5432)
    rds.get_waiter("db_cluster_available").wait(DBClusterIdentifier="main")
    instance = {"DBInstanceIdentifier": "one", "DBInstanceClass": "db.serverless", "Engine": "aurora-postgresql"}
    rds.create_db_instance(**instance, DBClusterIdentifier="main")
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="one")
    (found,) = rds.describe_db_clusters(Filters=[{"Name": "engine", "Values": ["aurora-postgresql"]}])["DBClusters"]
    assert [one["DBInstanceIdentifier"] for one in found["DBClusterMembers"]] == ["one"]
    with pytest.raises(ClientError) as refused:
        rds.delete_db_cluster(DBClusterIdentifier="main", SkipFinalSnapshot=True)
    assert refused.value.response["Error"]["Code"] == "InvalidDBClusterStateFault"
    rds.add_tags_to_resource(ResourceName=made["DBClusterArn"], Tags=[{"Key": "b", "Value": "2"}])
    rds.remove_tags_from_resource(ResourceName=made["DBClusterArn"], TagKeys=["a"])
    assert rds.list_tags_for_resource(ResourceName=made["DBClusterArn"])["TagList"] == [{"Key": "b", "Value": "2"}]
    rds.delete_db_instance(DBInstanceIdentifier="one")
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="one")
    rds.modify_db_cluster(DBClusterIdentifier="main", DeletionProtection=True)
    with pytest.raises(ClientError):
        rds.delete_db_cluster(DBClusterIdentifier="main", SkipFinalSnapshot=True)
    rds.modify_db_cluster(DBClusterIdentifier="main", DeletionProtection=False)
    rds.delete_db_cluster(DBClusterIdentifier="main", SkipFinalSnapshot=True)
    rds.get_waiter("db_cluster_deleted").wait(DBClusterIdentifier="main")


def test_settings_without_effect_are_told_as_they_were_given(rds: Any) -> None:
    more = {"StorageEncrypted": True, "BackupRetentionPeriod": 3, "VpcSecurityGroupIds": ["sg-1"]}
    rds.create_db_cluster(**CLUSTER, **more, DBSubnetGroupName="net", EnableCloudwatchLogsExports=["postgresql"])
    rds.modify_db_cluster(
        DBClusterIdentifier="main",
        BackupRetentionPeriod=5,
        CloudwatchLogsExportConfiguration={"EnableLogTypes": ["a"], "DisableLogTypes": ["postgresql"]},
    )
    (found,) = rds.describe_db_clusters()["DBClusters"]
    assert (found["StorageEncrypted"], found["BackupRetentionPeriod"]) == (True, 5)
    assert found["VpcSecurityGroups"] == [{"VpcSecurityGroupId": "sg-1", "Status": "active"}]
    assert (found["DBSubnetGroup"], found["EnabledCloudwatchLogsExports"]) == ("net", ["a"])
    instance = {"DBInstanceIdentifier": "one", "DBInstanceClass": "db.t4g.medium", "Engine": "aurora-postgresql"}
    rds.create_db_instance(**instance, DBClusterIdentifier="main", PromotionTier=1)
    rds.modify_db_instance(DBInstanceIdentifier="one", DBInstanceClass="db.r6g.large", PromotionTier=2)
    (member,) = rds.describe_db_instances()["DBInstances"]
    assert (member["DBInstanceClass"], member["PromotionTier"]) == ("db.r6g.large", 2)
    assert (member["EngineVersion"], member["Endpoint"]["Port"]) == (found["EngineVersion"], 5432)
    with pytest.raises(ClientError) as refused:
        rds.modify_db_instance(DBInstanceIdentifier="other")
    assert refused.value.response["Error"]["Code"] == "DBInstanceNotFound"


def test_no_cluster_belongs_to_a_global_one(rds: Any) -> None:
    assert rds.describe_global_clusters()["GlobalClusters"] == []
    with pytest.raises(ClientError) as refused:
        rds.describe_global_clusters(GlobalClusterIdentifier="g")
    assert refused.value.response["Error"]["Code"] == "GlobalClusterNotFoundFault"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"Engine": "oracle-ee"}, "InvalidParameterValue"),
        ({"DBClusterIdentifier": "a--b"}, "InvalidParameterValue"),
        ({"MasterUserPassword": "short"}, "InvalidParameterValue"),
        ({"ManageMasterUserPassword": True}, "InvalidParameterCombination"),
    ],
)
def test_what_no_cluster_can_be(rds: Any, changed: dict[str, Any], error: str) -> None:
    with pytest.raises(ClientError) as refused:
        rds.create_db_cluster(**{**CLUSTER, **changed})
    assert refused.value.response["Error"]["Code"] == error


def test_names_are_taken_once_and_unknown_ones_not_found(rds: Any) -> None:
    rds.create_db_cluster(**CLUSTER)
    with pytest.raises(ClientError) as refused:
        rds.create_db_cluster(**CLUSTER)
    assert refused.value.response["Error"]["Code"] == "DBClusterAlreadyExistsFault"
    with pytest.raises(ClientError) as refused:
        rds.describe_db_clusters(DBClusterIdentifier="none")
    assert refused.value.response["Error"]["Code"] == "DBClusterNotFoundFault"


def test_a_template_makes_a_cluster(kumoi: KumoiAccount, rds: Any) -> None:
    template = {
        "Resources": {
            "Cluster": {
                "Type": "AWS::RDS::DBCluster",
                "Properties": {
                    "Engine": "aurora-postgresql",
                    "MasterUsername": "admin",
                    "ManageMasterUserPassword": True,
                    "EnableHttpEndpoint": True,
                    "DatabaseName": "shop",
                },
            },
            "Writer": {
                "Type": "AWS::RDS::DBInstance",
                "Properties": {
                    "DBClusterIdentifier": {"Ref": "Cluster"},
                    "DBInstanceClass": "db.serverless",
                    "Engine": "aurora-postgresql",
                },
            },
        },
        "Outputs": {
            "Arn": {"Value": {"Fn::GetAtt": ["Cluster", "DBClusterArn"]}},
            "Secret": {"Value": {"Fn::GetAtt": ["Cluster", "MasterUserSecret.SecretArn"]}},
        },
    }
    cloudformation = kumoi.client("cloudformation")
    cloudformation.create_stack(StackName="db", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="db", WaiterConfig={"Delay": 1})
    (stack,) = cloudformation.describe_stacks(StackName="db")["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    answer = kumoi.client("rds-data").execute_statement(
        resourceArn=outputs["Arn"], secretArn=outputs["Secret"], sql="select 1 as one"
    )
    assert answer["records"] == [[{"longValue": 1}]]
    cloudformation.delete_stack(StackName="db")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="db", WaiterConfig={"Delay": 1})
    assert rds.describe_db_clusters()["DBClusters"] == []
