"""Errors in Elastic Load Balancing's words, and pages of its lists."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from kumoi.wire.errors import AwsError, aws_error

ItemT = TypeVar("ItemT")

MOST = 400


def invalid(text: str) -> AwsError:
    """ValidationError: what was given cannot be."""
    return aws_error("ValidationError", text)


def refused(kind: str, text: str) -> AwsError:
    """An error of the API's by its name without `Exception`."""
    return aws_error(f"{kind}Exception", text)


def missing(what: str) -> AwsError:
    """The error for what does not exist: `Load balancer`, `Listener`, `Rule`, `Target group`."""
    name = "".join(part.capitalize() for part in what.split())
    return refused(f"{name}NotFound", f"One or more {what.lower()}s not found")


def not_built(what: str) -> AwsError:
    """NotImplemented: AWS has it, Kumoi does not."""
    return aws_error("NotImplemented", f"Kumoi does not implement {what} of load balancers; see docs/elbv2.md.")


def page(items: Sequence[ItemT], member: str, marker: str | None, size: int | None, describe: Any) -> dict[str, Any]:
    """One page of a list under `member`, and the NextMarker where more follow."""
    try:
        start = int(base64.b64decode(marker, validate=True)) if marker else 0
    except (ValueError, binascii.Error):
        raise invalid("The marker is not valid") from None
    if size is not None and not 1 <= size <= MOST:
        raise invalid(f"Page size must be between 1 and {MOST}")
    end = start + (size or MOST)
    shown = [describe(one) for one in items[max(start, 0) : end]]
    more = {"NextMarker": base64.b64encode(str(end).encode()).decode()} if end < len(items) else {}
    return {member: shown, **more}
