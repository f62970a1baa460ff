"""Instances of clusters: what templates and tools create beside a cluster. They run nothing of their own."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.rds import rds
from kumoi.services.rds.naming import combination, identifier, instance_arn, invalid, no_cluster, no_instance
from kumoi.services.rds.paging import matching, page, tags_of
from kumoi.services.rds.records import Cluster, Instance, clusters, instances
from kumoi.services.rds.settings import INSTANCE, kept, told
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@rds.operation(name="CreateDBInstance")
async def create_db_instance(
    call: Call, DBInstanceIdentifier: str, DBInstanceClass: str, Engine: str, **given: Any
) -> dict[str, Any]:
    """Add an instance to a cluster. One without a cluster would be a server to connect to: there is none."""
    name = identifier(DBInstanceIdentifier, "DBInstanceIdentifier")
    cluster = given.get("DBClusterIdentifier")
    if cluster is None:
        raise aws_error(
            "NotImplemented",
            "Kumoi has no database servers, only Aurora clusters behind the Data API: name a DBClusterIdentifier.",
            status=501,
        )
    instance = Instance(
        name=name,
        resource_id=f"db-{uuid().replace('-', '').upper()[:26]}",
        cluster=cluster.lower(),
        engine=Engine,
        kind=DBInstanceClass,
        created=call.now,
        tags=tags_of(given.get("Tags") or ()),
        settings=kept(given, INSTANCE),
    )
    return {"DBInstance": _describe(call, await _create(call.state, instance), instance)}


@rds.operation(name="DescribeDBInstances")
async def describe_db_instances(
    call: Call,
    DBInstanceIdentifier: str | None = None,
    Filters: list[dict[str, Any]] | None = None,
    MaxRecords: int = 100,
    Marker: str | None = None,
) -> dict[str, Any]:
    """Instances by name."""
    found, owners = await _all(call.state)
    if DBInstanceIdentifier is not None:
        name = DBInstanceIdentifier.rpartition(":")[2].lower()
        found = [one for one in found if one.name == name]
        if not found:
            raise no_instance(name)
    found = matching(
        found,
        Filters,
        {
            "db-instance-id": lambda one: (one.name, instance_arn(call.account, call.region, one.name)),
            "db-cluster-id": lambda one: (one.cluster,),
            "engine": lambda one: (one.engine,),
        },
    )
    shown, more = page(found, lambda one: one.name, Marker, MaxRecords)
    return {"DBInstances": [_describe(call, owners[one.cluster], one) for one in shown], **more}


@rds.operation(name="ModifyDBInstance")
async def modify_db_instance(
    call: Call, DBInstanceIdentifier: str, DBInstanceClass: str | None = None, **given: Any
) -> dict[str, Any]:
    """Change an instance's class and settings, at once."""
    if "NewDBInstanceIdentifier" in given:
        raise aws_error("NotImplemented", "Kumoi does not rename instances: see docs/rds.md.", status=501)
    cluster, instance = await _modify(call.state, DBInstanceIdentifier.lower(), DBInstanceClass, given)
    return {"DBInstance": _describe(call, cluster, instance)}


@rds.operation(name="DeleteDBInstance")
async def delete_db_instance(
    call: Call,
    DBInstanceIdentifier: str,
    SkipFinalSnapshot: bool = False,
    FinalDBSnapshotIdentifier: str | None = None,
    DeleteAutomatedBackups: bool = True,
) -> dict[str, Any]:
    """Remove an instance from its cluster."""
    if FinalDBSnapshotIdentifier is not None:
        raise combination("FinalDBSnapshotIdentifier can not be specified when deleting a cluster instance")
    cluster, instance = await _delete(call.state, DBInstanceIdentifier.lower())
    return {"DBInstance": {**_describe(call, cluster, instance), "DBInstanceStatus": "deleting"}}


def _describe(call: Call, cluster: Cluster, instance: Instance) -> dict[str, Any]:
    host = f"{instance.name}.{cluster.resource_id[-12:].lower()}.{call.region}.rds.amazonaws.com"
    return {
        "EngineVersion": cluster.engine_version,
        "StorageEncrypted": cluster.settings.get("StorageEncrypted", False),
        **told(instance.settings, "Instance"),
        "DBInstanceIdentifier": instance.name,
        "DBInstanceArn": instance_arn(call.account, call.region, instance.name),
        "DbiResourceId": instance.resource_id,
        "DBClusterIdentifier": instance.cluster,
        "DBInstanceClass": instance.kind,
        "DBInstanceStatus": "available",
        "Engine": instance.engine,
        "MasterUsername": cluster.user,
        "Endpoint": {"Address": host, "Port": cluster.port},
        "InstanceCreateTime": instance.created,
        "TagList": [{"Key": key, "Value": value} for key, value in instance.tags.items()],
    }


@transactional
async def _create(tx: Transaction, instance: Instance) -> Cluster:
    cluster = await clusters.get(tx, instance.cluster)
    if cluster is None:
        raise no_cluster(instance.cluster)
    if cluster.engine != instance.engine:
        raise invalid(
            f"The engine name requested for your DB instance ({instance.engine}) doesn't match the engine "
            f"name of your DB cluster ({cluster.engine})."
        )
    if await instances.get(tx, instance.name) is not None:
        raise aws_error("DBInstanceAlreadyExistsFault", "DB instance already exists")
    await instances.put(tx, instance)
    return cluster


@transactional
async def _all(tx: Transaction) -> tuple[list[Instance], dict[str, Cluster]]:
    return list(await instances.list(tx)), {one.name: one for one in await clusters.list(tx)}


@transactional
async def _modify(tx: Transaction, name: str, kind: str | None, given: dict[str, Any]) -> tuple[Cluster, Instance]:
    cluster, instance = await _find(tx, name)
    settings = kept(given, INSTANCE, instance.settings)
    changed = msgspec.structs.replace(instance, kind=kind or instance.kind, settings=settings)
    await instances.put(tx, changed)
    return cluster, changed


@transactional
async def _delete(tx: Transaction, name: str) -> tuple[Cluster, Instance]:
    found = await _find(tx, name)
    await instances.delete(tx, name)
    return found


async def _find(tx: Transaction, name: str) -> tuple[Cluster, Instance]:
    """An instance and its cluster, which cannot go before it; DBInstanceNotFoundFault without it."""
    instance = await instances.get(tx, name)
    cluster = None if instance is None else await clusters.get(tx, instance.cluster)
    if instance is None or cluster is None:
        raise no_instance(name)
    return cluster, instance
