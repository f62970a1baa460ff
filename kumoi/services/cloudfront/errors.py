"""The errors that many operations share, in CloudFront's words."""

from __future__ import annotations

from kumoi.wire.errors import AwsError, aws_error


def invalid(message: str, code: str = "InvalidArgument") -> AwsError:
    """A request that can never be fulfilled."""
    return aws_error(code, message)


def check_version(current: str, if_match: str | None) -> None:
    """Raise where a change does not name the version it is a change of."""
    if not if_match:
        raise aws_error(
            "InvalidIfMatchVersion", "The If-Match version is missing or not valid for the resource.", status=400
        )
    if if_match.strip('"') != current:
        raise aws_error(
            "PreconditionFailed",
            "The request failed because it didn't meet the preconditions in one or more request-header fields.",
            status=412,
        )


def no_distribution() -> AwsError:
    """There is no such distribution."""
    return aws_error("NoSuchDistribution", "The specified distribution does not exist.", status=404)
