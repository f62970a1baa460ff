"""Which retrier or catcher an error meets, and how long a retry waits. Source: "Handling errors in Step Functions"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from kumoi.services.stepfunctions.language import errors

_NEVER_BY_ALL = frozenset({errors.RUNTIME, errors.DATA_LIMIT})
_TIMEOUTS = frozenset({errors.TIMEOUT, errors.HEARTBEAT_TIMEOUT})


class HasErrors(Protocol):
    """What names the errors it is for."""

    @property
    def errors(self) -> tuple[str, ...]:
        """ErrorEquals."""


@dataclass(frozen=True, slots=True)
class Retrier:
    """One element of Retry."""

    errors: tuple[str, ...]
    interval: float = 1
    attempts: int = 3
    rate: float = 2.0
    longest: float | None = None
    full_jitter: bool = False

    @classmethod
    def parse(cls, given: dict[str, Any]) -> Retrier:
        """Read a checked element."""
        return cls(
            tuple(given["ErrorEquals"]),
            given.get("IntervalSeconds", 1),
            given.get("MaxAttempts", 3),
            given.get("BackoffRate", 2.0),
            given.get("MaxDelaySeconds"),
            given.get("JitterStrategy") == "FULL",
        )

    def delay(self, attempt: int, seed: str) -> float:
        """Seconds before the `attempt`-th retry (1 is the first). A jitter is drawn from `seed`."""
        try:
            seconds = self.interval * self.rate ** (attempt - 1)
        except OverflowError:
            seconds = 31_622_400.0
        seconds = min(seconds, self.longest or 31_622_400.0)
        return Random(seed).uniform(0, seconds) if self.full_jitter else seconds


def matches(one: HasErrors, error: str) -> bool:
    """Whether a retrier or catcher is for an error."""
    for name in one.errors:
        if name == error or (name == errors.HEARTBEAT_TIMEOUT and error == errors.TIMEOUT):
            return True
        if name == errors.ALL and error not in _NEVER_BY_ALL:
            return True
        if name == errors.TASK_FAILED and error not in _NEVER_BY_ALL and error not in _TIMEOUTS:
            return True
    return False


def find_retrier(retriers: Sequence[Retrier], counts: Sequence[int], error: str) -> int | None:
    """The index of the retrier that retries an error, None where none does (any more)."""
    for index, retrier in enumerate(retriers):
        if matches(retrier, error):
            return index if counts[index] < retrier.attempts else None
    return None
