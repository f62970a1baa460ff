"""A policy, compiled: its statements as tests of a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

from kumoi.policy.conditions import Condition
from kumoi.policy.patterns import Context, Test

Effect = Literal["Allow", "Deny"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `arn` is the principal's (of a session: `assumed-role/…`), `role_arn` the role a session is of.

    `service` is the host name of an AWS service that acts on its own behalf, `federated` an identity provider. Nobody
    in particular has no account.
    """

    account: str = ""
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
        if not caller.account:
            return False
        account_root = f":iam::{caller.account}:root"
        return any(
            named in (caller.account, caller.arn) or (named == caller.role_arn != "") or named.endswith(account_root)
            for named in self.aws
        )


class Reach(IntEnum):
    """How closely a resource's policy means a caller: as one of its account, as one of a group, or by its own name.

    A group is all sessions of a role, or everybody where a session is concerned.
    """

    ACCOUNT = 0
    GROUP = 1
    ITSELF = 2


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
        return not self.conditions or all(condition(context) for condition in self.conditions)

    def reach(self, caller: Caller) -> Reach:
        """How closely the statement means a caller it applies to."""
        named = self.principals
        if named is not None and not self.other_principals and caller.arn in named.aws:
            return Reach.ITSELF
        if named is None or self.other_principals or named.everybody:
            return Reach.GROUP if caller.role_arn else Reach.ITSELF
        return Reach.GROUP if caller.role_arn in named.aws else Reach.ACCOUNT


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy's statements; `name` is told in decisions."""

    statements: tuple[Statement, ...]
    name: str = ""

    def says(self, request: Request, effect: Effect) -> Statement | None:
        """The first statement of that effect which applies to a request."""
        for statement in self.statements:
            if statement.effect == effect and statement.applies(request):
                return statement
        return None

    def closest(self, request: Request) -> Statement | None:
        """Of the statements that allow a request, the one that means its caller most closely."""
        allowing = [one for one in self.statements if one.effect == "Allow" and one.applies(request)]
        return max(allowing, key=lambda one: one.reach(request.caller), default=None)
