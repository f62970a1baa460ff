"""The decision about a request: every policy that applies to it, weighed as IAM weighs them.

A denial anywhere decides. Within one account, what the identity's policies allow is allowed where the boundary and the
session's policies allow it too; and what the resource's policies allow a user, or a session by its own name, needs
nothing else (a role's sessions by the role's name stay within boundary and session policies). Across accounts both
sides have to allow. Whoever has no account (a service, nobody) has the resource's policies alone. Source: "Policy
evaluation logic" of the IAM user guide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kumoi.policy.statements import Policy, Reach, Request

Kind = Literal["allowed", "explicitDeny", "implicitDeny"]


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies that apply.

    `boundary` and `session` are None where there is none; `owner` is the resource's account. `required` says that the
    resource's policies have to allow whatever those of the identity do; `what` is how such a policy is called. `beside`
    are policies of a service's own, one of which has to allow as well; None where it asks none.
    """

    identity: Sequence[Policy] = ()
    resource: Sequence[Policy] = ()
    boundary: Policy | None = None
    session: Sequence[Policy] | None = None
    owner: str = ""
    required: bool = False
    what: str = "resource-based policy"
    beside: Sequence[Policy] | None = None


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
    caller = request.caller
    granted, reach = _grant(request, policies.resource) if policies.resource else (None, Reach.ACCOUNT)
    if not caller.account or caller.service:
        return granted or _lacking(request, f"no {policies.what}")
    same_account = policies.owner in ("", caller.account)
    if granted is not None and same_account and reach is Reach.ITSELF:
        return granted
    allowed = _allowance(request, policies.identity, "an identity-based policy allows it")
    if allowed is None and caller.is_root:
        allowed = Decision("allowed", "the account's root may do everything in it")
    if allowed is None and same_account and reach is Reach.GROUP:
        allowed = granted
    if allowed is None:
        return _lacking(request, "no identity-based policy")
    if (policies.required or not same_account) and granted is None:
        return _lacking(request, f"no {policies.what}")
    if policies.boundary is not None and policies.boundary.says(request, "Allow") is None:
        return _lacking(request, "no permissions boundary")
    if policies.session is not None and _allowance(request, policies.session, "") is None:
        return _lacking(request, "no session policy")
    if policies.beside is not None and _allowance(request, policies.beside, "") is None:
        return _lacking(request, "no policy of the service")
    return allowed


def _denial(request: Request, policies: Policies) -> Decision | None:
    groups: Sequence[tuple[str, Sequence[Policy]]] = (
        ("an identity-based policy", policies.identity),
        (f"a {policies.what}", policies.resource),
        ("a permissions boundary", () if policies.boundary is None else (policies.boundary,)),
        ("a session policy", policies.session or ()),
        ("a policy of the service", policies.beside or ()),
    )
    for where, group in groups:
        for policy in group:
            statement = policy.says(request, "Deny")
            if statement is not None:
                return Decision("explicitDeny", f"with an explicit deny in {where}", policy.name, statement.sid)
    return None


def _allowance(request: Request, policies: Sequence[Policy], because: str) -> Decision | None:
    for policy in policies:
        statement = policy.says(request, "Allow")
        if statement is not None:
            return Decision("allowed", because, policy.name, statement.sid)
    return None


def _grant(request: Request, policies: Sequence[Policy]) -> tuple[Decision | None, Reach]:
    """What a resource's policies allow, and how closely they mean the caller."""
    best: Decision | None = None
    reach = Reach.ACCOUNT
    for policy in policies:
        statement = policy.closest(request)
        if statement is not None and (best is None or statement.reach(request.caller) > reach):
            best = Decision("allowed", "a resource-based policy allows it", policy.name, statement.sid)
            reach = statement.reach(request.caller)
    return best, reach


def _lacking(request: Request, what: str) -> Decision:
    return Decision("implicitDeny", f"because {what} allows the {request.action} action")
