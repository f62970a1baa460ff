"""Errors of Route 53 that several operations raise."""

from __future__ import annotations

from collections.abc import Sequence

from kumoi.wire.errors import AwsError, aws_error


def invalid_input(text: str) -> AwsError:
    """A request that cannot be meant."""
    return aws_error("InvalidInput", text, status=400)


def no_zone(zone_id: str) -> AwsError:
    """There is no such hosted zone."""
    return aws_error("NoSuchHostedZone", f"No hosted zone found with ID: {zone_id}", status=404)


def no_health_check(check_id: str) -> AwsError:
    """There is no such health check."""
    return aws_error("NoSuchHealthCheck", f"A health check with id {check_id} does not exist.", status=404)


def no_delegation_set(set_id: str) -> AwsError:
    """There is no such reusable delegation set."""
    return aws_error("NoSuchDelegationSet", f"The delegation set with ID {set_id} does not exist.", status=400)


def invalid_batch(problems: Sequence[str]) -> AwsError:
    """A batch of changes that cannot be made, for these reasons."""
    return aws_error("InvalidChangeBatch", f"[{', '.join(problems)}]", status=400)
