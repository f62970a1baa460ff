"""Scaling a target: read its capacity, decide, set it, and keep what was done.

One resource is scaled at a time: reads and writes of a table are set together. What was decided is computed from what
the resource has now, so that it may be tried again after a crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from msgspec.structs import replace

from kumoi.doorway import Doorway
from kumoi.services.application_autoscaling import alarms
from kumoi.services.application_autoscaling.announcing import announce
from kumoi.services.application_autoscaling.capacity import Ask, asking, read, write
from kumoi.services.application_autoscaling.dimensions import Dimension, dimension_of
from kumoi.services.application_autoscaling.records import (
    Cooling,
    Dimensioned,
    Direction,
    Policy,
    Target,
    policies,
)
from kumoi.services.application_autoscaling.rules import (
    Decision,
    cooling,
    settled,
    suspended,
    tracked,
    within,
)
from kumoi.services.application_autoscaling.store import find_policy, find_target, note, policies_of
from kumoi.services.application_autoscaling.tracking import DIRECTIONS, LOW
from kumoi.state import State, Transaction, transactional
from kumoi.wire.errors import AwsError


class Fired(NamedTuple):
    """What an alarm said when it fired: its name and state, its threshold and data points, the newest last."""

    alarm: str
    state: str
    threshold: float
    points: Sequence[float]


class Scaling:
    """Scales targets, those of one resource after one another."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._locks: WeakValueDictionary[tuple[str, str, str], asyncio.Lock] = WeakValueDictionary()

    def _lock(self, place: State, of: Dimensioned) -> asyncio.Lock:
        resource = of.resource.partition("/index/")[0]
        key = place.account, place.region, f"{of.namespace}/{resource}"
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock

    def asking(self, place: State, of: Dimensioned) -> Ask:
        """How the resource of a target is reached."""
        return asking(self._doorway, place.account, place.region, of.resource)

    async def bound(self, place: State, of: Dimensioned) -> None:
        """Bring the capacity of a target within its bounds, where it is beyond them."""
        async with self._lock(place, of):
            target = await find_target(place, of)
            if target is None:
                return
            ask, dimension = self.asking(place, of), dimension_of(of)
            current = await read(ask, dimension, of.resource)
            if current is None or (wanted := within(target, current)) == current:
                return
            which = "minimum" if wanted > current else "maximum"
            await self._set(place, ask, dimension, target, current, wanted, f"{which} capacity was set to {wanted}")

    async def execute(self, place: State, of: Dimensioned, name: str, fired: Fired) -> None:
        """Carry out a policy for an alarm that fired; raises what keeps the resource from being looked at."""
        async with self._lock(place, of):
            policy, target = await find_policy(place, of, name), await find_target(place, of)
            if target is None:
                return
            ask, dimension = self.asking(place, of), dimension_of(of)
            current = await read(ask, dimension, of.resource)
            if current is None:
                return
            decision = await self._decide(place, ask, dimension, target, policy, current, fired)
            cause = f"monitor alarm {fired.alarm} in state {fired.state} triggered policy {policy.name}"
            if decision is None:
                await alarms.follow(ask, place, dimension, policy, current)
            elif decision.capacity is None:
                await self._not_scaled(place, of, cause, decision.reason or {})
                await alarms.follow(ask, place, dimension, policy, current)
            elif await self._set(place, ask, dimension, target, current, decision.capacity, cause):
                await _cool(place, of, name, decision.direction, current)

    async def _decide(
        self, place: State, ask: Ask, dimension: Dimension, target: Target, policy: Policy, current: int, fired: Fired
    ) -> Decision | None:
        """What capacity follows from an alarm; None where the policy does not scale now."""
        what = next((one for one, alarm in policy.alarms.items() if alarm == fired.alarm), "")
        direction = DIRECTIONS.get(what)
        if direction is None or not fired.points or suspended(target.suspended, direction):
            return None
        now = self._doorway.clock.now()
        waits = cooling(policy, direction, now)
        if waits is not None and direction == "in":
            return None
        wanted = tracked(policy, dimension, current if waits is None else waits.base, fired.points, direction)
        if waits is not None and wanted <= current:
            return None
        if what == LOW and not await self._all_low(place, ask, policy):
            return None
        return settled(target, current, wanted, direction)

    async def _all_low(self, place: State, ask: Ask, policy: Policy) -> bool:
        """Whether every target tracking policy of a target that may scale it in would do so."""
        others = [one for one in await policies_of(place, policy.of) if one.name != policy.name]
        names = [one.alarms[LOW] for one in others if LOW in one.alarms]
        return not names or await alarms.all_fired(ask, names)

    async def _not_scaled(self, place: State, of: Dimensioned, cause: str, reason: Mapping[str, Any]) -> None:
        status = "Successful" if reason["Code"] == "AlreadyAtDesiredCapacity" else "Failed"
        now = self._doorway.clock.now()
        text = "Attempting to scale due to alarm triggered"
        await note(place, of, text, cause, start=now, status=status, reason=dict(reason))  # type: ignore[arg-type]

    async def _set(
        self, place: State, ask: Ask, dimension: Dimension, target: Target, current: int, wanted: int, cause: str
    ) -> bool:
        """Set a capacity and keep the activity; whether the service took it. The alarms of policies follow."""
        text = f"Setting {dimension.words} to {wanted}."
        start = self._doorway.clock.now()
        try:
            await write(ask, dimension, target.resource, wanted)
        except AwsError as error:
            message = f"Failed to set {dimension.words} to {wanted}. Reason: {error.message}"
            await note(place, target.of, text, cause, start=start, status="Failed", message=message)
            await announce(self._doorway, place, target, current, wanted, start, "Failed")
            return False
        message = (
            f"Successfully set {dimension.words} to {wanted}. Change successfully fulfilled by {target.namespace}."
        )
        await note(place, target.of, text, cause, start=start, message=message)
        for policy in await policies_of(place, target.of):
            await alarms.follow(ask, place, dimension, policy, wanted)
        await announce(self._doorway, place, target, current, wanted, start, "Successful")
        return True


@transactional
async def _cool(tx: Transaction, of: Dimensioned, name: str, direction: Direction, base: int) -> None:
    """A policy has scaled: it cools down from now on."""
    policy = await policies.get(tx, *of, name)
    if policy is not None:
        await policies.put(tx, replace(policy, cooling=Cooling(direction, tx.now, base)))
