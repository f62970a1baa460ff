"""Deployments under way: each is one timer, for its next step; what the step does is stored before it counts.

BeforeAllowTraffic's hook, the shifts of traffic (unless an alarm is raised), AfterAllowTraffic's hook. A hook is
invoked asynchronously and reports with PutLifecycleEventHookExecutionStatus within an hour. What fails is shifted back
where the group wants that.
"""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakValueDictionary

import msgspec
import orjson

from kumoi.doorway import Doorway, Parts, Principal
from kumoi.services.codedeploy.records import ENDED, Deployment, Step, deployments
from kumoi.services.codedeploy.rules import shifts
from kumoi.state import State, Timer, Transaction, transactional
from kumoi.state.timers import TimerRunner
from kumoi.wire.errors import AwsError, aws_error

TOPIC = "codedeploy.step"
HOOK_SECONDS = 3600.0
ALARM_SECONDS = 10.0
"""How often the alarms of a deployment are looked at while its traffic waits."""
STAGES = ("BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic", "End")


def register(parts: Parts) -> None:
    """Register the handler of deployments' timers."""
    parts[TimerRunner].on(TOPIC, parts.add(Execution, Execution(parts[Doorway])).run)


def notice(deployment_id: str) -> str:
    """The topic that the end of a deployment is told on."""
    return f"codedeploy.end {deployment_id}"


def hook_id(deployment: Deployment) -> str:
    """The id that the hook of the present stage reports with."""
    return f"{deployment.id}-{deployment.stage}"


class Execution:
    """Takes deployments forward, each one step at a time."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def turn(self, deployment_id: str) -> asyncio.Lock:
        """What is held by whoever moves a deployment: a step, or a stop that must not have its traffic moved after."""
        return self._turns.setdefault(deployment_id, asyncio.Lock())

    async def run(self, timer: Timer) -> None:
        """Take a deployment as far as it goes without waiting."""
        place, deployment_id = self._doorway.state.at(timer.account, timer.region), timer.payload.decode()
        async with self.turn(deployment_id):
            await self._run(place, deployment_id)

    async def _run(self, place: State, deployment_id: str) -> None:
        while True:
            deployment = await find(place, deployment_id)
            if deployment is None or deployment.status in ENDED:
                return
            try:
                after, due = await self._step(place, deployment)
            except AwsError as error:
                after, due = await self._failed(place, deployment, "HEALTH_CONSTRAINTS_INVALID", error.message)
            await _keep(place, after, due)
            if after.status in ENDED or due is not None:
                return

    async def _step(self, place: State, one: Deployment) -> tuple[Deployment, float | None]:
        """One step: the deployment after it, and when the next is due (None: at once)."""
        now = self._doorway.clock.now()
        if one.stage == "End":
            return msgspec.structs.replace(one, status="Succeeded", ended=now), None
        if one.stage == "AllowTraffic":
            return await self._shift(place, one, now)
        hook = one.before if one.stage == "BeforeAllowTraffic" else one.after
        if hook is None:
            return _next_stage(one, "Skipped", now), None
        if not one.invoked:
            event = {"DeploymentId": one.id, "LifecycleEventHookExecutionId": hook_id(one)}
            params = {"FunctionName": hook, "InvocationType": "Event", "Payload": orjson.dumps(event)}
            await self._ask(place, one, "Invoke", params)
            begun = _noted(one, Step(one.stage, "InProgress", now))
            deadline = now + HOOK_SECONDS
            return msgspec.structs.replace(begun, invoked=True, deadline=deadline), deadline
        if one.verdict == "Succeeded":
            return _next_stage(one, "Succeeded", now), None
        if one.verdict is None and now < one.deadline:
            return one, one.deadline
        told = "failed" if one.verdict else "did not report within an hour"
        one = _noted(one, Step(one.stage, "Failed", _started(one), now))
        return await self._failed(place, one, "HOOK_EXECUTION_FAILURE", f"The hook {hook} of {one.stage} {told}.")

    async def _shift(self, place: State, one: Deployment, now: float) -> tuple[Deployment, float | None]:
        alarm = await self._alarm(place, one)
        if alarm is not None:
            told = f"One or more alarms have been activated according to the Amazon CloudWatch metrics: {alarm}"
            return await self._failed(place, one, "ALARM_ACTIVE", told, "DEPLOYMENT_STOP_ON_ALARM")
        if now < one.resumes:
            return one, min(one.resumes, now + ALARM_SECONDS)
        steps = shifts(one.config)
        _, share = steps[one.shifted]
        if share < 100:
            routing = {"AdditionalVersionWeights": {one.target: share / 100}}
            await self._alias(place, one, FunctionVersion=one.current, RoutingConfig=routing)
        else:
            await self._alias(place, one, FunctionVersion=one.target, RoutingConfig={"AdditionalVersionWeights": {}})
        one = _noted(one, Step("AllowTraffic", "InProgress", _started(one) or now))
        one = msgspec.structs.replace(one, shifted=one.shifted + 1, weight=share / 100)
        if one.shifted == len(steps):
            return _next_stage(one, "Succeeded", now), None
        one = msgspec.structs.replace(one, resumes=now + steps[one.shifted][0])
        return one, min(one.resumes, now + ALARM_SECONDS) if one.alarms else one.resumes

    async def _alarm(self, place: State, one: Deployment) -> str | None:
        """The first of the deployment's alarms that is raised."""
        if not one.alarms:
            return None
        params = {"AlarmNames": list(one.alarms), "StateValue": "ALARM"}
        answer = await self._ask(place, one, "DescribeAlarms", params, "cloudwatch")
        raised = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
        return str(raised[0]["AlarmName"]) if raised else None

    async def _failed(
        self, place: State, one: Deployment, code: str, message: str, event: str = "DEPLOYMENT_FAILURE"
    ) -> tuple[Deployment, float | None]:
        back = event in one.rollback
        if back:
            try:
                await self.shift_back(place, one)
            except AwsError as error:  # the alias or the version may be gone, and the deployment ends all the same
                back, message = False, f"{message} Traffic could not be shifted back: {error.message}"
        now = self._doorway.clock.now()
        return msgspec.structs.replace(
            one, status="Failed", error=code, message=message, ended=now, rolled_back=back
        ), None

    async def shift_back(self, place: State, one: Deployment) -> None:
        """Give all traffic to the version that had it before."""
        await self._alias(place, one, FunctionVersion=one.current, RoutingConfig={"AdditionalVersionWeights": {}})

    async def _alias(self, place: State, one: Deployment, **changes: Any) -> None:
        await self._ask(place, one, "UpdateAlias", {"FunctionName": one.function, "Name": one.alias, **changes})

    async def _ask(
        self, place: State, one: Deployment, operation: str, params: dict[str, Any], service: str = "lambda"
    ) -> dict[str, Any]:
        caller = Principal.of_service(place.account, "codedeploy.amazonaws.com", f"codedeploy:{one.group}")
        return await self._doorway.ask(service, operation, params, caller, place.region) or {}


def _next_stage(one: Deployment, status: str, now: float) -> Deployment:
    done = _noted(one, Step(one.stage, status, _started(one) or now, now))
    following = STAGES[STAGES.index(one.stage) + 1]
    return msgspec.structs.replace(done, stage=following, invoked=False, verdict=None, deadline=0.0)


def _started(one: Deployment) -> float | None:
    return next((step.started for step in one.steps if step.name == one.stage), None)


def _noted(one: Deployment, step: Step) -> Deployment:
    others = tuple(known for known in one.steps if known.name != step.name)
    return msgspec.structs.replace(one, steps=(*others, step))


@transactional
async def find(tx: Transaction, deployment_id: str) -> Deployment | None:
    """A deployment by its id."""
    return await deployments.get(tx, deployment_id)


@transactional
async def begin(tx: Transaction, deployment: Deployment) -> None:
    """Store a deployment; its first step is due."""
    await deployments.put(tx, deployment)
    tx.timer(tx.now, TOPIC, deployment.id.encode(), key=deployment.id)


@transactional
async def report(tx: Transaction, deployment_id: str, execution_id: str, verdict: str) -> None:
    """Keep what a hook reports; the deployment goes on. InvalidLifecycleEventHookExecutionIdException and others."""
    one = await deployments.get(tx, deployment_id)
    if one is None:
        raise aws_error("DeploymentDoesNotExistException", f"The deployment {deployment_id} could not be found")
    stage = execution_id.removeprefix(f"{one.id}-")
    if stage == execution_id or stage not in STAGES:
        raise aws_error("InvalidLifecycleEventHookExecutionIdException", f"{execution_id} is the id of no hook")
    if one.status in ENDED or one.stage != stage or one.verdict is not None:
        raise aws_error("LifecycleEventAlreadyCompletedException", f"{stage} of {one.id} is completed")
    await deployments.put(tx, msgspec.structs.replace(one, verdict=verdict))
    tx.timer(tx.now, TOPIC, one.id.encode(), key=one.id)


@transactional
async def end(tx: Transaction, deployment: Deployment) -> None:
    """Store a deployment that was stopped."""
    await deployments.put(tx, deployment)
    tx.cancel_timer(TOPIC, deployment.id)
    tx.notify(notice(deployment.id))


@transactional
async def _keep(tx: Transaction, after: Deployment, due: float | None) -> None:
    known = await deployments.get(tx, after.id)
    if known is None:
        return
    if known.verdict is not None and known.stage == after.stage:
        after = msgspec.structs.replace(after, verdict=known.verdict)  # the hook was quicker than this transaction
        due = tx.now if due is not None else due
    await deployments.put(tx, after)
    if after.status in ENDED:
        tx.notify(notice(after.id))
    elif due is not None:
        tx.timer(due, TOPIC, after.id.encode(), key=after.id)
