"""Errors in the words of Cognito's identity pools: pure."""

from __future__ import annotations

from kumoi.wire.errors import AwsError, aws_error


def not_authorized(text: str) -> AwsError:
    """NotAuthorizedException."""
    return aws_error("NotAuthorizedException", text)


def invalid(text: str) -> AwsError:
    """InvalidParameterException."""
    return aws_error("InvalidParameterException", text)


def conflict(text: str) -> AwsError:
    """ResourceConflictException."""
    return aws_error("ResourceConflictException", text)


def no_pool(pool: str) -> AwsError:
    """ResourceNotFoundException for an identity pool."""
    return aws_error("ResourceNotFoundException", f"IdentityPool '{pool}' not found.")


def no_identity(identity: str) -> AwsError:
    """ResourceNotFoundException for an identity."""
    return aws_error("ResourceNotFoundException", f"Identity '{identity}' not found.")


def no_match() -> AwsError:
    """NotAuthorizedException for logins that are not the identity's."""
    return not_authorized(
        "Logins don't match. Please include at least one valid login for this identity or identity pool."
    )


def no_roles() -> AwsError:
    """InvalidIdentityPoolConfigurationException."""
    return aws_error(
        "InvalidIdentityPoolConfigurationException",
        "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
    )
