"""What RDS stores: Aurora clusters, their instances, and groups of subnets. Times are epoch seconds."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """An Aurora cluster. `resource_id` sets it apart from one of the same name deleted before; `password` is sealed.

    `settings` are members without effect, by the names they were given by (settings.py).
    """

    name: str
    resource_id: str
    engine: str
    engine_version: str
    engine_mode: str
    database: str | None
    port: int
    user: str
    password: bytes
    http_endpoint: bool
    created: float
    secret: str | None = None
    deletion_protection: bool = False
    capacity: tuple[float, float] | None = None
    tags: dict[str, str] = {}
    settings: dict[str, Any] = {}


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """An instance of a cluster: a name that templates and tools expect; the cluster's databases do the work."""

    name: str
    resource_id: str
    cluster: str
    engine: str
    kind: str
    created: float
    tags: dict[str, str] = {}
    settings: dict[str, Any] = {}


class SubnetGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A DB subnet group; `subnets` has the zone of each."""

    name: str
    description: str
    vpc: str
    subnets: dict[str, str]
    tags: dict[str, str] = {}


clusters: Space[Cluster] = Space("rds.cluster", Cluster, lambda cluster: (cluster.name,))
instances: Space[Instance] = Space("rds.instance", Instance, lambda instance: (instance.name,))
subnet_groups: Space[SubnetGroup] = Space("rds.subnet_group", SubnetGroup, lambda group: (group.name,))
