"""Errors of ACM that several operations raise."""

from __future__ import annotations

from kumoi.wire.errors import AwsError, aws_error


def invalid(text: str) -> AwsError:
    """A request that cannot be meant."""
    return aws_error("ValidationException", text)


def invalid_parameter(text: str) -> AwsError:
    """A parameter that cannot be meant."""
    return aws_error("InvalidParameterException", text)


def no_certificate(arn: str, account: str) -> AwsError:
    """There is no such certificate."""
    return aws_error("ResourceNotFoundException", f"Could not find certificate {arn} in account {account}.")
