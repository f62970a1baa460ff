"""Secrets Manager's errors, in its words."""

from __future__ import annotations

from kumoi.wire.errors import AwsError, aws_error


def no_secret() -> AwsError:
    """There is no such secret."""
    return aws_error("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")


def no_value(what: str) -> AwsError:
    """There is no value for a staging label or a version."""
    return aws_error("ResourceNotFoundException", f"Secrets Manager can't find the specified secret value for {what}")


def exists(text: str) -> AwsError:
    """ResourceExistsException."""
    return aws_error("ResourceExistsException", text)


def bad_request(text: str) -> AwsError:
    """InvalidRequestException: not in the secret's present state."""
    return aws_error("InvalidRequestException", text)


def bad_parameter(text: str) -> AwsError:
    """InvalidParameterException."""
    return aws_error("InvalidParameterException", text)


def marked_for_deletion() -> AwsError:
    """The secret waits to be deleted."""
    return bad_request("You can't perform this operation on the secret because it was marked for deletion.")


def replicated() -> AwsError:
    """The secret is a copy."""
    return bad_request("Operation not permitted on a replica secret. Call must be made in primary secret's region.")
