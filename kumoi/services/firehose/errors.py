"""Firehose's errors, in its words."""

from __future__ import annotations

from kumoi.wire.errors import AwsError, aws_error


def invalid(text: str) -> AwsError:
    """InvalidArgumentException."""
    return aws_error("InvalidArgumentException", text)


def unbuilt(text: str) -> AwsError:
    """InvalidArgumentException for what AWS has and Kumoi lacks."""
    return invalid(f"Kumoi's Firehose {text}: see docs/firehose.md.")


def no_stream(name: str, account: str) -> AwsError:
    """There is no such stream."""
    return aws_error("ResourceNotFoundException", f"Firehose {name} under account {account} not found.")


def exists(name: str, account: str) -> AwsError:
    """The name is taken."""
    return aws_error("ResourceInUseException", f"Firehose {name} under accountId {account} already exists")


def other_version(name: str, current: int, given: str) -> AwsError:
    """The stream was changed meanwhile."""
    return aws_error(
        "ConcurrentModificationException",
        f"Cannot update firehose: {name} since the current version id: {current} and specified version id: {given} "
        "do not match",
    )
