"""EC2's errors that more than one operation raises. Source: "Error codes for the Amazon EC2 API"."""

from __future__ import annotations

from kumoi.wire.errors import AwsError, aws_error


def invalid(message: str) -> AwsError:
    """InvalidParameterValue."""
    return aws_error("InvalidParameterValue", message)


def combination(message: str) -> AwsError:
    """InvalidParameterCombination."""
    return aws_error("InvalidParameterCombination", message)


def missing(member: str) -> AwsError:
    """MissingParameter."""
    return aws_error("MissingParameter", f"The request must contain the parameter {member}")


def in_use(message: str) -> AwsError:
    """DependencyViolation."""
    return aws_error("DependencyViolation", message)


def unsupported(message: str) -> AwsError:
    """For what AWS has and Kumoi has not."""
    return aws_error("NotImplemented", f"{message}; docs/ec2.md lists what Kumoi's ec2 does.")
