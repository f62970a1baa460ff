"""The errors that several operations raise, in DynamoDB's words."""

from __future__ import annotations

from kumoi.wire.errors import AwsError, aws_error

INVALID_VALUES = "One or more parameter values were invalid: "
WRONG_KEY = "The provided key element does not match the schema"
CONDITION_FAILED = "The conditional request failed"


def invalid(message: str) -> AwsError:
    """ValidationException."""
    return aws_error("ValidationException", message)


def invalid_values(message: str) -> AwsError:
    """ValidationException of parameters that do not go together."""
    return invalid(INVALID_VALUES + message)


def no_table() -> AwsError:
    """What the operations on items say of a table that is not there."""
    return aws_error("ResourceNotFoundException", "Requested resource not found")


def no_such_table(name: str) -> AwsError:
    """What the operations on tables say of one that is not there."""
    return aws_error("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found")
