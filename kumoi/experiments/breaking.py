"""Taking the steps of a method or a rollback: faults are declared and taken back, calls made, time waited for.

Faults are declared for the experiment's account alone, under ids of its own. Where a run is replayed, each strikes the
calls that it struck then, and no others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from kumoi.experiments.application import Application
from kumoi.experiments.model import Experiment, Step, fault_of, filled, seconds
from kumoi.experiments.passing import Time
from kumoi.experiments.replaying import Recorded
from kumoi.experiments.users import Users

Tell = Callable[[str], None]


class Breaker:
    """Takes the steps of one run. `declared` maps the faults' ids to their titles, `problems` is what went wrong."""

    def __init__(
        self,
        application: Application,
        users: Users,
        time: Time,
        tell: Tell,
        experiment: Experiment,
        recorded: Recorded | None,
    ) -> None:
        self._application = application
        self._users = users
        self._time = time
        self._tell = tell
        self._experiment = experiment
        self._recorded = recorded
        self._struck: Counter[str] = Counter()
        self.declared: dict[str, str] = {}
        self.problems: list[str] = []

    def take(self, steps: list[Step], variables: Mapping[str, Any]) -> None:
        """Take steps one after the other."""
        for step in steps:
            if step.pause is not None:
                self._time.pause(seconds(step.pause))
            elif step.clear is not None:
                self._struck += Counter({step.clear: self._now_struck().get(step.clear, 0)})
                self._application.ask("DELETE", "faults", id=step.clear)
                self._tell(f"taken back: {step.clear}")
            elif step.fault is not None:
                self._declare(step, step.fault, variables)
            else:
                answer = self._users.ask(step.http, step.call, variables)
                if answer.error or answer.status >= 400 or not answer.status:
                    name = step.title or (step.call.operation if step.call else step.http.path if step.http else "")
                    self.problems.append(f"{name}: {answer.error or answer.status}")
                self._tell(f"done: {step.title or (step.call.operation if step.call else 'a request')}")

    @contextmanager
    def taken_back(self) -> Iterator[None]:
        """Whatever happens meanwhile, no fault of the run is left."""
        try:
            yield
        finally:
            left = {one["id"] for one in self._application.ask("GET", "faults")["faults"]}
            for name in left.intersection(self.declared):
                self._application.ask("DELETE", "faults", id=name)

    @contextmanager
    def budgeted(self) -> Iterator[None]:
        """The experiment's budget holds meanwhile; that it was used up is a problem of the run."""
        account, budget = self._application.account, self._experiment.budget
        if budget is None:
            yield
            return
        before = {one["account"]: one["usd_per_hour"] for one in self._application.ask("GET", "budget")["budgets"]}
        self._application.ask("POST", "budget", {"usd_per_hour": budget, "account": account})
        try:
            yield
        finally:
            told = {one["account"]: one for one in self._application.ask("GET", "budget")["budgets"]}
            refused = told[account]["refused"] if account in told else 0
            if refused:
                self.problems.append(f"the budget of ${budget:g} an hour was used up: {refused} calls were refused")
            if account in before:
                self._application.ask("POST", "budget", {"usd_per_hour": before[account], "account": account})
            else:
                self._application.ask("DELETE", "budget", account=account)

    def struck(self) -> dict[str, int]:
        """How often each fault has struck, also those that were taken back."""
        return self._struck + Counter(self._now_struck())

    def strikes(self) -> list[dict[str, Any]]:
        """The log of what the run's faults struck."""
        found: dict[tuple[str, int, str], dict[str, Any]] = {}
        after, noted = 0, 1
        while after < noted:
            told = self._application.ask("GET", "faults/log", after=str(after))
            found.update({(one["edge"], one["number"], one["fault"]): one for one in told["strikes"]})
            after, noted = after + len(told["strikes"]), told["noted"]
            if not told["strikes"]:
                break
        return [one for _, one in sorted(found.items()) if one["fault"] in self.declared]

    def _now_struck(self) -> dict[str, int]:
        found = self._application.ask("GET", "faults")["faults"]
        return {one["id"]: one["struck"] for one in found if one["id"] in self.declared}

    def _declare(self, step: Step, fault: dict[str, Any], variables: Mapping[str, Any]) -> None:
        given = dict(filled(fault, variables))
        given.setdefault("id", f"experiment-{len(self.declared) + 1}")
        given.setdefault("seed", self._experiment.seed)
        given["account"] = self._application.account
        if step.lasts is not None:
            given["ends"] = self._time.now() + seconds(step.lasts)
        if self._recorded is not None:
            given["strikes_at"] = self._recorded.strikes_at(str(given["id"]))
        made = fault_of(given)
        answer = self._application.ask("POST", "faults", msgspec.to_builtins(made))
        if answer.get("note"):
            self._tell(f"note: {answer['note']}")
        self.declared[made.id] = step.title or f"{made.action} {made.service} {made.operation}"
        self._tell(f"broken: {self.declared[made.id]}")
