"""What FIS stores: templates, experiments and their actions, the safety lever. Times are epoch seconds."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space

ENDED = frozenset(("completed", "stopped", "failed", "cancelled"))
"""The states that an experiment does not leave."""
OVER = ENDED | {"skipped"}
"""The same of an action."""


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment template. `targets`, `actions`, `logs` and `options` are members as they were sent."""

    id: str
    description: str
    role: str
    stop_conditions: list[dict[str, str]]
    targets: dict[str, dict[str, Any]]
    actions: dict[str, dict[str, Any]]
    created: float
    updated: float
    tags: dict[str, str] = {}
    logs: dict[str, Any] | None = None
    options: dict[str, str] = {}
    report: dict[str, Any] | None = None

    @property
    def is_multi_account(self) -> bool:
        """Whether it breaks the accounts that it has configurations of, and not its own."""
        return self.options.get("accountTargeting") == "multi-account"


class TargetAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that a template of several accounts breaks, in a role of that account."""

    template: str
    account: str
    role: str
    description: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of an experiment's report."""

    status: str = "pending"
    reason: str = "The report is written when the experiment is over."
    error: str | None = None
    arn: str | None = None


class ActionRun(msgspec.Struct, frozen=True, kw_only=True):
    """An action of an experiment. `definition` is the template's; `due` is when it ends by itself.

    `cut` maps the functions that a network action cuts off to the share of their subnets that it cuts; `clusters` are
    those whose databases it makes unavailable. Both are named `account:name`.
    """

    name: str
    definition: dict[str, Any]
    status: str = "pending"
    reason: str = "Initial state"
    started: float | None = None
    ended: float | None = None
    due: float | None = None
    cut: dict[str, float] = {}
    clusters: list[str] = []


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment. `resolved` maps targets to the ARNs that were chosen, `stop` is why it is to be stopped.

    `accounts` are the target accounts as they were when it was started, none of a template of its own account alone.
    """

    id: str
    template: Template
    actions: tuple[ActionRun, ...]
    created: float
    status: str = "initiating"
    reason: str = "Experiment is initiating."
    mode: str = "run-all"
    tags: dict[str, str] = {}
    resolved: dict[str, list[str]] | None = None
    started: float | None = None
    ended: float | None = None
    stop: str | None = None
    error: str | None = None
    accounts: tuple[TargetAccount, ...] = ()
    report: Report | None = None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A client token: what it made, and with which members."""

    kind: str
    token: str
    id: str
    members: bytes


class Active(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment under way, of whichever account: what a platform that starts goes on with."""

    account: str
    region: str
    id: str


class Lever(msgspec.Struct, frozen=True, kw_only=True):
    """The safety lever of an account in a region."""

    status: str = "disengaged"
    reason: str = "The safety lever is disengaged."


templates: Space[Template] = Space("fis.template", Template, lambda one: (one.id,))
experiments: Space[Experiment] = Space("fis.experiment", Experiment, lambda one: (one.id,))
target_accounts: Space[TargetAccount] = Space("fis.account", TargetAccount, lambda one: (one.template, one.account))
tokens: Space[Token] = Space("fis.token", Token, lambda one: (one.kind, one.token))
active: Space[Active] = Space("fis.active", Active, lambda one: (one.account, one.region, one.id), scope="global")
levers: Space[Lever] = Space("fis.lever", Lever, lambda _: ())
