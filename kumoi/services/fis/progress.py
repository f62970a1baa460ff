"""How an experiment goes on: which actions begin, end, or are given up, and when something is due next. Pure.

An action begins when those that it starts after are over; the experiment is over when all of them are. One that fails
ends the experiment: what runs is stopped, what waits is cancelled.
"""

from __future__ import annotations

import msgspec

from kumoi.services.fis.records import ENDED, OVER, ActionRun, Experiment

LOOK = 5.0
"""Seconds between two looks at the alarms of stop conditions."""
MOST_AT_ONCE = 10
"""Actions that run side by side."""


def ready(experiment: Experiment) -> list[ActionRun]:
    """The pending actions that can begin."""
    over = {action.name for action in experiment.actions if action.status in OVER}
    running = sum(action.status == "running" for action in experiment.actions)
    free = [
        action
        for action in experiment.actions
        if action.status == "pending" and over.issuperset(action.definition.get("startAfter") or ())
    ]
    return free[: max(MOST_AT_ONCE - running, 0)]


def replaced(experiment: Experiment, action: ActionRun) -> Experiment:
    """The experiment with another state of an action."""
    actions = tuple(action if one.name == action.name else one for one in experiment.actions)
    return msgspec.structs.replace(experiment, actions=actions)


def over(action: ActionRun, status: str, reason: str, now: float) -> ActionRun:
    """An action that has ended."""
    return msgspec.structs.replace(action, status=status, reason=reason, ended=now)


def ended(experiment: Experiment, status: str, reason: str, now: float, error: str | None = None) -> Experiment:
    """The experiment that ends now, whatever runs or waits."""
    actions = []
    for action in experiment.actions:
        if action.status == "running":
            action = over(action, "stopped", "Action was stopped.", now)
        elif action.status not in OVER:
            action = over(action, "cancelled", "Action was cancelled.", now)
        actions.append(action)
    return msgspec.structs.replace(
        experiment, actions=tuple(actions), status=status, reason=reason, ended=now, error=error, stop=None
    )


def settled(experiment: Experiment, now: float) -> Experiment:
    """The experiment after what is due now has ended."""
    for action in experiment.actions:
        if action.status == "running" and action.due is not None and action.due <= now:
            experiment = replaced(experiment, over(action, "completed", "Action was completed.", now))
    failed = next((action for action in experiment.actions if action.status == "failed"), None)
    if failed is not None:
        reason = f"Experiment failed because the action {failed.name} failed."
        return ended(experiment, "failed", reason, now, "ActionFailed")
    if all(action.status in OVER for action in experiment.actions):
        return ended(experiment, "completed", "Experiment completed.", now)
    return experiment


def next_due(experiment: Experiment, now: float) -> float | None:
    """When the experiment is to be looked at again; None for never."""
    if experiment.status in ENDED:
        return None
    if experiment.resolved is not None and ready(experiment):
        return now
    ends = [action.due for action in experiment.actions if action.status == "running" and action.due is not None]
    if any(one["source"] != "none" for one in experiment.template.stop_conditions):
        ends.append(now + LOOK)
    return min(ends, default=now)
