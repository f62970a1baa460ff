"""A policy, compiled: its statements as tests of a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from kumoi.policy.conditions import Condition
from kumoi.policy.patterns import Context, Test

Effect = Literal["Allow", "Deny"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `arn` is the principal's (of a session: `assumed-role/…`), `role_arn` the role a session is of.

    `service` is the host name of an AWS service that acts on its own behalf, `federated` an identity provider.
    """

    account: str
    arn: str = ""
    role_arn: str = ""
    service: str = ""
    federated: str = ""

    @property
    def is_root(self) -> bool:
        """Whether it is the account itself."""
        return self.arn.endswith(":root")


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: an action (`s3:GetObject`), the resource's ARN, and the context of conditions."""

    caller: Caller
    action: str
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Principals:
    """Whom a statement of a resource policy is about."""

    everybody: bool = False
    aws: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    federated: frozenset[str] = frozenset()

    def include(self, caller: Caller) -> bool:
        """Whether the caller is among them."""
        if self.everybody:
            return True
        if caller.service:
            return caller.service in self.services
        if caller.federated and caller.federated in self.federated:
            return True
        account_root = f":iam::{caller.account}:root"
        return any(
            named in ("*", caller.account, caller.arn)
            or (named == caller.role_arn != "")
            or named.endswith(account_root)
            for named in self.aws
        )

    def include_itself(self, caller: Caller) -> bool:
        """Whether the caller is named itself, and not only by its account."""
        return (
            self.everybody or caller.arn in self.aws or caller.role_arn in self.aws or caller.service in self.services
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. A test that is None does not restrict; `…_other` tests are those of the Not… elements."""

    sid: str
    effect: Effect
    action: Test
    other_actions: bool
    resource: Test | None
    other_resources: bool
    principals: Principals | None
    other_principals: bool
    conditions: tuple[Condition, ...]

    def applies(self, request: Request) -> bool:
        """Whether the statement speaks about a request."""
        context = request.context
        if self.action(request.action, context) is self.other_actions:
            return False
        if self.resource is not None and self.resource(request.resource, context) is self.other_resources:
            return False
        if self.principals is not None and self.principals.include(request.caller) is self.other_principals:
            return False
        return all(condition(context) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy's statements; `name` is told in decisions."""

    statements: tuple[Statement, ...]
    name: str = ""

    def says(self, request: Request, effect: Effect) -> Statement | None:
        """The first statement of that effect which applies to a request."""
        return next((one for one in self.statements if one.effect == effect and one.applies(request)), None)


NO_STATEMENTS: Sequence[Statement] = ()
