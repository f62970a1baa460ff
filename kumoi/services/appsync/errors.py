"""Errors in AppSync's words."""

from __future__ import annotations

from kumoi.wire.errors import AwsError, aws_error


def bad_request(text: str) -> AwsError:
    """BadRequestException."""
    return aws_error("BadRequestException", text)


def not_found(text: str) -> AwsError:
    """NotFoundException."""
    return aws_error("NotFoundException", text)


def not_built(what: str) -> AwsError:
    """What AppSync has and Kumoi lacks."""
    return aws_error("NotImplemented", f"Kumoi's appsync does not implement {what} yet; docs/appsync.md.", status=501)
