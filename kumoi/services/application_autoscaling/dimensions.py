"""What can be scaled here: dimensions of resources, how their ids are read, and which metric tells of their use; pure.

Source: "RegisterScalableTarget" of the API reference, "Predefined metrics" of the user guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from kumoi.services.application_autoscaling.errors import invalid
from kumoi.services.application_autoscaling.records import Dimensioned
from kumoi.wire.errors import aws_error


class Dimension(NamedTuple):
    """One scalable dimension: how its capacity is spoken of, the least it may be, and the metrics of its use.

    `predefined` is the metric a target tracking policy may name; `used` the CloudWatch metric behind it, `provided` the
    one that tells the capacity itself, where the service has one.
    """

    namespace: str
    name: str
    words: str
    least: int
    resource: re.Pattern[str]
    predefined: str
    used: str
    provided: str = ""


_TABLE = re.compile(r"table/(?P<table>[A-Za-z0-9_.-]{3,255})")
_INDEX = re.compile(r"table/(?P<table>[A-Za-z0-9_.-]{3,255})/index/(?P<index>[A-Za-z0-9_.-]{3,255})")
_ALIAS = re.compile(r"function:(?P<function>[A-Za-z0-9_-]{1,64}):(?P<qualifier>[A-Za-z0-9_-]{1,128})")


def _throughput(kind: str, way: str, resource: re.Pattern[str]) -> Dimension:
    return Dimension(
        "dynamodb",
        f"dynamodb:{kind}:{way}CapacityUnits",
        f"{way.lower()} capacity units",
        1,
        resource,
        f"DynamoDB{way}CapacityUtilization",
        f"Consumed{way}CapacityUnits",
        f"Provisioned{way}CapacityUnits",
    )


DIMENSIONS: Mapping[str, Dimension] = {
    one.name: one
    for one in (
        _throughput("table", "Read", _TABLE),
        _throughput("table", "Write", _TABLE),
        _throughput("index", "Read", _INDEX),
        _throughput("index", "Write", _INDEX),
        Dimension(
            "lambda",
            "lambda:function:ProvisionedConcurrency",
            "provisioned concurrency",
            0,
            _ALIAS,
            "LambdaProvisionedConcurrencyUtilization",
            "ProvisionedConcurrencyUtilization",
        ),
    )
}

_ROLES = {
    "dynamodb": ("dynamodb.application-autoscaling.amazonaws.com", "ApplicationAutoScaling_DynamoDBTable"),
    "lambda": ("lambda.application-autoscaling.amazonaws.com", "ApplicationAutoScaling_LambdaConcurrency"),
}


def service_role(account: str, namespace: str) -> str:
    """The ARN of the service-linked role that targets of a namespace are scaled in."""
    host, name = _ROLES[namespace]
    return f"arn:aws:iam::{account}:role/aws-service-role/{host}/AWSServiceRoleFor{name}"


def role_host(namespace: str) -> str:
    """The service principal of that role."""
    return _ROLES[namespace][0]


def dimension_of(of: Dimensioned) -> Dimension:
    """The dimension of a target, whose resource id has been checked; refused for what is not to be scaled here."""
    if of.namespace not in _ROLES:
        raise aws_error(
            "NotImplemented",
            f"Kumoi scales DynamoDB's tables and indexes and Lambda's provisioned concurrency; it has nothing to scale "
            f"of {of.namespace}: see docs/application-autoscaling.md.",
            status=501,
        )
    found = DIMENSIONS.get(of.dimension)
    if found is None or found.namespace != of.namespace or not found.resource.fullmatch(of.resource):
        raise invalid(
            f"Unsupported service namespace, resource type or scalable dimension: {of.namespace}, {of.resource}, "
            f"{of.dimension}"
        )
    return found


def named(dimension: Dimension, resource: str) -> dict[str, str]:
    """The names in a resource's id: `table` and `index`, or `function` and `qualifier`."""
    found = dimension.resource.fullmatch(resource)
    return {} if found is None else found.groupdict()


def metric_dimensions(dimension: Dimension, resource: str) -> list[dict[str, str]]:
    """The CloudWatch dimensions of a resource's own metrics."""
    names = named(dimension, resource)
    if "table" in names:
        found = {"TableName": names["table"]}
        if "index" in names:
            found["GlobalSecondaryIndexName"] = names["index"]
    else:
        found = {"FunctionName": names["function"], "Resource": f"{names['function']}:{names['qualifier']}"}
    return [{"Name": name, "Value": value} for name, value in found.items()]
