"""Experiments under way: each is one timer; what it breaks follows what is stored of it.

A step declares and takes back faults before it is stored, so that an experiment is never said to break what it does
not break; one that was overtaken (stopped meanwhile) is taken again from what is stored. After a restart the faults of
running actions are declared anew.
"""

from __future__ import annotations

import msgspec

from kumoi.doorway import Doorway, Fault, Faults, Parts
from kumoi.names import Arn
from kumoi.services.fis import storage
from kumoi.services.fis.announcing import announce
from kumoi.services.fis.catalogue import ACTIONS
from kumoi.services.fis.injecting import fault_prefix, faults_of
from kumoi.services.fis.logbook import Logbook
from kumoi.services.fis.networks import OUTAGE_SECONDS, found
from kumoi.services.fis.progress import ended, next_due, over, ready, replaced, settled
from kumoi.services.fis.records import ENDED, ActionRun, Experiment
from kumoi.services.fis.reporting import begun, report_due, written
from kumoi.services.fis.rules import seconds
from kumoi.services.fis.targets import Ask, Unresolved, asking, asking_targets, resolve
from kumoi.state import State, Timer
from kumoi.state.timers import TimerRunner
from kumoi.wire.errors import AwsError


class Execution:
    """Takes experiments forward."""

    def __init__(self, parts: Parts) -> None:
        self._doorway = parts[Doorway]
        self._faults = parts[Faults]
        self._logbook = Logbook(self._doorway)
        parts[TimerRunner].on(storage.TOPIC, self.run)

    async def resume(self) -> None:
        """Break again what running actions break: faults do not outlive a platform, experiments do."""
        for one in await storage.all_active(self._doorway.state):
            place = self._doorway.state.at(one.account, one.region)
            experiment = await storage.find(place, one.id)
            if experiment is not None:
                self._inject(place, experiment)

    async def forget(self, account: str | None) -> None:
        """Forget the experiments of an account, or all."""
        await storage.forget(self._doorway.state, account)

    async def run(self, timer: Timer) -> None:
        """Take an experiment as far as it goes now."""
        place = self._doorway.state.at(timer.account, timer.region)
        while True:
            before = await storage.find(place, timer.payload.decode())
            if before is None:
                return
            if before.status in ENDED:
                self._inject(place, before)
                await self._report(place, before)
                return
            now = self._doorway.clock.now()
            after = begun(await self._step(place, before, now))
            self._inject(place, after)
            due = report_due(after) if after.status in ENDED else next_due(after, now)
            if await storage.advance(place, before, after, due):
                await self._logbook.write(place, before, after, now)
                await announce(self._doorway, place, before, after, now)
                if after == before or (due is not None and due > now):
                    return

    async def _report(self, place: State, one: Experiment) -> None:
        """Write the report of an experiment that has ended, if it is to have one."""
        due = report_due(one)
        if due is not None and due <= self._doorway.clock.now():
            report = await written(asking(self._doorway, place, one), place.account, one)
            await storage.advance(place, one, msgspec.structs.replace(one, report=report), None)

    async def _step(self, place: State, one: Experiment, now: float) -> Experiment:
        if one.stop is not None:
            return ended(one, "stopped", one.stop, now)
        alarm = await self._alarm(place, one)
        if alarm is not None:
            return alarm_ended(one, alarm, now)
        if one.resolved is None:
            return await self._initiated(place, one, now)
        one = settled(one, now)
        if one.status in ENDED:
            return one
        for action in ready(one):
            one = replaced(one, await self._begun(place, one, action, now))
        return settled(one, now)

    async def _alarm(self, place: State, one: Experiment) -> str | None:
        """Why a stop condition holds; None while none does."""
        ask = asking(self._doorway, place, one)
        for condition in one.template.stop_conditions:
            if condition["source"] == "none":
                continue
            name = condition["value"].split(":", 6)[6]
            try:
                states = await _states(ask, [name])
            except AwsError as error:
                return f"Experiment halted: the stop condition {condition['value']} cannot be read: {error.message}"
            if name not in states:
                return f"Experiment halted: the alarm of the stop condition {condition['value']} does not exist."
            if states[name] == "ALARM":
                return f"Experiment halted by stop condition: {condition['value']}."
        return None

    async def _initiated(self, place: State, one: Experiment, now: float) -> Experiment:
        """Targets are resolved, then the experiment runs."""
        one = msgspec.structs.replace(one, started=now)
        try:
            await self._check_roles(place, one)
            resolved = await resolve(asking_targets(self._doorway, place, one), place, one)
        except Unresolved as error:
            return ended(one, "failed", str(error)[:512], now, "TargetResolutionFailed")
        one = msgspec.structs.replace(one, resolved=resolved, status="running", reason="Experiment is running.")
        if one.mode == "skip-all":
            for action in one.actions:
                one = replaced(one, over(action, "skipped", "Actions mode is skip-all.", now))
            return ended(one, "completed", "Experiment completed; its actions were skipped.", now)
        empty = [name for name, arns in resolved.items() if not arns]
        if empty and one.template.options.get("emptyTargetResolutionMode", "fail") == "fail":
            reason = f"Target resolution returned empty set: {', '.join(sorted(empty))}"
            return ended(one, "failed", reason, now, "EmptyTargetResolution")
        return one

    async def _check_roles(self, place: State, one: Experiment) -> None:
        """Where policies are enforced, Unresolved for a target account's role that the experiment's may not assume."""
        if not self._doorway.identity.enforces:
            return
        ask = asking(self._doorway, place, one)
        for account in one.accounts:
            try:
                await ask("sts", "AssumeRole", RoleArn=account.role, RoleSessionName=one.id)
            except AwsError as error:
                raise Unresolved(f"The role of the account {account.account} failed: {error.message}") from error

    async def _begun(self, place: State, one: Experiment, action: ActionRun, now: float) -> ActionRun:
        """An action after it was begun: running, or over at once."""
        kind = ACTIONS[action.definition["actionId"]]
        begun = msgspec.structs.replace(action, started=now)
        targets = (action.definition.get("targets") or {}).values()
        if any(not (one.resolved or {}).get(name) for name in targets):
            return over(begun, "skipped", "Action was skipped: its targets resolved to nothing.", now)
        if kind.missing:
            return over(begun, "failed", f"{kind.id} is not supported locally: {kind.missing}.", now)
        given = action.definition.get("parameters") or {}
        try:
            if kind.id == "aws:cloudwatch:assert-alarm-state":
                return await self._asserted(place, one, begun, now)
            running = msgspec.structs.replace(begun, status="running", reason="Action is running.")
            running = await found(asking_targets(self._doorway, place, one), one, running)
            faults_of(place.account, place.region, one, running)
        except AwsError as error:
            return over(begun, "failed", error.message[:512], now)
        lasts = seconds(given["duration"]) if "duration" in given else OUTAGE_SECONDS
        return msgspec.structs.replace(running, due=now + lasts)

    async def _asserted(self, place: State, one: Experiment, begun: ActionRun, now: float) -> ActionRun:
        given = begun.definition["parameters"]
        wanted = {state.strip() for state in given["alarmStates"].split(",")}
        names = [_alarm_name(arn.strip()) for arn in given["alarmArns"].split(",")]
        states = await _states(asking(self._doorway, place, one), names)
        for name in names:
            if states.get(name) not in wanted:
                told = states.get(name, "missing")
                return over(begun, "failed", f"The alarm {name} is {told}, not {' or '.join(sorted(wanted))}.", now)
        return over(begun, "completed", "Action was completed.", now)

    def _inject(self, place: State, one: Experiment) -> None:
        """Declare the faults of the actions that run, and take back the experiment's others."""
        wanted: dict[str, Fault] = {}
        now = self._doorway.clock.now()
        for action in one.actions:
            if action.status == "running" and action.due is not None and action.due > now:
                wanted |= {fault.id: fault for fault in faults_of(place.account, place.region, one, action)}
        prefix = fault_prefix(one.id)
        known = {fault.id for fault, _ in self._faults.list() if fault.id.startswith(prefix)}
        for name in known - wanted.keys():
            self._faults.remove(name)
        for name, fault in wanted.items():
            if name not in known:
                self._faults.add(fault)


def alarm_ended(one: Experiment, reason: str, now: float) -> Experiment:
    """The experiment that a stop condition ends."""
    return ended(one, "stopped", reason[:512], now, "StopConditionTriggered")


def _alarm_name(arn: str) -> str:
    try:
        return Arn.parse(arn).resource.removeprefix("alarm:")
    except ValueError:
        return arn


async def _states(ask: Ask, names: list[str]) -> dict[str, str]:
    answer = await ask("cloudwatch", "DescribeAlarms", AlarmNames=names)
    return {one["AlarmName"]: one["StateValue"] for one in (*answer["MetricAlarms"], *answer["CompositeAlarms"])}
