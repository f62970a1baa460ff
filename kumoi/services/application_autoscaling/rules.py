"""What capacity follows from an alarm: pure.

Source: "Target tracking scaling policies", "Step scaling policies" and "How cooldown periods work" of the user guide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kumoi.services.application_autoscaling.dimensions import Dimension
from kumoi.services.application_autoscaling.records import Cooling, Direction, Policy, Suspended, Target

_LARGEST = 2**31 - 1
_NO_COOLDOWN, _STEP_COOLDOWN = 0, 300


class Decision(NamedTuple):
    """The capacity that a target is to have, and which way that is; without a `capacity` why there is no change."""

    direction: Direction
    capacity: int | None = None
    reason: Mapping[str, Any] | None = None


def within(target: Target, capacity: int) -> int:
    """The capacity nearest to one that a target may have."""
    return min(max(capacity, target.least), target.most)


def settled(target: Target, current: int, wanted: int, direction: Direction) -> Decision:
    """A wanted capacity within the target's bounds, or why it stays as it is."""
    capacity = within(target, wanted)
    if (capacity > current) if direction == "out" else (capacity < current):
        return Decision(direction, capacity)
    if direction == "out" and wanted > target.most:
        reason: dict[str, Any] = {"Code": "AlreadyAtMaxCapacity", "MaxCapacity": target.most}
    elif direction == "in" and wanted < target.least:
        reason = {"Code": "AlreadyAtMinCapacity", "MinCapacity": target.least}
    else:
        reason = {"Code": "AlreadyAtDesiredCapacity", "CurrentCapacity": current}
    return Decision(direction, None, reason)


def tracked(policy: Policy, dimension: Dimension, current: int, points: Sequence[float], direction: Direction) -> int:
    """The capacity at which a metric would be at its target value, by the highest of an alarm's data points.

    What a table consumes does not depend on its capacity. Everything else is taken to fall as the capacity grows.
    """
    target = float(policy.configuration["TargetValue"])
    highest = max(points)
    of_throughput = follows_throughput(policy, dimension)
    capacity = _whole(highest / 60.0 / (target / 100.0) if of_throughput else current * highest / target)
    return max(capacity, current) if direction == "out" else min(capacity, current)


def _whole(wanted: float) -> int:
    """The next whole number up; what is whole but for the rounding of its fractions stays."""
    if not math.isfinite(wanted) or wanted > _LARGEST:
        return _LARGEST
    near = round(wanted)
    return near if abs(wanted - near) < 1e-9 else math.ceil(wanted)


def follows_throughput(policy: Policy, dimension: Dimension) -> bool:
    """Whether a policy tracks what a table consumes of its throughput."""
    return "PredefinedMetricSpecification" in policy.configuration and dimension.namespace == "dynamodb"


def cooldown(policy: Policy, direction: Direction) -> int:
    """For how many seconds a policy waits after it has scaled that way."""
    if policy.kind == "StepScaling":
        return int(policy.configuration.get("Cooldown", _STEP_COOLDOWN))
    member = "ScaleOutCooldown" if direction == "out" else "ScaleInCooldown"
    return int(policy.configuration.get(member, _NO_COOLDOWN))


def cooling(policy: Policy, direction: Direction, now: float) -> Cooling | None:
    """What a policy still waits for before it scales that way; scaling out waits for no scaling in."""
    found = policy.cooling
    if found is None or found.direction != direction or now >= found.since + cooldown(policy, direction):
        return None
    return found


def suspended(state: Suspended, direction: Direction) -> bool:
    """Whether policies may not scale a target that way now."""
    return state.scale_out if direction == "out" else state.scale_in
