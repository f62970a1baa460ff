"""AWS's limits on invocations at once: what a function reserves, and what is left for all others.

Rules: "Understanding Lambda function scaling" of the developer guide; the answers are recorded ones.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from kumoi.wire.errors import AwsError, aws_error

ACCOUNT_LIMIT = 1000
UNRESERVED_MINIMUM = 100
"""What reservations must leave for functions without one."""


class FunctionKey(NamedTuple):
    """A function, whichever version."""

    account: str
    region: str
    name: str


class Concurrency:
    """Counts invocations under way."""

    def __init__(self) -> None:
        self._functions: Counter[FunctionKey] = Counter()
        self._unreserved: Counter[tuple[str, str]] = Counter()

    def running(self, key: FunctionKey) -> int:
        """How many invocations of a function are under way."""
        return self._functions[key]

    def must_know_reserved(self, key: FunctionKey) -> bool:
        """Whether `enter` needs the account's sum of reservations: below the minimum nothing can be refused."""
        return self._unreserved[key[:2]] >= UNRESERVED_MINIMUM

    def enter(self, key: FunctionKey, reserved: int | None, account_reserved: int) -> bool:
        """Begin an invocation; whether it counts as reserved (say so to `leave`). Raises TooManyRequestsException."""
        if reserved is not None:
            if self._functions[key] >= reserved:
                raise throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
        elif self._unreserved[key[:2]] >= ACCOUNT_LIMIT - account_reserved:
            raise throttled("ConcurrentInvocationLimitExceeded")
        else:
            self._unreserved[key[:2]] += 1
        self._functions[key] += 1
        return reserved is not None

    def leave(self, key: FunctionKey, was_reserved: bool) -> None:
        """An invocation has ended."""
        self._functions[key] -= 1
        if not self._functions[key]:
            del self._functions[key]
        if not was_reserved:
            self._unreserved[key[:2]] -= 1


def throttled(reason: str) -> AwsError:
    """The 429 for a limit."""
    return aws_error("TooManyRequestsException", "Rate Exceeded.", Type="User", Reason=reason)
