"""The actions and target types that FIS has: their names, parameters and targets. Those Kumoi takes are marked so.

Source: "AWS FIS Actions reference" and "Targets for AWS FIS" of the user guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class ActionKind(NamedTuple):
    """An action. `parameters` maps each parameter to whether it is required, `targets` its targets to their types."""

    id: str
    description: str
    parameters: Mapping[str, bool]
    targets: Mapping[str, str]
    works: bool = False


class TargetKind(NamedTuple):
    """A type of targets."""

    id: str
    description: str


FUNCTION = "aws:lambda:function"
ROLE = "aws:iam:role"

_API = {"duration": True, "service": True, "percentage": True, "operations": True}
_DURATION = {"duration": True}
_INVOCATION = {"duration": True, "invocationPercentage": False}
_FUNCTIONS = {"Functions": FUNCTION}

ACTIONS: Mapping[str, ActionKind] = {
    one.id: one
    for one in (
        ActionKind(
            "aws:cloudwatch:assert-alarm-state",
            "Asserts that alarms are in one of the expected states.",
            {"alarmArns": True, "alarmStates": True},
            {},
            True,
        ),
        ActionKind(
            "aws:dynamodb:global-table-pause-replication",
            "Pauses the replication of a global table.",
            _DURATION,
            {"Tables": "aws:dynamodb:global-table"},
        ),
        ActionKind("aws:ec2:reboot-instances", "Reboots instances.", {}, {"Instances": "aws:ec2:instance"}),
        ActionKind(
            "aws:ec2:stop-instances",
            "Stops instances.",
            {"startInstancesAfterDuration": False, "completeIfInstancesTerminated": False},
            {"Instances": "aws:ec2:instance"},
        ),
        ActionKind("aws:ec2:terminate-instances", "Terminates instances.", {}, {"Instances": "aws:ec2:instance"}),
        ActionKind("aws:ecs:stop-task", "Stops tasks.", {}, {"Tasks": "aws:ecs:task"}),
        ActionKind(
            "aws:fis:inject-api-internal-error",
            "Has API requests of a role answered with internal errors.",
            _API,
            {"Roles": ROLE},
            True,
        ),
        ActionKind(
            "aws:fis:inject-api-throttle-error", "Has API requests of a role throttled.", _API, {"Roles": ROLE}, True
        ),
        ActionKind(
            "aws:fis:inject-api-unavailable-error",
            "Has API requests of a role answered as by a service that is unavailable.",
            _API,
            {"Roles": ROLE},
            True,
        ),
        ActionKind("aws:fis:wait", "Waits.", _DURATION, {}, True),
        ActionKind(
            "aws:kinesis:stream-expired-iterator-exception",
            "Has iterators of streams expire.",
            _DURATION,
            {"KinesisStreams": "aws:kinesis:stream"},
        ),
        ActionKind(
            "aws:kinesis:stream-provisioned-throughput-exception",
            "Has requests to streams throttled.",
            _DURATION,
            {"KinesisStreams": "aws:kinesis:stream"},
        ),
        ActionKind(
            "aws:lambda:invocation-add-delay",
            "Delays a function before it runs.",
            {**_INVOCATION, "startupDelayMilliseconds": False},
            _FUNCTIONS,
            True,
        ),
        ActionKind(
            "aws:lambda:invocation-error",
            "Marks invocations of a function as failed.",
            {**_INVOCATION, "preventExecution": False},
            _FUNCTIONS,
            True,
        ),
        ActionKind(
            "aws:lambda:invocation-http-integration-response",
            "Has a function answer an HTTP integration with a status.",
            {**_INVOCATION, "contentTypeHeader": True, "preventExecution": False, "statusCode": False},
            _FUNCTIONS,
            True,
        ),
        ActionKind(
            "aws:network:disrupt-connectivity",
            "Denies traffic to subnets.",
            {"duration": True, "scope": True, "prefixListIdentifier": False},
            {"Subnets": "aws:ec2:subnet"},
        ),
        ActionKind("aws:rds:failover-db-cluster", "Has a cluster fail over.", {}, {"Clusters": "aws:rds:cluster"}),
        ActionKind(
            "aws:rds:reboot-db-instances",
            "Reboots database instances.",
            {"forceFailover": False},
            {"DBInstances": "aws:rds:db"},
        ),
        ActionKind(
            "aws:s3:bucket-pause-replication",
            "Pauses replication out of buckets.",
            {"duration": True, "region": True, "destinationBuckets": False, "prefixes": False},
            {"Buckets": "aws:s3:bucket"},
        ),
    )
}

TARGETS: Mapping[str, TargetKind] = {
    one.id: one
    for one in (
        TargetKind("aws:dynamodb:global-table", "A global table of Amazon DynamoDB"),
        TargetKind("aws:ec2:instance", "An Amazon EC2 instance"),
        TargetKind("aws:ec2:subnet", "A subnet"),
        TargetKind("aws:ecs:task", "An Amazon ECS task"),
        TargetKind(ROLE, "An IAM role"),
        TargetKind("aws:kinesis:stream", "A Kinesis data stream"),
        TargetKind(FUNCTION, "An AWS Lambda function"),
        TargetKind("aws:rds:cluster", "An Amazon Aurora cluster"),
        TargetKind("aws:rds:db", "An Amazon RDS database instance"),
        TargetKind("aws:s3:bucket", "An Amazon S3 bucket"),
    )
}

PARAMETERS: Mapping[str, Mapping[str, str]] = {
    FUNCTION: {"functionQualifier": "The version or alias that invocations have to name."}
}
"""What a target of a type takes beside its resources, all of it optional."""
