"""The actions and target types that FIS has: their names, parameters and targets. What Kumoi cannot break says why.

Source: "AWS FIS Actions reference" and "Targets for AWS FIS" of the user guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class ActionKind(NamedTuple):
    """An action. `parameters` maps each parameter to whether it is required, `targets` its targets to their types.

    `missing` is what Kumoi lacks to take it; empty for those it takes.
    """

    id: str
    description: str
    parameters: Mapping[str, bool]
    targets: Mapping[str, str]
    missing: str = ""


class TargetKind(NamedTuple):
    """A type of targets."""

    id: str
    description: str


FUNCTION = "aws:lambda:function"
ROLE = "aws:iam:role"
STREAM = "aws:kinesis:stream"
SUBNET = "aws:ec2:subnet"
GLOBAL_TABLE = "aws:dynamodb:global-table"
BUCKET = "aws:s3:bucket"
CLUSTER, DATABASE = "aws:rds:cluster", "aws:rds:db"

_API = {"duration": True, "service": True, "percentage": True, "operations": True}
_DURATION = {"duration": True}
_STREAM_API = {"duration": True, "percentage": True, "service": False}
_INVOCATION = {"duration": True, "invocationPercentage": False}
_FUNCTIONS = {"Functions": FUNCTION}
_STREAMS = {"KinesisStreams": STREAM}
_SUBNETS = {"Subnets": SUBNET}
_NO_INSTANCES = "Kumoi has no EC2 instances"

ACTIONS: Mapping[str, ActionKind] = {
    one.id: one
    for one in (
        ActionKind(
            "aws:cloudwatch:assert-alarm-state",
            "Asserts that alarms are in one of the expected states.",
            {"alarmArns": True, "alarmStates": True},
            {},
        ),
        ActionKind(
            "aws:dynamodb:global-table-pause-replication",
            "Pauses the replication of a global table.",
            _DURATION,
            {"Tables": GLOBAL_TABLE},
        ),
        ActionKind(
            "aws:ec2:reboot-instances", "Reboots instances.", {}, {"Instances": "aws:ec2:instance"}, _NO_INSTANCES
        ),
        ActionKind(
            "aws:ec2:stop-instances",
            "Stops instances.",
            {"startInstancesAfterDuration": False, "completeIfInstancesTerminated": False},
            {"Instances": "aws:ec2:instance"},
            _NO_INSTANCES,
        ),
        ActionKind(
            "aws:ec2:terminate-instances", "Terminates instances.", {}, {"Instances": "aws:ec2:instance"}, _NO_INSTANCES
        ),
        ActionKind("aws:ecs:stop-task", "Stops tasks.", {}, {"Tasks": "aws:ecs:task"}, "Kumoi has no ECS tasks"),
        ActionKind(
            "aws:fis:inject-api-internal-error",
            "Has API requests of a role answered with internal errors.",
            _API,
            {"Roles": ROLE},
        ),
        ActionKind("aws:fis:inject-api-throttle-error", "Has API requests of a role throttled.", _API, {"Roles": ROLE}),
        ActionKind(
            "aws:fis:inject-api-unavailable-error",
            "Has API requests of a role answered as by a service that is unavailable.",
            _API,
            {"Roles": ROLE},
        ),
        ActionKind("aws:fis:wait", "Waits.", _DURATION, {}),
        ActionKind(
            "aws:kinesis:stream-expired-iterator-exception",
            "Has iterators of streams expire.",
            _STREAM_API,
            _STREAMS,
        ),
        ActionKind(
            "aws:kinesis:stream-provisioned-throughput-exception",
            "Has requests to streams throttled.",
            _STREAM_API,
            _STREAMS,
        ),
        ActionKind(
            "aws:lambda:invocation-add-delay",
            "Delays a function before it runs.",
            {**_INVOCATION, "startupDelayMilliseconds": False},
            _FUNCTIONS,
        ),
        ActionKind(
            "aws:lambda:invocation-error",
            "Marks invocations of a function as failed.",
            {**_INVOCATION, "preventExecution": False},
            _FUNCTIONS,
        ),
        ActionKind(
            "aws:lambda:invocation-http-integration-response",
            "Has a function answer an HTTP integration with a status.",
            {**_INVOCATION, "contentTypeHeader": True, "preventExecution": False, "statusCode": False},
            _FUNCTIONS,
        ),
        ActionKind(
            "aws:network:disrupt-connectivity",
            "Denies traffic to subnets.",
            {"duration": True, "scope": True, "prefixListIdentifier": False},
            _SUBNETS,
        ),
        ActionKind(
            "aws:network:disrupt-vpc-endpoint",
            "Blocks traffic of interface VPC endpoints.",
            _DURATION,
            {"VPCEndpoints": "aws:ec2:vpc-endpoint"},
            "Kumoi has no VPC endpoints (aws:network:disrupt-connectivity cuts off the functions of a subnet)",
        ),
        ActionKind(
            "aws:network:route-table-disrupt-cross-region-connectivity",
            "Blocks traffic from subnets to a Region.",
            {"duration": True, "region": True},
            _SUBNETS,
        ),
        ActionKind(
            "aws:network:transit-gateway-disrupt-cross-region-connectivity",
            "Blocks traffic of transit gateways to a Region.",
            {"duration": True, "region": True},
            {"TransitGateways": "aws:ec2:transit-gateway"},
            "Kumoi has no transit gateways",
        ),
        ActionKind("aws:rds:failover-db-cluster", "Has a cluster fail over.", {}, {"Clusters": CLUSTER}),
        ActionKind(
            "aws:rds:reboot-db-instances",
            "Reboots database instances.",
            {"forceFailover": False},
            {"DBInstances": DATABASE},
        ),
        ActionKind(
            "aws:s3:bucket-pause-replication",
            "Pauses replication out of buckets.",
            {"duration": True, "region": True, "destinationBuckets": False, "prefixes": False},
            {"Buckets": BUCKET},
        ),
    )
}

TARGETS: Mapping[str, TargetKind] = {
    one.id: one
    for one in (
        TargetKind(GLOBAL_TABLE, "A global table of Amazon DynamoDB"),
        TargetKind("aws:ec2:instance", "An Amazon EC2 instance"),
        TargetKind(SUBNET, "A subnet"),
        TargetKind("aws:ec2:transit-gateway", "A transit gateway"),
        TargetKind("aws:ec2:vpc-endpoint", "An interface VPC endpoint"),
        TargetKind("aws:ecs:task", "An Amazon ECS task"),
        TargetKind(ROLE, "An IAM role"),
        TargetKind(STREAM, "A Kinesis data stream"),
        TargetKind(FUNCTION, "An AWS Lambda function"),
        TargetKind(CLUSTER, "An Amazon Aurora cluster"),
        TargetKind(DATABASE, "An Amazon RDS database instance"),
        TargetKind(BUCKET, "An Amazon S3 bucket"),
    )
}

PARAMETERS: Mapping[str, Mapping[str, str]] = {
    FUNCTION: {"functionQualifier": "The version or alias that invocations have to name."}
}
"""What a target of a type takes beside its resources, all of it optional."""
