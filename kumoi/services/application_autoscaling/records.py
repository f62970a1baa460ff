"""What Application Auto Scaling keeps: targets, their policies and scheduled actions, activities.

Times are epoch seconds.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec

from kumoi.names import arn
from kumoi.state.space import Space

Direction = Literal["out", "in"]
Kind = Literal["TargetTrackingScaling", "StepScaling"]


class Dimensioned(NamedTuple):
    """What names a scalable target: a dimension of a resource of a service."""

    namespace: str
    resource: str
    dimension: str


class Suspended(msgspec.Struct, frozen=True):
    """Which scaling of a target is suspended."""

    scale_in: bool = False
    scale_out: bool = False
    scheduled: bool = False


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A scalable target. `id` is the last part of its ARN."""

    namespace: str
    resource: str
    dimension: str
    id: str
    least: int
    most: int
    created: float
    suspended: Suspended = Suspended()
    tags: dict[str, str] = {}

    @property
    def of(self) -> Dimensioned:
        """What it scales."""
        return Dimensioned(self.namespace, self.resource, self.dimension)

    def arn(self, account: str, region: str) -> str:
        """The ARN."""
        return arn("application-autoscaling", region, account, f"scalable-target/{self.id}")


class Cooling(msgspec.Struct, frozen=True):
    """Since when a policy cools down after it has scaled, and from what capacity it did."""

    direction: Direction
    since: float
    base: int


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A scaling policy. `configuration` is what the client gave, `alarms` those it has made by what they are for."""

    namespace: str
    resource: str
    dimension: str
    name: str
    id: str
    kind: Kind
    configuration: dict[str, Any]
    created: float
    alarms: dict[str, str] = {}
    cooling: Cooling | None = None

    @property
    def of(self) -> Dimensioned:
        """What it scales."""
        return Dimensioned(self.namespace, self.resource, self.dimension)

    def arn(self, account: str, region: str) -> str:
        """The ARN, which alarms name as their action."""
        path = f"scalingPolicy:{self.id}:resource/{self.namespace}/{self.resource}:policyName/{self.name}"
        return arn("autoscaling", region, account, path)


class ScheduledAction(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduled action: which minimum and maximum a target gets at the times of `schedule`."""

    namespace: str
    resource: str
    dimension: str
    name: str
    id: str
    schedule: str
    created: float
    timezone: str | None = None
    start: float | None = None
    end: float | None = None
    least: int | None = None
    most: int | None = None

    @property
    def of(self) -> Dimensioned:
        """What it changes."""
        return Dimensioned(self.namespace, self.resource, self.dimension)

    def arn(self, account: str, region: str) -> str:
        """The ARN."""
        path = f"scheduledAction:{self.id}:resource/{self.namespace}/{self.resource}:scheduledActionName/{self.name}"
        return arn("autoscaling", region, account, path)


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done to a target, or not: then `reason` says why. `number` orders those of a target."""

    namespace: str
    resource: str
    dimension: str
    number: int
    id: str
    description: str
    cause: str
    start: float
    status: Literal["Successful", "Failed"]
    message: str = ""
    reason: dict[str, Any] | None = None


targets: Space[Target] = Space("application-autoscaling.target", Target, lambda one: tuple(one.of))
policies: Space[Policy] = Space("application-autoscaling.policy", Policy, lambda one: (*one.of, one.name))
scheduled_actions: Space[ScheduledAction] = Space(
    "application-autoscaling.scheduled", ScheduledAction, lambda one: (*one.of, one.name)
)
activities: Space[Activity] = Space(
    "application-autoscaling.activity",
    Activity,
    lambda one: (one.namespace, one.resource, one.dimension, one.number),
)
