"""Which permissions the calls of CloudWatch Logs need: on a group, or on a stream of one.

Source: "Actions, resources, and condition keys for Amazon CloudWatch Logs" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import everything
from kumoi.services.logs.rules import group_arn, group_name


def group(call: Call) -> str:
    """The group that a call names, as policies write it: all that lies below its ARN."""
    params = call.params
    named = params.get("logGroupName") or params.get("logGroupIdentifier") or params.get("resourceArn")
    return "*" if named is None else f"{_arn(call, str(named))}:*"


def stream(call: Call) -> str:
    """The stream of a group that a call names."""
    params = call.params
    named = str(params.get("logGroupName") or params.get("logGroupIdentifier") or "")
    return f"{_arn(call, named)}:log-stream:{params.get('logStreamName', '')}"


def function_logs(call: Call) -> Iterator[Ask]:
    """What a function's environment does for its log lines: make the stream, write to it."""
    yield Ask("logs:CreateLogStream", group(call))
    yield Ask("logs:PutLogEvents", stream(call))


def _arn(call: Call, named: str) -> str:
    if named.startswith("arn:"):
        return named.removesuffix(":*")
    return group_arn(call.account, call.region, group_name(named))


AUTHORIZATION = Authorization(
    "logs",
    resource=group,
    resources={
        "DeleteLogStream": stream,
        "DescribeLogGroups": lambda call: call.arn("logs", "log-group:*"),
        "GetLogEvents": stream,
        "PutLogEvents": stream,
        "TestMetricFilter": everything,
    },
    asks={"WriteFunctionLogs": function_logs},
)
