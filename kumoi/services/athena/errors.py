"""Errors in Athena's words: pure."""

from __future__ import annotations

from kumoi.wire.errors import AwsError, aws_error


def invalid(text: str) -> AwsError:
    """InvalidRequestException."""
    return aws_error("InvalidRequestException", text)


class StatementFailed(Exception):
    """A statement could not be run; the text is the execution's StateChangeReason."""
