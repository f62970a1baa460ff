"""From what a run has shown to its report: what was absorbed, degraded, failed, lost, and whether it passed. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from kumoi.experiments.added_cost import added_usd
from kumoi.experiments.model import Experiment
from kumoi.experiments.verdict import Check, Outcome, Report, by_fault, retries_by_layer


class Run(NamedTuple):
    """What a run has shown. `struck` maps faults to their title and how often they struck, `strikes` is their log."""

    outcomes: list[Outcome]
    before: list[Check]
    after: list[Check]
    invariants: list[Check]
    hops: list[dict[str, Any]]
    unseen: int
    struck: dict[str, tuple[str, int]]
    problems: list[str]
    strikes: list[dict[str, Any]]
    dead_letters: dict[str, int]
    recovery: float | None
    spent: float


def not_started(experiment: Experiment, before: list[Check], spent: float) -> Report:
    """The report of an experiment whose steady state did not hold."""
    return Report(
        title=experiment.title,
        verdict="not started",
        seed=experiment.seed,
        seconds=round(spent, 3),
        before=before,
        experiment=msgspec.to_builtins(experiment),
    )


def judged(experiment: Experiment, run: Run) -> Report:
    """The report of a run."""
    outcomes = run.outcomes
    failed = sum(not one.accepted for one in outcomes)
    degraded = sum(one.accepted and (one.slow or one.retries > 0) for one in outcomes)
    met_a_fault = {hop["trace"] for hop in run.hops if hop["fault"]}
    hit = [one for one in outcomes if met_a_fault.intersection(one.traces)]
    good = (
        all(check.held for check in (*run.after, *run.invariants))
        and failed <= experiment.tolerate.failed
        and degraded <= experiment.tolerate.degraded
        and not run.problems
    )
    return Report(
        title=experiment.title,
        verdict="passed" if good else "failed",
        seed=experiment.seed,
        seconds=round(run.spent, 3),
        requests=len(outcomes),
        accepted=len(outcomes) - failed,
        absorbed=sum(one.accepted and not one.slow and not one.retries for one in hit),
        degraded=degraded,
        failed=failed,
        user_retries=sum(one.retries for one in outcomes),
        retries=retries_by_layer(run.hops),
        added_usd=added_usd(run.hops),
        unseen_calls=run.unseen,
        lost=max((check.missing for check in run.invariants), default=0),
        duplicated=max((check.surplus for check in run.invariants), default=0),
        dead_letters=run.dead_letters,
        recovery_seconds=run.recovery,
        faults=by_fault(run.struck, run.hops, outcomes),
        before=run.before,
        after=run.after,
        invariants=run.invariants,
        problems=run.problems,
        strikes=run.strikes,
        experiment=msgspec.to_builtins(experiment),
    )
