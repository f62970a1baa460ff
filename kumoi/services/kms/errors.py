"""KMS's errors, in its words."""

from __future__ import annotations

from kumoi.wire.errors import AwsError, aws_error


def not_found(text: str) -> AwsError:
    """NotFoundException."""
    return aws_error("NotFoundException", text)


def no_key(arn: str) -> AwsError:
    """There is no such key."""
    return not_found(f"Key '{arn}' does not exist")


def no_alias(arn: str) -> AwsError:
    """There is no such alias."""
    return not_found(f"Alias {arn} is not found.")


def invalid(text: str) -> AwsError:
    """ValidationException: a parameter is not what it may be."""
    return aws_error("ValidationException", text)


def unsupported(text: str) -> AwsError:
    """UnsupportedOperationException: keys of this kind do not have it."""
    return aws_error("UnsupportedOperationException", text)


def bad_state(arn: str, state: str) -> AwsError:
    """KMSInvalidStateException: the key's state does not allow it."""
    return aws_error("KMSInvalidStateException", f"{arn} is {state}.")


def disabled(arn: str) -> AwsError:
    """The key is disabled."""
    return aws_error("DisabledException", f"{arn} is disabled.")


def bad_ciphertext() -> AwsError:
    """A ciphertext that nothing here was encrypted to, or not with this encryption context."""
    return aws_error(
        "InvalidCiphertextException",
        "The ciphertext is damaged, was not made by this key, or was made with another encryption context.",
    )


def wrong_key() -> AwsError:
    """The request names another key than the ciphertext."""
    return aws_error(
        "IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation."
    )


def unknown_ciphertext() -> AwsError:
    """The key that a ciphertext names is not here."""
    return aws_error(
        "AccessDeniedException",
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are "
        "not allowed to access.",
        status=400,
    )


def wrong_usage(arn: str, usage: str, operation: str) -> AwsError:
    """The key is for something else."""
    return aws_error("InvalidKeyUsageException", f"{arn} key usage is {usage} which is not valid for {operation}.")


def wrong_algorithm(algorithm: str, spec: str) -> AwsError:
    """The key cannot do this algorithm."""
    return aws_error("InvalidKeyUsageException", f"Algorithm {algorithm} is not compatible with key spec {spec}.")


def dry_run() -> AwsError:
    """The request was a trial, and would have succeeded."""
    return aws_error("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")


def managed_by_aws(arn: str) -> AwsError:
    """AWS managed keys are not changed by their users."""
    return aws_error("AccessDeniedException", f"{arn} is an AWS managed key: its users cannot change it.", status=400)
