"""What may stand in a loggingConfiguration. Source: CreateStateMachine of the API reference and recorded answers."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call, Principal
from kumoi.wire.errors import AwsError, aws_error


def group_of(logging: dict[str, Any]) -> str | None:
    """The name of the log group that a machine's lines go to; None where it does not log."""
    if logging.get("level", "OFF") == "OFF":
        return None
    arn: str = logging["destinations"][0]["cloudWatchLogsLogGroup"]["logGroupArn"]
    return arn.split(":log-group:", 1)[1].removesuffix(":*")


async def check_logging(call: Call, logging: dict[str, Any] | None) -> None:
    """Raise InvalidLoggingConfiguration."""
    if logging is None or logging.get("level", "OFF") == "OFF":
        return
    destinations = logging.get("destinations") or []
    if len(destinations) != 1:
        raise _invalid("Must specify exactly one Log Destination.")
    arn = destinations[0].get("cloudWatchLogsLogGroup", {}).get("logGroupArn", "")
    if ":log-group:" not in arn:
        raise _invalid("Log Destination not found.")
    name = arn.split(":log-group:", 1)[1].removesuffix(":*")
    try:
        looking = Principal.looking(call.account, "logs", call.node)
        answer = await call.to_as(looking, "logs", "DescribeLogGroups", logGroupNamePrefix=name)
    except AwsError:
        raise _invalid("Log Destination not found.") from None
    if not any(group["logGroupName"] == name for group in answer.get("logGroups", ())):
        raise _invalid("Log Destination not found.")


def _invalid(why: str) -> AwsError:
    return aws_error("InvalidLoggingConfiguration", f"Invalid Logging Configuration: {why}")
