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


class _Place:
    """Invocations under way in an account and region, of functions that reserve nothing."""

    __slots__ = ("unreserved",)

    def __init__(self) -> None:
        self.unreserved = 0


class Running:
    """Invocations under way of one function."""

    __slots__ = ("count", "key", "place")

    def __init__(self, key: FunctionKey, place: _Place) -> None:
        self.count = 0
        self.key = key
        self.place = place


class Concurrency:
    """Counts invocations under way."""

    def __init__(self) -> None:
        self._functions: dict[FunctionKey, Running] = {}
        self._places: dict[tuple[str, str], _Place] = {}

    def must_know_reserved(self, account: str, region: str) -> bool:
        """Whether `enter` needs the account's sum of reservations: below the minimum nothing can be refused."""
        place = self._places.get((account, region))
        return place is not None and place.unreserved >= UNRESERVED_MINIMUM

    def enter(self, key: FunctionKey, reserved: int | None, account_reserved: int) -> Running:
        """Begin an invocation; what to `leave`. Raises TooManyRequestsException."""
        running = self._functions.get(key)
        if running is None:
            running = Running(key, self._places.setdefault(key[:2], _Place()))
        if reserved is not None:
            if running.count >= reserved:
                raise throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
        else:
            place = running.place
            if place.unreserved >= ACCOUNT_LIMIT - account_reserved:
                raise throttled("ConcurrentInvocationLimitExceeded")
            place.unreserved += 1
        if not running.count:
            self._functions[key] = running
        running.count += 1
        return running

    def leave(self, running: Running, reserved: int | None) -> None:
        """An invocation has ended that began with `reserved`."""
        running.count -= 1
        if not running.count:
            del self._functions[running.key]
        if reserved is None:
            running.place.unreserved -= 1


def throttled(reason: str) -> AwsError:
    """The 429 for a limit."""
    return aws_error("TooManyRequestsException", "Rate Exceeded.", Type="User", Reason=reason)
