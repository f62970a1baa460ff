"""Errors in Cognito's words: pure."""

from __future__ import annotations

from kumoi.wire.errors import AwsError, aws_error


def not_authorized(text: str = "Incorrect username or password.") -> AwsError:
    """NotAuthorizedException."""
    return aws_error("NotAuthorizedException", text)


def reused() -> AwsError:
    """RefreshTokenReuseException."""
    return aws_error("RefreshTokenReuseException", "Refresh Token has been rotated and cannot be used again.")


def invalid(text: str) -> AwsError:
    """InvalidParameterException."""
    return aws_error("InvalidParameterException", text)


def locked_out() -> AwsError:
    """NotAuthorizedException after too many wrong guesses."""
    return not_authorized("Password attempts exceeded")


def no_user(text: str = "User does not exist.") -> AwsError:
    """UserNotFoundException."""
    return aws_error("UserNotFoundException", text)


def no_pool(pool: str) -> AwsError:
    """ResourceNotFoundException for a pool."""
    return aws_error("ResourceNotFoundException", f"User pool {pool} does not exist.")


def no_client(client: str) -> AwsError:
    """ResourceNotFoundException for a client."""
    return aws_error("ResourceNotFoundException", f"User pool client {client} does not exist.")


def no_group() -> AwsError:
    """ResourceNotFoundException for a group."""
    return aws_error("ResourceNotFoundException", "Group not found.")


def no_provider(name: str) -> AwsError:
    """ResourceNotFoundException for an identity provider."""
    return aws_error("ResourceNotFoundException", f"Identity provider {name} does not exist.")


def wrong_code(text: str = "Invalid verification code provided, please try again.") -> AwsError:
    """CodeMismatchException."""
    return aws_error("CodeMismatchException", text)


def expired_code(text: str = "Invalid code provided, please request a code again.") -> AwsError:
    """ExpiredCodeException."""
    return aws_error("ExpiredCodeException", text)


def too_often() -> AwsError:
    """LimitExceededException."""
    return aws_error("LimitExceededException", "Attempt limit exceeded, please try after some time.")
