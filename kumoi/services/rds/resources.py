"""RDS' CloudFormation resource types. Source: "Amazon RDS resource type reference"."""

from __future__ import annotations

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType

_CLUSTER = (
    *("DatabaseName", "DeletionProtection", "Engine", "EngineMode", "EngineVersion", "EnableHttpEndpoint"),
    *("ManageMasterUserPassword", "MasterUsername", "MasterUserPassword", "Port", "ServerlessV2ScalingConfiguration"),
    *("DBSubnetGroupName", "VpcSecurityGroupIds", "Tags"),
)
_CHANGED = ("DeletionProtection", "EnableHttpEndpoint", "EngineVersion", "MasterUserPassword", "Port")


def _name(call: ResourceCall) -> str:
    return call.name("DBClusterIdentifier", 63).lower()


async def _create_cluster(call: ResourceCall) -> Resource:
    name = _name(call)
    answer = await call.ask("rds", "CreateDBCluster", DBClusterIdentifier=name, **call.given(*_CLUSTER))
    return _cluster(answer["DBCluster"])


async def _update_cluster(call: ResourceCall) -> Resource:
    given = call.given(*_CHANGED, "ServerlessV2ScalingConfiguration")
    answer = await call.ask("rds", "ModifyDBCluster", DBClusterIdentifier=call.physical_id, **given)
    return _cluster(answer["DBCluster"])


def _cluster(found: dict[str, object]) -> Resource:
    secret = found.get("MasterUserSecret")
    attributes = {
        "DBClusterArn": found["DBClusterArn"],
        "DBClusterResourceId": found["DbClusterResourceId"],
        "Endpoint.Address": found["Endpoint"],
        "Endpoint.Port": str(found["Port"]),
        "ReadEndpoint.Address": found["ReaderEndpoint"],
    }
    if isinstance(secret, dict):
        attributes["MasterUserSecret.SecretArn"] = secret["SecretArn"]
    return Resource(str(found["DBClusterIdentifier"]), attributes)


async def _delete_cluster(call: ResourceCall) -> None:
    await call.ask("rds", "DeleteDBCluster", DBClusterIdentifier=call.physical_id, SkipFinalSnapshot=True)


async def _create_instance(call: ResourceCall) -> Resource:
    name = call.name("DBInstanceIdentifier", 63).lower()
    given = call.given("DBClusterIdentifier", "DBInstanceClass", "Engine", "Tags")
    answer = await call.ask("rds", "CreateDBInstance", DBInstanceIdentifier=name, **given)
    found = answer["DBInstance"]
    return Resource(name, {"DBInstanceArn": found["DBInstanceArn"], "DbiResourceId": found["DbiResourceId"]})


async def _delete_instance(call: ResourceCall) -> None:
    await call.ask("rds", "DeleteDBInstance", DBInstanceIdentifier=call.physical_id)


_GROUP = ("DBSubnetGroupDescription", "SubnetIds")


async def _create_group(call: ResourceCall) -> Resource:
    name = call.name("DBSubnetGroupName", 255).lower()
    told = call.given(*_GROUP, "Tags")
    answer = await call.ask("rds", "CreateDBSubnetGroup", DBSubnetGroupName=name, **told)
    return Resource(name, {"DBSubnetGroupArn": answer["DBSubnetGroup"]["DBSubnetGroupArn"]})


async def _update_group(call: ResourceCall) -> Resource:
    await call.ask("rds", "ModifyDBSubnetGroup", DBSubnetGroupName=call.physical_id, **call.given(*_GROUP))
    return Resource(call.physical_id, call.attributes)


async def _delete_group(call: ResourceCall) -> None:
    await call.ask("rds", "DeleteDBSubnetGroup", DBSubnetGroupName=call.physical_id)


RESOURCES = (
    ResourceType(
        "AWS::RDS::DBCluster",
        _create_cluster,
        _delete_cluster,
        _update_cluster,
        replaced_by=frozenset(
            ("DBClusterIdentifier", "DBSubnetGroupName", "DatabaseName", "Engine", "EngineMode", "MasterUsername")
        ),
    ),
    ResourceType("AWS::RDS::DBInstance", _create_instance, _delete_instance),
    ResourceType(
        "AWS::RDS::DBSubnetGroup",
        _create_group,
        _delete_group,
        _update_group,
        replaced_by=frozenset(("DBSubnetGroupName",)),
    ),
)
