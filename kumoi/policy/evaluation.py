"""The decision about a request: every policy that applies to it, weighed as IAM weighs them.

A denial anywhere decides. Within one account, what the identity's policies allow is allowed where the boundary and the
session's policies allow it too, and so is what the resource's policy allows the principal. Across accounts both sides
have to allow. Source: "Policy evaluation logic" of the IAM user guide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from kumoi.policy.statements import Caller, Policy, Request, Statement

Kind = Literal["allowed", "explicitDeny", "implicitDeny"]


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies that apply.

    `boundary` and `session` are None where there is none; `owner` is the resource's account.
    """

    identity: Sequence[Policy] = ()
    resource: Policy | None = None
    boundary: Policy | None = None
    session: Sequence[Policy] | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome, and why in IAM's words; `policy` and `sid` name the statement that decided, where one did."""

    kind: Kind
    because: str = ""
    policy: str = ""
    sid: str = ""

    @property
    def allowed(self) -> bool:
        """Whether the request may be carried out."""
        return self.kind == "allowed"


def decide(request: Request, policies: Policies) -> Decision:
    """Weigh the policies."""
    denial = _denial(request, policies)
    if denial is not None:
        return denial
    identity = _allowance(request, policies.identity)
    by_resource = _allowance(request, () if policies.resource is None else (policies.resource,))
    caller = request.caller
    same_account = policies.owner in ("", caller.account)
    if by_resource is not None and (caller.service or (same_account and by_resource.names(caller))):
        return Decision("allowed", "a resource-based policy allows it", by_resource.policy, by_resource.sid)
    if caller.service:
        return Decision("implicitDeny", _lacking(request, "resource-based"))
    if identity is None and not request.caller.is_root:
        return Decision("implicitDeny", _lacking(request, "identity-based"))
    if not same_account and by_resource is None:
        return Decision("implicitDeny", _lacking(request, "resource-based"))
    if policies.boundary is not None and policies.boundary.says(request, "Allow") is None:
        return Decision("implicitDeny", f"because no permissions boundary allows the {request.action} action")
    if policies.session is not None and _allowance(request, policies.session) is None:
        return Decision("implicitDeny", f"because no session policy allows the {request.action} action")
    if identity is None:
        return Decision("allowed", "the account's root may do everything in it")
    return Decision("allowed", "an identity-based policy allows it", identity.policy, identity.sid)


def _denial(request: Request, policies: Policies) -> Decision | None:
    groups: Sequence[tuple[str, Sequence[Policy]]] = (
        ("an identity-based policy", policies.identity),
        ("a resource-based policy", () if policies.resource is None else (policies.resource,)),
        ("a permissions boundary", () if policies.boundary is None else (policies.boundary,)),
        ("a session policy", policies.session or ()),
    )
    for where, group in groups:
        for policy in group:
            statement = policy.says(request, "Deny")
            if statement is not None:
                return Decision("explicitDeny", f"with an explicit deny in {where}", policy.name, statement.sid)
    return None


class _Allowance(NamedTuple):
    """The statement that allows a request, and the name of its policy."""

    policy: str
    statement: Statement

    @property
    def sid(self) -> str:
        return self.statement.sid

    def names(self, caller: Caller) -> bool:
        """Whether the caller is named itself; what names its whole account leaves it to the account's policies."""
        return self.statement.principals is not None and self.statement.principals.include_itself(caller)


def _allowance(request: Request, policies: Sequence[Policy]) -> _Allowance | None:
    for policy in policies:
        statement = policy.says(request, "Allow")
        if statement is not None:
            return _Allowance(policy.name, statement)
    return None


def _lacking(request: Request, kind: str) -> str:
    return f"because no {kind} policy allows the {request.action} action"
