"""When a delivery is tried again, and what is said of one that is not: pure rules.

Source: "Retrying event delivery" and "Using dead-letter queues to process undelivered events" of the EventBridge user
guide, whose error codes these are.
"""

from __future__ import annotations

from random import Random

import msgspec

from kumoi.doorway import CallDropped
from kumoi.wire.errors import AwsError

LONGEST_PAUSE = 480.0
"""Seconds between two tries, at most: 185 retries then fill a day."""

_THROTTLED = ("Throttl", "TooManyRequests", "RequestLimitExceeded", "ThroughputExceeded", "SlowDown", "LimitExceeded")
_MISSING = ("NotFound", "NonExistent", "NoSuch", "DoesNotExist")
_FORBIDDEN = ("AccessDenied", "AuthorizationError", "NotAuthorized")


class RetryPolicy(msgspec.Struct, frozen=True):
    """How often a delivery is tried again, and for how many seconds after it was accepted."""

    retries: int = 185
    age: int = 86_400


class Failure(msgspec.Struct, frozen=True):
    """Why a delivery failed: a code of the guide's, a text, and whether it may be tried again.

    `exhausted` names the limit that ended the retries, where one did; `held` what holds up this one and others like it
    for as long as it lasts, so that nobody need try before.
    """

    code: str
    message: str
    retry: bool
    exhausted: str | None = None
    held: str = ""


class DeliveryFailed(Exception):
    """The target did not take a delivery."""

    def __init__(self, code: str, message: str, *, retry: bool, held: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.failure = Failure(code, message, retry, held=held)


def failure_of(error: Exception) -> Failure:
    """What an exception of a try means."""
    if isinstance(error, DeliveryFailed):
        return error.failure
    if isinstance(error, CallDropped):
        return Failure("TIMEOUT", "The target did not answer.", retry=True)
    if not isinstance(error, AwsError):
        return Failure("INTERNAL_ERROR", f"{type(error).__name__}: {error}", retry=True)
    code, text = error.code, f"{error.code}: {error.message}"
    if code == "NotImplemented":
        return Failure("SDK_CLIENT_ERROR", text, retry=False)
    if any(part in code for part in _THROTTLED):
        return Failure("THROTTLING", text, retry=True)
    if any(part in code for part in _MISSING):
        return Failure("NO_RESOURCE", text, retry=False)
    if any(part in code for part in _FORBIDDEN):
        return Failure("NO_PERMISSIONS", text, retry=False)
    if error.default_status >= 500 or "Conflict" in code or "Internal" in code or "ServiceException" in code:
        return Failure("ERROR_FROM_TARGET", text, retry=True)
    if "Invalid" in code or "Validation" in code or "Malformed" in code:
        return Failure("INVALID_PARAMETER", text, retry=False)
    return Failure("SDK_CLIENT_ERROR", text, retry=False)


def pause(delivery_id: str, attempts: int) -> float:
    """Seconds until the next try after `attempts` of them: exponential, with a jitter that replays exactly."""
    longest = min(2.0 ** min(attempts - 1, 30), LONGEST_PAUSE)
    return longest * Random(f"{delivery_id}/{attempts}").uniform(0.75, 1.0)


def exhausted(policy: RetryPolicy, attempts: int, next_at: float, accepted: float) -> str | None:
    """The limit of `policy` that forbids one more try at `next_at`, after `attempts` of them; None when none does."""
    if attempts > policy.retries:
        return "MaximumRetryAttempts"
    if next_at - accepted > policy.age:
        return "MaximumEventAgeInSeconds"
    return None
