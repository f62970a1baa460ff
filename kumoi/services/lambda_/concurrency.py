"""AWS's limits on invocations at once: what a function reserves, and what is left for all others.

Rules: "Understanding Lambda function scaling" of the developer guide; the answers are recorded ones.
"""

from __future__ import annotations

from kumoi.wire.errors import AwsError, aws_error

ACCOUNT_LIMIT = 1000
UNRESERVED_MINIMUM = 100
"""What reservations must leave for functions without one."""


FunctionKey = tuple[str, str, str]
"""A function, whichever version: account, region, name."""


class Concurrency:
    """Counts invocations under way."""

    def __init__(self) -> None:
        self._functions: dict[FunctionKey, int] = {}
        self._unreserved: dict[tuple[str, str], int] = {}

    def running(self, key: FunctionKey) -> int:
        """How many invocations of a function are under way."""
        return self._functions.get(key, 0)

    def must_know_reserved(self, key: FunctionKey) -> bool:
        """Whether `enter` needs the account's sum of reservations: below the minimum nothing can be refused."""
        return self._unreserved.get(key[:2], 0) >= UNRESERVED_MINIMUM

    def enter(self, key: FunctionKey, reserved: int | None, account_reserved: int) -> bool:
        """Begin an invocation; whether it counts as reserved (say so to `leave`). Raises TooManyRequestsException."""
        running = self._functions.get(key, 0)
        if reserved is not None:
            if running >= reserved:
                raise throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
        else:
            place = key[:2]
            unreserved = self._unreserved.get(place, 0)
            if unreserved >= ACCOUNT_LIMIT - account_reserved:
                raise throttled("ConcurrentInvocationLimitExceeded")
            self._unreserved[place] = unreserved + 1
        self._functions[key] = running + 1
        return reserved is not None

    def leave(self, key: FunctionKey, was_reserved: bool) -> None:
        """An invocation has ended."""
        left = self._functions[key] - 1
        if left:
            self._functions[key] = left
        else:
            del self._functions[key]
        if not was_reserved:
            self._unreserved[key[:2]] -= 1


def throttled(reason: str) -> AwsError:
    """The 429 for a limit."""
    return aws_error("TooManyRequestsException", "Rate Exceeded.", Type="User", Reason=reason)
