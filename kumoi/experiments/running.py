"""Carrying out an experiment: check the steady state, break, let users work, put right, wait until all is quiet, judge.

Faults are declared for the experiment's account alone, under ids of its own, and taken back whatever happens; so is the
clock's speed.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import msgspec

from kumoi.experiments.application import Answer, Application
from kumoi.experiments.model import (
    ApiCall,
    BadExperiment,
    Experiment,
    HttpRequest,
    Invariant,
    Load,
    Place,
    Probe,
    Step,
    fault_of,
    filled,
    seconds,
)
from kumoi.experiments.verdict import (
    Check,
    Outcome,
    Report,
    added_up,
    arrived,
    busy,
    by_fault,
    met,
    retries_by_layer,
)
from kumoi.names import trace_id

Tell = Callable[[str], None]

STEP_SECONDS = 5.0
"""Seconds of the platform's clock between two looks at whether all is quiet."""
BREATH = 0.05
"""Real seconds that what has fallen due has to begin."""
PATIENCE = 20.0
"""Real seconds, at most, for which calls under way are waited for before time passes on."""
CALM_STEPS = 3
"""Looks in a row at which all must be quiet."""
HOPELESS_STEPS = 8
"""The same while invariants are broken: nothing will put them right any more."""
MOST_HOPS = 100_000
_RETRY_PAUSE = 0.2


class Runner:
    """Runs experiments against one application; `tell` gets a line for each thing that happens."""

    def __init__(self, application: Application, tell: Tell = lambda _: None) -> None:
        self._application = application
        self._tell = tell

    def run(self, experiment: Experiment) -> Report:
        """Carry out an experiment; BadExperiment for what the application does not have."""
        application = self._application
        variables = self.variables(experiment)
        began = time.monotonic()
        before = [self._probed(probe, variables) for probe in experiment.steady_state]
        if not all(check.held for check in before):
            self._tell("the steady state does not hold before anything was broken")
            spent = round(time.monotonic() - began, 3)
            return Report(
                title=experiment.title, verdict="not started", seed=experiment.seed, seconds=spent, before=before
            )
        application.ask("DELETE", "faults/log")
        start = application.ask("GET", "clock")["now"]
        declared: dict[str, str] = {}
        problems: list[str] = []
        with self._speed(experiment.speed), self._taken_back(declared):
            outcomes = self._broken(experiment, variables, declared, problems)
            self.linger(seconds(experiment.linger))
            struck = self._struck(declared)
            strikes = application.ask("GET", "faults/log")["strikes"]
            problems += self._steps(experiment.rollback, variables, declared, experiment)
        ended = application.ask("GET", "clock")["now"]
        invariants, quiet = self.settle(experiment, variables, outcomes, start)
        hops = self.hops(start)
        after = [self._probed(probe, variables) for probe in experiment.steady_state]
        return self._report(
            experiment,
            outcomes,
            before=before,
            after=after,
            invariants=invariants,
            hops=hops,
            struck={name: (declared[name], struck.get(name, 0)) for name in declared},
            problems=problems,
            strikes=[one for one in strikes if one["fault"] in declared],
            recovery=None if quiet is None else round(max(quiet - ended, 0.0), 3),
            spent=time.monotonic() - began,
        )

    def variables(self, experiment: Experiment) -> dict[str, Any]:
        """What `${name}` stands for: the outputs of the stack, and the file's own."""
        outputs = {} if experiment.stack is None else self._application.outputs(experiment.stack)
        return {**outputs, "account": self._application.account, **experiment.variables}

    def load(self, load: Load, variables: Mapping[str, Any]) -> list[Outcome]:
        """Have users do what they do; how each of their requests ended, in order."""
        pause = 1 / load.rate if load.rate else 0.0
        began = time.monotonic()
        with ThreadPoolExecutor(load.parallel, thread_name_prefix="user") as users:
            asked = []
            for number in range(1, (load.count if load.replay is None else len(load.replay)) + 1):
                due = began + pause * (number - 1)
                time.sleep(max(due - time.monotonic(), 0.0))
                asked.append(users.submit(self._request, load, variables, number))
            return [one.result() for one in asked]

    def settle(
        self, experiment: Experiment, variables: Mapping[str, Any], outcomes: list[Outcome], start: float
    ) -> tuple[list[Check], float | None]:
        """Let time pass until all is quiet and the invariants hold, or `settle` is over; what they say then.

        The second value is the platform's time since when they held; None when they do not.
        """
        left = seconds(experiment.settle)
        since: float | None = None
        calm = 0
        while True:
            now, quiet = self._pass(min(STEP_SECONDS, left))
            left -= STEP_SECONDS
            checks = [self.invariant(one, variables, outcomes) for one in experiment.invariants]
            held = all(check.held for check in checks)
            since = (since or now) if held else None
            calm = calm + 1 if quiet else 0
            if left <= 0 or calm >= (CALM_STEPS if held else HOPELESS_STEPS):
                return checks, since

    def linger(self, left: float) -> None:
        """Let time pass while all is broken, until nothing goes on any more."""
        calm = 0
        while left > 0 and calm < CALM_STEPS:
            _, quiet = self._pass(min(STEP_SECONDS, left))
            left -= STEP_SECONDS
            calm = calm + 1 if quiet else 0

    def _pass(self, duration: float) -> tuple[float, bool]:
        """Let time pass: when that began, by the platform's clock, and whether all was quiet then.

        What is under way when it has passed is waited for, a moment at least.
        """
        application = self._application
        began = application.ask("GET", "clock")["now"]
        application.ask("POST", "clock", {"action": "advance", "seconds": duration})
        give_up = time.monotonic() + PATIENCE
        time.sleep(BREATH)
        while busy(self._under_way()) and time.monotonic() < give_up:
            time.sleep(BREATH)
        quiet = not busy(self.hops(began)) and not busy(self._under_way())
        return began, quiet and not any(application.waiting(queue) for queue in application.consumed())

    def _under_way(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._application.ask("GET", "calls", account=self._application.account)["calls"]
        return found

    def hops(self, start: float) -> list[dict[str, Any]]:
        """What has passed the doorway since a time of the platform's, the newest MOST_HOPS of it."""
        found = self._application.ask("GET", "hops", limit=str(MOST_HOPS), account=self._application.account)["hops"]
        return [hop for hop in found if hop["time"] >= int(start * 1000)]

    def invariant(self, one: Invariant, variables: Mapping[str, Any], outcomes: list[Outcome]) -> Check:
        """Whether an invariant holds now."""
        accepted = [outcome.id for outcome in outcomes if outcome.accepted]
        refused = [outcome.id for outcome in outcomes if not outcome.accepted]
        if one.arrives is not None:
            place = msgspec.convert(filled(msgspec.to_builtins(one.arrives), variables), Place)
            where = place.table or str(place.queue).rpartition("/")[2]
            return arrived(one.title or f"{place.times} in {where}", place, accepted, refused, self._found(place))
        if one.total is not None:
            table, attribute = str(filled(one.total.table, variables)), one.total.attribute
            found = sum(float(item[attribute]) for item in self._application.items(table) if attribute in item)
            title = one.title or f"the {attribute} of {table} add up"
            return added_up(title, found, one.total.each, len(accepted), len(refused))
        queue = str(filled(one.empty, variables))
        return self._empty(one.title, queue)

    def _empty(self, title: str, queue: str) -> Check:
        waiting = self._application.waiting(queue)
        title = title or f"nothing in {queue.rpartition('/')[2]}"
        return Check(title=title, held=not waiting, seen=f"{waiting} messages")

    def _found(self, place: Place) -> Counter[str]:
        found: Counter[str] = Counter()
        if place.table is not None:
            values = (item.get(place.attribute) for item in self._application.items(place.table))
        else:
            import jmespath

            expression = jmespath.compile(place.select)
            bodies = self._application.messages(str(place.queue))
            values = (expression.search(body) for body in map(_decoded, bodies))
        for value in values:
            if value is not None and str(value).startswith(place.prefix):
                found[str(value).removeprefix(place.prefix)] += 1
        return found

    def _broken(
        self, experiment: Experiment, variables: Mapping[str, Any], declared: dict[str, str], problems: list[str]
    ) -> list[Outcome]:
        """Run the method while the load runs."""
        faults_first = 0
        while faults_first < len(experiment.method) and experiment.method[faults_first].fault is not None:
            faults_first += 1
        problems += self._steps(experiment.method[:faults_first], variables, declared, experiment)
        outcomes: list[Outcome] = []
        failure: list[BaseException] = []

        def work() -> None:
            try:
                if experiment.load is not None:
                    outcomes.extend(self.load(experiment.load, variables))
            except BaseException as error:  # noqa: BLE001  (raised again where it is waited for)
                failure.append(error)

        users = threading.Thread(target=work, name="users")
        users.start()
        try:
            problems += self._steps(experiment.method[faults_first:], variables, declared, experiment)
        finally:
            users.join()
        if failure:
            raise failure[0]
        self._tell(f"{sum(one.accepted for one in outcomes)} of {len(outcomes)} requests were accepted")
        return outcomes

    def _request(self, load: Load, variables: Mapping[str, Any], number: int) -> Outcome:
        given = {**variables, "n": number}
        given["id"] = str(filled(load.id, given))
        traces: list[str] = []
        spent = 0.0
        for attempt in range(load.retries + 1):
            traces.append(trace_id(time.time()))
            with self._application.tracing(traces[-1]):
                if load.replay is not None:
                    answer = self._application.request(load.replay[number - 1])
                else:
                    answer = self._asked(load.http, load.call, given)
            spent += answer.seconds
            wrong = met(load.expect, answer.status, answer.body, answer.error)
            if not wrong or attempt == load.retries:
                break
            time.sleep(_RETRY_PAUSE * 2**attempt)
        slow = spent > seconds(load.slow)
        return Outcome(id=given["id"], accepted=not wrong, slow=slow, retries=attempt, traces=traces, seen=wrong)

    def _asked(self, http: HttpRequest | None, call: ApiCall | None, variables: Mapping[str, Any]) -> Answer:
        if http is not None:
            request = msgspec.convert(filled(msgspec.to_builtins(http), variables), HttpRequest)
            if not request.path.startswith("/") or request.path.startswith("//"):
                raise BadExperiment(f"{request.path[:100]!r} is no path of the platform")
            return self._application.request(request)
        assert call is not None, "the model has one of the two"
        parameters = filled(call.parameters, variables)
        return self._application.call(msgspec.structs.replace(call, parameters=parameters))

    def _probed(self, probe: Probe, variables: Mapping[str, Any]) -> Check:
        if probe.empty is not None:
            check = self._empty(probe.title, str(filled(probe.empty, variables)))
        else:
            answer = self._asked(probe.http, probe.call, variables)
            expect = msgspec.convert(filled(msgspec.to_builtins(probe.expect), variables), type(probe.expect))
            wrong = met(expect, answer.status, answer.body, answer.error)
            usual = probe.http.path if probe.http is not None else probe.call.operation if probe.call else ""
            check = Check(title=probe.title or usual, held=not wrong, seen=wrong or f"status {answer.status}")
        self._tell(f"{'holds' if check.held else 'DOES NOT HOLD'}: {check.title} ({check.seen})")
        return check

    def _steps(
        self, steps: list[Step], variables: Mapping[str, Any], declared: dict[str, str], experiment: Experiment
    ) -> list[str]:
        """Take steps one after the other; what went wrong with those that are calls."""
        problems = []
        application = self._application
        for step in steps:
            if step.pause is not None:
                self._pause(seconds(step.pause))
            elif step.clear is not None:
                application.ask("DELETE", "faults", id=step.clear)
                self._tell(f"taken back: {step.clear}")
            elif step.fault is not None:
                given = dict(filled(step.fault, variables))
                given.setdefault("id", f"experiment-{len(declared) + 1}")
                given.setdefault("seed", experiment.seed)
                given["account"] = application.account
                if step.lasts is not None:
                    given["ends"] = application.ask("GET", "clock")["now"] + seconds(step.lasts)
                fault = fault_of(given)
                application.ask("POST", "faults", msgspec.to_builtins(fault))
                declared[fault.id] = step.title or f"{fault.action} {fault.service} {fault.operation}"
                self._tell(f"broken: {declared[fault.id]}")
            else:
                answer = self._asked(step.http, step.call, variables)
                if answer.error or answer.status >= 400 or not answer.status:
                    name = step.title or (step.call.operation if step.call else step.http.path if step.http else "")
                    problems.append(f"{name}: {answer.error or answer.status}")
                self._tell(f"done: {step.title or (step.call.operation if step.call else 'a request')}")
        return problems

    def _pause(self, duration: float) -> None:
        """Wait until the platform's clock has gone on for so long."""
        due = self._application.ask("GET", "clock")["now"] + duration
        while True:
            clock = self._application.ask("GET", "clock")
            if clock["held"]:
                raise BadExperiment("the clock is held: release it, a method waits")
            left = (due - clock["now"]) / clock["scale"]
            if left <= 0:
                return
            time.sleep(min(left, 1.0))

    def _struck(self, declared: Mapping[str, str]) -> dict[str, int]:
        found = self._application.ask("GET", "faults")["faults"]
        return {one["id"]: one["struck"] for one in found if one["id"] in declared}

    @contextmanager
    def _speed(self, factor: float) -> Iterator[None]:
        before = self._application.ask("GET", "clock")["scale"]
        if factor != before:
            self._application.ask("POST", "clock", {"action": "scale", "factor": factor})
        try:
            yield
        finally:
            if factor != before:
                self._application.ask("POST", "clock", {"action": "scale", "factor": before})

    @contextmanager
    def _taken_back(self, declared: Mapping[str, str]) -> Iterator[None]:
        try:
            yield
        finally:
            left = {one["id"] for one in self._application.ask("GET", "faults")["faults"]}
            for name in left.intersection(declared):
                self._application.ask("DELETE", "faults", id=name)

    def _report(
        self,
        experiment: Experiment,
        outcomes: list[Outcome],
        *,
        before: list[Check],
        after: list[Check],
        invariants: list[Check],
        hops: list[dict[str, Any]],
        struck: dict[str, tuple[str, int]],
        problems: list[str],
        strikes: list[dict[str, Any]],
        recovery: float | None,
        spent: float,
    ) -> Report:
        failed = sum(not one.accepted for one in outcomes)
        degraded = sum(one.accepted and (one.slow or one.retries > 0) for one in outcomes)
        met_a_fault = {hop["trace"] for hop in hops if hop["fault"]}
        hit = [one for one in outcomes if met_a_fault.intersection(one.traces)]
        absorbed = sum(one.accepted and not one.slow and not one.retries for one in hit)
        good = (
            all(check.held for check in (*after, *invariants))
            and failed <= experiment.tolerate.failed
            and degraded <= experiment.tolerate.degraded
            and not problems
        )
        for check in invariants:
            self._tell(f"{'holds' if check.held else 'BROKEN'}: {check.title} ({check.seen})")
        return Report(
            title=experiment.title,
            verdict="passed" if good else "failed",
            seed=experiment.seed,
            seconds=round(spent, 3),
            requests=len(outcomes),
            accepted=len(outcomes) - failed,
            absorbed=absorbed,
            degraded=degraded,
            failed=failed,
            user_retries=sum(one.retries for one in outcomes),
            retries=retries_by_layer(hops),
            lost=max((check.missing for check in invariants), default=0),
            duplicated=max((check.surplus for check in invariants), default=0),
            dead_letters=self.dead_letters(),
            recovery_seconds=recovery,
            faults=by_fault(struck, hops, outcomes),
            before=before,
            after=after,
            invariants=invariants,
            problems=problems,
            strikes=strikes,
        )

    def dead_letters(self) -> dict[str, int]:
        """How many messages each dead-letter queue holds, of those that hold any."""
        counts = {url.rpartition("/")[2]: self._application.waiting(url) for url in self._dead_letter_queues()}
        return {name: count for name, count in counts.items() if count}

    def _dead_letter_queues(self) -> set[str]:
        """The queues that others send to what they cannot get rid of."""
        found = set()
        for url in self._application.queues():
            client = self._application.client("sqs")
            asked = {"QueueUrl": url, "AttributeNames": ["RedrivePolicy", "QueueArn"]}
            policy = client.get_queue_attributes(**asked).get("Attributes", {}).get("RedrivePolicy")
            if policy:
                arn = str(msgspec.json.decode(policy).get("deadLetterTargetArn", ""))
                name = arn.rpartition(":")[2]
                found.add(f"{url.rpartition('/')[0]}/{name}")
        existing = set(self._application.queues())
        return found & existing


def _decoded(body: str) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {"id": body}
