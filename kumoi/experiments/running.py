"""Carrying out an experiment: check the steady state, break, let users work, put right, wait until all is quiet, judge.

What is taken in each of these is elsewhere: users (`users`), steps (`breaking`), time (`passing`), looks (`watching`),
the judgement (`judging`). Faults and the clock's speed are taken back whatever happens.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from kumoi.experiments.application import Application
from kumoi.experiments.breaking import Breaker, Tell
from kumoi.experiments.judging import Run, judged, not_started
from kumoi.experiments.model import Experiment, seconds
from kumoi.experiments.passing import Passed, Time
from kumoi.experiments.replaying import Recorded
from kumoi.experiments.users import Users
from kumoi.experiments.verdict import Check, Outcome, Report
from kumoi.experiments.watching import Watch


class Runner:
    """Runs experiments against one application; `tell` gets a line for each thing that happens."""

    def __init__(self, application: Application, tell: Tell = lambda _: None) -> None:
        self._application = application
        self._tell = tell
        self.users = Users(application)
        self.watch = Watch(application, self.users)
        self.time = Time(application)

    def run(self, experiment: Experiment, recorded: Recorded | None = None) -> Report:
        """Carry out an experiment; BadExperiment for what the application does not have.

        `recorded` has it struck where a run was struck before, and nowhere else.
        """
        variables = self.variables(experiment)
        began = time.monotonic()
        before = self._probed(experiment, variables)
        if not all(check.held for check in before):
            self._tell("the steady state does not hold before anything was broken")
            return not_started(experiment, before, time.monotonic() - began)
        self._application.ask("DELETE", "faults/log")
        start = self.time.now()
        breaker = Breaker(self._application, self.users, self.time, self._tell, experiment, recorded)
        with self.time.watched(start) as passed:
            return self._judged(experiment, variables, breaker, before, passed, began)

    def _judged(
        self,
        experiment: Experiment,
        variables: Mapping[str, Any],
        breaker: Breaker,
        before: list[Check],
        passed: Passed,
        began: float,
    ) -> Report:
        """Break, wait and look; the report of it."""
        with breaker.budgeted():  # a loop that feeds itself may go on when all is put right
            with self.time.speed(experiment.speed), breaker.taken_back():
                outcomes = self._broken(experiment, variables, breaker)
                self.time.linger(seconds(experiment.linger))
                struck, strikes = breaker.struck(), breaker.strikes()
                breaker.take(experiment.rollback, variables)
            ended = self.time.now()
            invariants, quiet = self.settle(experiment, variables, outcomes)
        for check in invariants:
            self._tell(f"{'holds' if check.held else 'BROKEN'}: {check.title} ({check.seen})")
        passed.close()
        return judged(
            experiment,
            Run(
                outcomes=outcomes,
                before=before,
                after=self._probed(experiment, variables),
                invariants=invariants,
                hops=passed.hops,
                unseen=passed.missed,
                struck={name: (title, struck.get(name, 0)) for name, title in breaker.declared.items()},
                problems=breaker.problems,
                strikes=strikes,
                dead_letters=self.watch.dead_letters(),
                recovery=None if quiet is None else round(max(quiet - ended, 0.0), 3),
                spent=time.monotonic() - began,
            ),
        )

    def variables(self, experiment: Experiment) -> dict[str, Any]:
        """What `${name}` stands for: the outputs of the stack, and the file's own."""
        outputs = {} if experiment.stack is None else self._application.outputs(experiment.stack)
        return {**outputs, "account": self._application.account, **experiment.variables}

    def settle(
        self, experiment: Experiment, variables: Mapping[str, Any], outcomes: list[Outcome]
    ) -> tuple[list[Check], float | None]:
        """Let time pass until all is quiet and the invariants hold, or `settle` is over; what they say then, and since
        when (the platform's time) they held.
        """

        def look() -> list[Check]:
            return self.watch.invariants(experiment.invariants, variables, outcomes)

        return self.time.settle(seconds(experiment.settle), look)

    def _probed(self, experiment: Experiment, variables: Mapping[str, Any]) -> list[Check]:
        checks = []
        for probe in experiment.steady_state:
            checks.append(check := self.watch.probe(probe, variables))
            self._tell(f"{'holds' if check.held else 'DOES NOT HOLD'}: {check.title} ({check.seen})")
        return checks

    def _broken(self, experiment: Experiment, variables: Mapping[str, Any], breaker: Breaker) -> list[Outcome]:
        """Run the method while the load runs."""
        faults_first = 0
        while faults_first < len(experiment.method) and experiment.method[faults_first].fault is not None:
            faults_first += 1
        breaker.take(experiment.method[:faults_first], variables)
        outcomes: list[Outcome] = []
        failure: list[BaseException] = []

        def work() -> None:
            try:
                if experiment.load is not None:
                    outcomes.extend(self.users.work(experiment.load, variables))
            except BaseException as error:  # noqa: BLE001  (raised again where it is waited for)
                failure.append(error)

        users = threading.Thread(target=work, name="users")
        users.start()
        try:
            breaker.take(experiment.method[faults_first:], variables)
            users.join()
        except BaseException:
            self.users.leave()  # not waited for: what they ask may hang by a fault that is still to be taken back
            raise
        if failure:
            raise failure[0]
        self._tell(f"{sum(one.accepted for one in outcomes)} of {len(outcomes)} requests were accepted")
        return outcomes
