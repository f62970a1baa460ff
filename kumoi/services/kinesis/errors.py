"""Kinesis' errors in the service's own words."""

from __future__ import annotations

from datetime import UTC, datetime

from kumoi.wire.errors import AwsError, aws_error


def invalid(message: str) -> AwsError:
    """InvalidArgumentException."""
    return aws_error("InvalidArgumentException", message)


def too_large(where: str, most: int) -> AwsError:
    """The refusal of a record that is larger than its stream takes."""
    return aws_error(
        "ValidationException",
        f"1 validation error detected: Value at '{where}' failed to satisfy constraint: "
        f"Member must have length less than or equal to {most}",
    )


def no_stream(name: str, account: str) -> AwsError:
    """ResourceNotFoundException for a stream."""
    return aws_error("ResourceNotFoundException", f"Stream {name} under account {account} not found.")


def no_shard(shard: str, name: str, account: str) -> AwsError:
    """ResourceNotFoundException for a shard that a change names."""
    return aws_error(
        "ResourceNotFoundException", f"Could not find shard {shard} in stream {name} under account {account}."
    )


def missing_shard(shard: str, name: str, account: str) -> AwsError:
    """ResourceNotFoundException for a shard that a reader names."""
    return aws_error(
        "ResourceNotFoundException", f"Shard {shard} in stream {name} under account {account} does not exist"
    )


def no_consumer(name: str, account: str) -> AwsError:
    """ResourceNotFoundException for a consumer."""
    return aws_error("ResourceNotFoundException", f"Consumer {name} under account {account} not found.")


def expired(issued: float, now: float) -> AwsError:
    """ExpiredIteratorException."""
    return aws_error(
        "ExpiredIteratorException",
        f"Iterator expired. The iterator was created at time {_stamp(issued)} while right now it is {_stamp(now)} "
        "which is further in the future than the tolerated delay of 300000 milliseconds.",
    )


def _stamp(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
