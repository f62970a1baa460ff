"""Names, ARNs, engines, and errors in RDS' words: pure rules."""

from __future__ import annotations

import re
from typing import Literal

from kumoi.names import Arn, arn
from kumoi.wire.errors import AwsError, aws_error

REMOVAL = "rds.removal"
"""The topic of the timers that remove a deleted cluster's files."""

ENGINES: dict[str, tuple[Literal["postgres", "mysql"], str, int, str]] = {
    "aurora-postgresql": ("postgres", "16.4", 5432, "postgres"),
    "aurora-mysql": ("mysql", "8.0.mysql_aurora.3.08.0", 3306, "mysql"),
}
"""By an engine's name: its SQL, the version unless one is asked for, its port, the database always there."""

_IDENTIFIER = re.compile(r"[a-z](?:-?[a-z0-9])*")


def identifier(given: str, member: str) -> str:
    """An identifier as RDS stores it (lower case), or InvalidParameterValue."""
    name = given.lower()
    if len(name) > 63 or not _IDENTIFIER.fullmatch(name):
        raise invalid(
            f"The parameter {member} is not a valid identifier. Identifiers must begin with a letter; must contain "
            "only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive "
            "hyphens."
        )
    return name


def cluster_arn(account: str, region: str, name: str) -> str:
    """A cluster's ARN."""
    return arn("rds", region, account, f"cluster:{name}")


def instance_arn(account: str, region: str, name: str) -> str:
    """An instance's ARN."""
    return arn("rds", region, account, f"db:{name}")


def subnet_group_arn(account: str, region: str, name: str) -> str:
    """A DB subnet group's ARN."""
    return arn("rds", region, account, f"subgrp:{name}")


def databases_of(account: str, region: str, resource_id: str) -> str:
    """The directory of a cluster's databases."""
    return f"{account}.{region}.{resource_id}"


def parse_arn(text: str) -> tuple[str, str]:
    """The kind (`cluster`, `db`, `subgrp`) and name in an ARN of RDS; InvalidParameterValue for anything else."""
    try:
        kind, _, name = Arn.parse(text).resource.partition(":")
    except ValueError:
        raise invalid(f"Invalid resource name: {text}") from None
    return kind, name


def invalid(text: str) -> AwsError:
    """InvalidParameterValue."""
    return aws_error("InvalidParameterValue", text, status=400)


def combination(text: str) -> AwsError:
    """InvalidParameterCombination."""
    return aws_error("InvalidParameterCombination", text, status=400)


def no_cluster(name: str) -> AwsError:
    """DBClusterNotFoundFault."""
    return aws_error("DBClusterNotFoundFault", f"DBCluster {name} not found.")


def no_instance(name: str) -> AwsError:
    """DBInstanceNotFoundFault."""
    return aws_error("DBInstanceNotFoundFault", f"DBInstance {name} not found.")


def no_group(name: str) -> AwsError:
    """DBSubnetGroupNotFoundFault."""
    return aws_error("DBSubnetGroupNotFoundFault", f"DB subnet group '{name}' does not exist.")
