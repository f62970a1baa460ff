"""How fast a job reaches its things, how often one tries again, and when a job is given up. Pure.

Source: developer guide, "Job configurations": rollout rates, abort, and retry of jobs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from kumoi.services.iot.naming import invalid

MOST_PER_MINUTE = 1000
FAILURES = ("FAILED", "REJECTED", "TIMED_OUT")
_CRITERIA = ("numberOfNotifiedThings", "numberOfSucceededThings")


def check(
    rollout: Mapping[str, Any] | None, retries: Sequence[Mapping[str, Any]], aborts: Sequence[Mapping[str, Any]]
) -> None:
    """InvalidRequestException for what contradicts itself; the wire has checked every bound of its own."""
    if rollout is not None:
        most, growing = rollout.get("maximumPerMinute", MOST_PER_MINUTE), rollout.get("exponentialRate")
        if most > MOST_PER_MINUTE:
            raise invalid(f"maximumPerMinute is at most {MOST_PER_MINUTE}.")
        if growing is not None:
            if sum(name in growing["rateIncreaseCriteria"] for name in _CRITERIA) != 1:
                raise invalid(f"rateIncreaseCriteria has exactly one of {' and '.join(_CRITERIA)}.")
            if growing["baseRatePerMinute"] > most:
                raise invalid("baseRatePerMinute is larger than maximumPerMinute.")
    for criteria, what in ((retries, "jobExecutionsRetryConfig"), (aborts, "abortConfig")):
        kinds = [one["failureType"] for one in criteria]
        if len(set(kinds)) < len(kinds):
            raise invalid(f"{what} names a failureType twice.")
    if len(retries) > 1 and any(one["failureType"] == "ALL" for one in retries):
        raise invalid("jobExecutionsRetryConfig has ALL beside another failureType.")


def rate(rollout: Mapping[str, Any], notified: int, succeeded: int) -> int:
    """How many things are told in the next minute, after so many were told and have succeeded."""
    most = int(rollout.get("maximumPerMinute", MOST_PER_MINUTE))
    growing = rollout.get("exponentialRate")
    if growing is None:
        return most
    criteria = growing["rateIncreaseCriteria"]
    counted = dict(zip(_CRITERIA, (notified, succeeded), strict=True))
    steps = next(counted[name] // each for name, each in criteria.items())
    grown = math.log(growing["baseRatePerMinute"]) + steps * math.log(growing["incrementFactor"])
    return most if grown >= math.log(most) else max(int(math.exp(grown) + 1e-9), 1)


def tries_again(retries: Sequence[Mapping[str, Any]], status: str, done: int) -> bool:
    """Whether a thing tries again that has failed, after so many retries."""
    return any(
        one["failureType"] in (status, "ALL") and status in ("FAILED", "TIMED_OUT") and done < one["numberOfRetries"]
        for one in retries
    )


def given_up(aborts: Sequence[Mapping[str, Any]], counts: Mapping[str, int]) -> bool:
    """Whether a job is to be cancelled of whose things, as many as were told, so many are in these states."""
    told = sum(counts.values())
    for one in aborts:
        kinds = FAILURES if one["failureType"] == "ALL" else (one["failureType"],)
        failed = sum(counts.get(kind, 0) for kind in kinds)
        enough = told >= one["minNumberOfExecutedThings"]
        if failed and enough and failed * 100 >= one["thresholdPercentage"] * told:
            return True
    return False
