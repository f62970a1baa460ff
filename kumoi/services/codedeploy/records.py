"""What CodeDeploy stores: applications, deployment groups, configurations, deployments. Times are epoch seconds."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space

ENDED = frozenset(("Succeeded", "Failed", "Stopped"))


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """An application: a name for deployment groups."""

    name: str
    id: str
    created: float
    tags: dict[str, str] = {}


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment group. `rollback` holds the events that shift traffic back; `stated` the rest as it was sent."""

    application: str
    name: str
    id: str
    config: str
    role: str
    rollback: tuple[str, ...] = ()
    stated: dict[str, Any] = {}
    tags: dict[str, str] = {}
    last: str | None = None


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """How traffic is shifted: all at once (`kind` AllAtOnce), once more (TimeBasedCanary), evenly (TimeBasedLinear)."""

    name: str
    id: str
    created: float
    kind: str
    percentage: int = 100
    minutes: int = 0


class Step(msgspec.Struct, frozen=True):
    """What became of one lifecycle event of a deployment."""

    name: str
    status: str
    started: float | None = None
    ended: float | None = None


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment. `stage` is the lifecycle event under way, `shifted` how many of its steps traffic has taken.

    `resumes` is when the next is due; `alarms` end the deployment meanwhile. `invoked`: the hook of the stage was;
    `verdict` is what it has reported.
    """

    id: str
    application: str
    group: str
    config: Configuration
    created: float
    function: str
    alias: str
    current: str
    target: str
    content: str
    before: str | None = None
    after: str | None = None
    rollback: tuple[str, ...] = ()
    status: str = "InProgress"
    stage: str = "BeforeAllowTraffic"
    shifted: int = 0
    weight: float = 0.0
    invoked: bool = False
    verdict: str | None = None
    deadline: float = 0.0
    resumes: float = 0.0
    alarms: tuple[str, ...] = ()
    ended: float | None = None
    error: str | None = None
    message: str | None = None
    rolled_back: bool = False
    description: str | None = None
    steps: tuple[Step, ...] = ()


applications: Space[Application] = Space("codedeploy.application", Application, lambda one: (one.name,))
groups: Space[Group] = Space("codedeploy.group", Group, lambda one: (one.application, one.name))
configurations: Space[Configuration] = Space("codedeploy.configuration", Configuration, lambda one: (one.name,))
deployments: Space[Deployment] = Space("codedeploy.deployment", Deployment, lambda one: (one.id,))
