"""Clusters: create, describe, modify, delete; the switch of the Data API."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.rds import rds
from kumoi.services.rds.naming import (
    ENGINES,
    REMOVAL,
    cluster_arn,
    combination,
    databases_of,
    identifier,
    invalid,
    no_cluster,
)
from kumoi.services.rds.paging import matching, page, tags_of
from kumoi.services.rds.records import Cluster, Instance, clusters, instances
from kumoi.services.rds.settings import CLUSTER, kept, told
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@rds.operation(name="CreateDBCluster")
async def create_db_cluster(call: Call, DBClusterIdentifier: str, Engine: str, **given: Any) -> dict[str, Any]:
    """Create a cluster; it is available at once. Settings of networks, storage, backups are kept, without effect."""
    name = identifier(DBClusterIdentifier, "DBClusterIdentifier")
    if Engine not in ENGINES:
        raise invalid(f"Invalid DB engine: {Engine}. Kumoi has {' and '.join(ENGINES)}.")
    _, version, port, _ = ENGINES[Engine]
    managed = given.get("ManageMasterUserPassword", False)
    user, password = given.get("MasterUsername"), given.get("MasterUserPassword")
    if user is None:
        raise invalid("The parameter MasterUsername must be provided and must not be blank.")
    if managed and password is not None:
        raise combination("You can't specify MasterUserPassword when ManageMasterUserPassword is enabled.")
    if not managed:
        _check_password(password)
    if await _find(call.state, name) is not None:
        raise aws_error("DBClusterAlreadyExistsFault", "DB Cluster already exists")
    secret = None
    if managed:
        password, secret = await _managed_secret(call, name, user)
    resource_id = f"cluster-{uuid().replace('-', '').upper()[:26]}"
    scaling = given.get("ServerlessV2ScalingConfiguration") or {}
    cluster = Cluster(
        name=name,
        resource_id=resource_id,
        engine=Engine,
        engine_version=given.get("EngineVersion", version),
        engine_mode=given.get("EngineMode", "provisioned"),
        database=given.get("DatabaseName"),
        port=given.get("Port", port),
        user=user,
        password=call.doorway.identity.sealer.seal((password or "").encode(), resource_id),
        http_endpoint=given.get("EnableHttpEndpoint", False),
        created=call.now,
        secret=secret,
        deletion_protection=given.get("DeletionProtection", False),
        capacity=(scaling.get("MinCapacity", 0.5), scaling.get("MaxCapacity", 1.0)) if scaling else None,
        tags=tags_of(given.get("Tags") or ()),
        settings=kept(given, CLUSTER),
    )
    await _create(call.state, cluster)
    return {"DBCluster": describe(call, cluster, [])}


@rds.operation(name="DescribeDBClusters")
async def describe_db_clusters(
    call: Call,
    DBClusterIdentifier: str | None = None,
    Filters: list[dict[str, Any]] | None = None,
    MaxRecords: int = 100,
    Marker: str | None = None,
    IncludeShared: bool = False,
) -> dict[str, Any]:
    """Clusters by name; one of them by name or ARN."""
    found, members = await _all(call.state)
    if DBClusterIdentifier is not None:
        name = DBClusterIdentifier.rpartition(":")[2].lower()
        found = [one for one in found if one.name == name]
        if not found:
            raise no_cluster(name)
    found = matching(
        found,
        Filters,
        {
            "db-cluster-id": lambda one: (one.name, cluster_arn(call.account, call.region, one.name)),
            "db-cluster-resource-id": lambda one: (one.resource_id,),
            "engine": lambda one: (one.engine,),
        },
    )
    shown, more = page(found, lambda one: one.name, Marker, MaxRecords)
    return {"DBClusters": [describe(call, one, members) for one in shown], **more}


@rds.operation
async def describe_global_clusters(
    call: Call,
    GlobalClusterIdentifier: str | None = None,
    Filters: list[dict[str, Any]] | None = None,
    MaxRecords: int = 100,
    Marker: str | None = None,
) -> dict[str, Any]:
    """None: Kumoi's clusters belong to no global ones. Terraform asks whether a cluster does."""
    if GlobalClusterIdentifier is not None:
        raise aws_error("GlobalClusterNotFoundFault", f"Global cluster {GlobalClusterIdentifier} not found.")
    return {"GlobalClusters": []}


@rds.operation(name="ModifyDBCluster")
async def modify_db_cluster(call: Call, DBClusterIdentifier: str, **given: Any) -> dict[str, Any]:
    """Change what has an effect here at once: the password, the Data API, protection, scaling; keep the rest."""
    changes: dict[str, Any] = {}
    for member, name in (
        ("EnableHttpEndpoint", "http_endpoint"),
        ("DeletionProtection", "deletion_protection"),
        ("EngineVersion", "engine_version"),
        ("Port", "port"),
    ):
        if member in given:
            changes[name] = given[member]
    if "NewDBClusterIdentifier" in given:
        raise aws_error("NotImplemented", "Kumoi does not rename clusters: see docs/rds.md.", status=501)
    if "ServerlessV2ScalingConfiguration" in given:
        scaling = given["ServerlessV2ScalingConfiguration"]
        changes["capacity"] = (scaling.get("MinCapacity", 0.5), scaling.get("MaxCapacity", 1.0))
    if "MasterUserPassword" in given:
        _check_password(given["MasterUserPassword"])
        changes["password"] = given["MasterUserPassword"]
    cluster, members = await _modify(call.state, call, DBClusterIdentifier.lower(), changes, given)
    return {"DBCluster": describe(call, cluster, members)}


@rds.operation(name="DeleteDBCluster")
async def delete_db_cluster(
    call: Call,
    DBClusterIdentifier: str,
    SkipFinalSnapshot: bool = False,
    FinalDBSnapshotIdentifier: str | None = None,
    DeleteAutomatedBackups: bool = True,
) -> dict[str, Any]:
    """Delete a cluster with its databases and its own secret. There are no snapshots: SkipFinalSnapshot is needed."""
    if not SkipFinalSnapshot:
        if FinalDBSnapshotIdentifier is None:
            raise combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
        raise aws_error("NotImplemented", "Kumoi makes no snapshots of clusters: SkipFinalSnapshot.", status=501)
    cluster = await _delete(call.state, call, DBClusterIdentifier.lower())
    if cluster.secret is not None:
        await call.to("secretsmanager", "DeleteSecret", SecretId=cluster.secret, ForceDeleteWithoutRecovery=True)
    return {"DBCluster": {**describe(call, cluster, []), "Status": "deleting"}}


@rds.operation
async def enable_http_endpoint(call: Call, ResourceArn: str) -> dict[str, Any]:
    """Let the Data API reach a cluster."""
    return await _switch(call, ResourceArn, True)


@rds.operation
async def disable_http_endpoint(call: Call, ResourceArn: str) -> dict[str, Any]:
    """Keep the Data API from a cluster."""
    return await _switch(call, ResourceArn, False)


async def _switch(call: Call, resource: str, enabled: bool) -> dict[str, Any]:
    name = resource.rpartition(":")[2].lower()
    await _modify(call.state, call, name, {"http_endpoint": enabled}, {})
    return {"ResourceArn": resource, "HttpEndpointEnabled": enabled}


def describe(call: Call, cluster: Cluster, members: list[Instance]) -> dict[str, Any]:
    """DBCluster, with the instances among `members` that are its own."""
    host = f"{cluster.name}.cluster-{cluster.resource_id[-12:].lower()}.{call.region}.rds.amazonaws.com"
    found: dict[str, Any] = {
        **told(cluster.settings, "Cluster"),
        "DBClusterIdentifier": cluster.name,
        "DBClusterArn": cluster_arn(call.account, call.region, cluster.name),
        "DbClusterResourceId": cluster.resource_id,
        "Status": "available",
        "Engine": cluster.engine,
        "EngineVersion": cluster.engine_version,
        "EngineMode": cluster.engine_mode,
        "MasterUsername": cluster.user,
        "Port": cluster.port,
        "Endpoint": host,
        "ReaderEndpoint": host.replace(".cluster-", ".cluster-ro-", 1),
        "HttpEndpointEnabled": cluster.http_endpoint,
        "DeletionProtection": cluster.deletion_protection,
        "ClusterCreateTime": cluster.created,
        "MultiAZ": False,
        "TagList": [{"Key": key, "Value": value} for key, value in cluster.tags.items()],
        "DBClusterMembers": [
            {"DBInstanceIdentifier": one.name, "IsClusterWriter": at == 0, "DBClusterParameterGroupStatus": "in-sync"}
            for at, one in enumerate(one for one in members if one.cluster == cluster.name)
        ],
    }
    if cluster.database is not None:
        found["DatabaseName"] = cluster.database
    if cluster.secret is not None:
        found["MasterUserSecret"] = {"SecretArn": cluster.secret, "SecretStatus": "active"}
    if cluster.capacity is not None:
        low, high = cluster.capacity
        found["ServerlessV2ScalingConfiguration"] = {"MinCapacity": low, "MaxCapacity": high}
    return found


def _check_password(password: str | None) -> None:
    if password is None:
        raise invalid("The parameter MasterUserPassword must be provided and must not be blank.")
    if not 8 <= len(password) <= 128 or set(password) & set('/@" '):
        raise invalid(
            "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides "
            "'/', '@', '\"', ' ' may be used."
        )


async def _managed_secret(call: Call, name: str, user: str) -> tuple[str, str]:
    made = await call.to("secretsmanager", "GetRandomPassword", PasswordLength=32, ExcludePunctuation=True)
    password = made["RandomPassword"]
    secret = await call.to(
        "secretsmanager",
        "CreateSecret",
        Name=f"rds!cluster-{uuid()}",
        Description=f"Secret associated with primary RDS DB cluster: {cluster_arn(call.account, call.region, name)}",
        SecretString=orjson.dumps({"username": user, "password": password}).decode(),
    )
    return password, secret["ARN"]


@transactional
async def _find(tx: Transaction, name: str) -> Cluster | None:
    return await clusters.get(tx, name)


@transactional
async def _create(tx: Transaction, cluster: Cluster) -> None:
    if await clusters.get(tx, cluster.name) is not None:
        raise aws_error("DBClusterAlreadyExistsFault", "DB Cluster already exists")
    await clusters.put(tx, cluster)


@transactional
async def _all(tx: Transaction) -> tuple[list[Cluster], list[Instance]]:
    return list(await clusters.list(tx)), list(await instances.list(tx))


@transactional
async def _modify(
    tx: Transaction, call: Call, name: str, changes: dict[str, Any], given: dict[str, Any]
) -> tuple[Cluster, list[Instance]]:
    cluster = await clusters.get(tx, name)
    if cluster is None:
        raise no_cluster(name)
    if "password" in changes:
        sealed = call.doorway.identity.sealer.seal(changes["password"].encode(), cluster.resource_id)
        changes = {**changes, "password": sealed}
    cluster = msgspec.structs.replace(cluster, **changes, settings=kept(given, CLUSTER, cluster.settings))
    await clusters.put(tx, cluster)
    return cluster, list(await instances.list(tx))


@transactional
async def _delete(tx: Transaction, call: Call, name: str) -> Cluster:
    cluster = await clusters.get(tx, name)
    if cluster is None:
        raise no_cluster(name)
    if cluster.deletion_protection:
        raise combination("Cannot delete protected Cluster, please disable deletion protection and try again.")
    if any(one.cluster == name for one in await instances.list(tx)):
        raise aws_error(
            "InvalidDBClusterStateFault",
            "Cluster cannot be deleted, it still contains DB instances in non-deleting state.",
        )
    await clusters.delete(tx, name)
    directory = databases_of(call.account, call.region, cluster.resource_id)
    tx.timer(call.now, REMOVAL, directory.encode(), key=directory)
    return cluster
