"""Which permissions the calls of RDS need: on clusters and instances.

Source: "Actions, resources, and condition keys for Amazon RDS" of the service authorization reference.
"""

from __future__ import annotations

from kumoi.doorway import Authorization, Call
from kumoi.doorway.authorization import EVERYTHING

_ARNS = ("ResourceArn", "ResourceName")
_NAMED = (("DBInstanceIdentifier", "db"), ("DBClusterIdentifier", "cluster"), ("DBSubnetGroupName", "subgrp"))


def resource(call: Call) -> str:
    """The cluster or instance that a call names."""
    params = call.params
    for member in _ARNS:
        if isinstance(params.get(member), str):
            return str(params[member])
    for member, kind in _NAMED:
        if isinstance(params.get(member), str):
            return call.arn("rds", f"{kind}:{params[member]}")
    return call.arn("rds", "cluster:*") if "Cluster" in call.operation else EVERYTHING


AUTHORIZATION = Authorization("rds", resource=resource, error="AccessDenied")
