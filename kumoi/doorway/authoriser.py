"""The guard that asks policies: whether a caller may make a call, and what is said where it may not.

Each permission a call needs (`authorization.py`) is weighed against the caller's policies, which IAM brings
(`PolicySource`), and against those of the resource, which its service has. In `audit` and `verify` the verdict is
written on the hop and the call goes on; in `enforce` a denial ends it, as it does everywhere for nobody in particular
(an unsigned request where signatures count). The root of an account is what any test
credentials are: in its own account it is let in without further questions, except by a denial in a resource's policy
where policies are enforced.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol, TypeVar

import orjson

from kumoi.doorway.authorization import NO_VALUES, PASS_ROLE, Ask, Authorization, Owned, Values
from kumoi.doorway.call import Call
from kumoi.doorway.principal import Principal
from kumoi.doorway.sealing import Sealer
from kumoi.policy import Caller, Decision, Policies, Policy, Request, decide
from kumoi.wire.errors import AwsError, aws_error

KeyT = TypeVar("KeyT")

_ALLOWED = Decision("allowed")
MESSAGE_CONTEXT = "authorization message"
_DECIDED = 256
"""Decisions that are kept for an identity, or for a resource's policies."""
_DEPLOYER = "cloudformation.amazonaws.com"
"""It deploys for whoever was allowed to make the stack."""
_DEVICE = re.compile(r"arn:[^:]+:iot:[^:]*:[^:]*:(?:cert|authorizer)/")
"""Callers that are known by their certificate, or let in by a custom authorizer."""


class IdentityPolicies(NamedTuple):
    """A caller's side of the question. `context` holds the condition keys that the caller brings (tags, names).

    `lacking` says what is wrong with the identity itself, where something is: `the role … does not exist`. `decided`
    holds decisions that will be the same next time, by action, resource and the account of the call: for who keeps
    these policies.
    """

    caller: Caller
    identity: Sequence[Policy] = ()
    boundary: Policy | None = None
    session: Sequence[Policy] | None = None
    context: Values = NO_VALUES
    lacking: str = ""
    decided: dict[tuple[str, str, str], Decision] | None = None


class PolicySource(Protocol):
    """Where the policies of callers come from: IAM."""

    async def of(self, principal: Principal) -> IdentityPolicies:
        """The policies that apply to a principal, whatever it asks."""

    async def trust(self, role_arn: str) -> Policy | None:
        """The trust policy of a role; None where there is no such role."""

    async def passed(self, role_arn: str, account: str) -> str:
        """The ARN of the role that a part of `account` acts in where it is handed this one."""

    def forget(self) -> None:
        """Read everything anew: it has been reset."""


class Verdict(NamedTuple):
    """What policies say about one permission that a call needs."""

    ask: Ask
    decision: Decision
    lacking: str = ""

    @property
    def reason(self) -> str:
        """Why it is denied, for people: AWS's words, and what is wrong with the identity itself."""
        named = f" ({self.decision.policy or 'a policy'}, {self.decision.sid})" if self.decision.sid else ""
        beside = f"; {self.lacking}" if self.lacking else ""
        return f"{self.ask.action} on {self.ask.resource} {self.decision.because}{named}{beside}"


class Authoriser:
    """Weighs policies about calls. Without a source of policies (IAM) identities have none.

    `devices` has those of callers that are devices (IoT); `sealer` encrypts what a refusal says to those who may
    decode it.
    """

    def __init__(self, sealer: Sealer) -> None:
        self.source: PolicySource | None = None
        self.devices: Callable[[Principal], Awaitable[IdentityPolicies]] | None = None
        self._sealer = sealer

    def check(self, call: Call, facts: Authorization, *, enforce: bool) -> Awaitable[None] | None:
        """Let a call pass, or raise its service's AccessDenied (`enforce`); what was found is noted on the call.

        To be awaited, but for None: then nothing is to be asked.
        """
        caller = call.caller
        own = caller.account == call.account and caller.is_root
        if own and (not enforce or facts.policy is None):
            return None
        if caller.is_service and (facts.policy is None or caller.arn in (_DEPLOYER, f"{facts.prefix}.amazonaws.com")):
            return None
        return self.require(call, facts.asks(call), facts, enforce=enforce, noted=not own)

    async def require(
        self, call: Call, asks: Iterable[Ask], facts: Authorization, *, enforce: bool, noted: bool = True
    ) -> None:
        """Ask about each permission and note it; the first that is denied is raised where `enforce` says so."""
        side = await self.side(call.caller) if facts.policy is None else None
        for ask in asks:
            known = None
            if side is not None and side.decided is not None and ask.action != PASS_ROLE:
                known = side.decided.get((ask.action, ask.resource, call.account))
            if side is None or known is None:
                verdict = await self.verdict(call, ask, facts)
            else:
                verdict = Verdict(ask, known, side.lacking)
            if noted:
                needed = f"{ask.action} {verdict.ask.resource}"
                call.asked = f"{call.asked}\n{needed}" if call.asked else needed
            if not verdict.decision.allowed:
                call.denied = verdict.reason
                if enforce:
                    message = base64.b64encode(self._sealer.seal(told(call, verdict), MESSAGE_CONTEXT)).decode()
                    raise denied(call, verdict, facts).with_headers(("x-kumoi-authorization-message", message))

    async def verdict(self, call: Call, ask: Ask, facts: Authorization) -> Verdict:
        """What policies say about one permission."""
        caller = call.caller
        if ask.action == PASS_ROLE and self.source is not None:
            ask = ask._replace(resource=await self.source.passed(ask.resource, call.account))
        if facts.policy is None:
            owned = Owned(_account_of(ask.resource) or call.account)
        else:
            owned = await facts.policy(call, ask)
            if owned.arn:
                ask = ask._replace(resource=owned.arn)
        if caller.is_root and not owned.policies and owned.account in ("", caller.account):
            return Verdict(ask, _ALLOWED)
        again = _again(ask, caller) if owned.decided is not None and facts.beside is None else None
        if owned.decided is not None and again in owned.decided:
            return Verdict(ask, owned.decided[again])
        side = await self.side(caller)
        context = CallContext(call, ask, side, owned, facts)
        beside = None if facts.beside is None else await facts.beside(call)
        policies = Policies(
            side.identity,
            owned.policies,
            side.boundary,
            side.session,
            owned.account,
            owned.required,
            owned.what,
            beside,
        )
        decision = decide(Request(side.caller, ask.action, ask.resource, context), policies)
        if side.decided is not None and facts.policy is None and beside is None and not context.heeded:
            _keep(side.decided, (ask.action, ask.resource, call.account), decision)
        if owned.decided is not None and again is not None and context.heeded <= OF_SERVICE:
            _keep(owned.decided, again, decision)
        return Verdict(ask, decision, side.lacking)

    async def side(self, caller: Principal) -> IdentityPolicies:
        """A caller's side of any question."""
        if caller.is_anonymous:
            return IdentityPolicies(Caller())
        if caller.is_service:
            return IdentityPolicies(Caller(caller.account, service=caller.arn))
        if self.devices is not None and _DEVICE.match(caller.arn):
            return await self.devices(caller)
        if self.source is None or caller.is_root:
            return IdentityPolicies(Caller(caller.account, caller.arn))
        return await self.source.of(caller)


def denied(call: Call, verdict: Verdict, facts: Authorization) -> AwsError:
    """The refusal, in AWS's words."""
    if call.caller.is_anonymous:
        return aws_error(facts.error, "Access Denied", status=403)
    action = verdict.ask.action
    said = f"{action} on resource: {verdict.ask.resource} {verdict.decision.because}"
    return aws_error(
        facts.error,
        f"User: {call.caller.arn} is not authorized to perform: {said.replace(action, facts.spoken(action))}",
        status=403,
    )


def told(call: Call, verdict: Verdict) -> bytes:
    """A denial as DecodeAuthorizationMessage tells it (JSON)."""
    decision = verdict.decision
    matched = [{"statementId": decision.sid, "effect": "DENY"}] if decision.kind == "explicitDeny" else []
    content = {
        "allowed": False,
        "explicitDeny": decision.kind == "explicitDeny",
        "matchedStatements": {"items": matched},
        "failures": {"items": []},
        "context": {
            "principal": {"id": call.caller.id, "arn": call.caller.arn},
            "action": verdict.ask.action,
            "resource": verdict.ask.resource,
            "conditions": {"items": []},
        },
        "reason": verdict.reason,
    }
    return orjson.dumps(content)


OF_SERVICE = frozenset(("aws:principalisawsservice", "aws:principalservicename", "aws:sourcearn", "aws:sourceaccount"))
"""The condition keys that follow from a service that calls, and from nothing else of its call."""


def _again(ask: Ask, caller: Principal) -> tuple[str, ...] | None:
    """What decides about a permission of a service, where its call does not; None for other callers."""
    if not caller.is_service:
        return None
    return ask.action, ask.resource, caller.account, caller.arn, caller.source_arn, caller.source_account


def _keep(decided: dict[KeyT, Decision], key: KeyT, decision: Decision) -> None:
    if len(decided) >= _DECIDED:
        decided.clear()
    decided[key] = decision


def _account_of(arn: str) -> str:
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 else ""


class CallContext(Mapping[str, Sequence[str]]):
    """The condition keys of a call, put together when a policy first asks for one.

    Source: "AWS global condition context keys" of the IAM user guide.
    """

    def __init__(self, call: Call, ask: Ask, side: IdentityPolicies, owned: Owned, facts: Authorization) -> None:
        self._parts = (call, ask, side, owned, facts)
        self._values: Values | None = None
        self._asked: set[str] = set()

    def _all(self) -> Values:
        if self._values is None:
            call, ask, side, owned, facts = self._parts
            self._values = {
                **call_keys(call),
                **tag_keys(call.params),
                **principal_keys(call.caller, side.caller),
                **side.context,
                **owned.context,
                **(facts.context(call) if facts.context is not None else {}),
                **ask.context,
            }
        return self._values

    @property
    def heeded(self) -> Set[str]:
        """The keys that were asked for, by a condition or a variable in a policy."""
        return self._asked

    def __getitem__(self, key: str) -> Sequence[str]:
        self._asked.add(key)
        return self._all()[key]

    def __iter__(self) -> Iterator[str]:
        self._asked.update(self._all())
        return iter(self._all())

    def __len__(self) -> int:
        return len([*self])


def call_keys(call: Call) -> dict[str, Sequence[str]]:
    """What the request itself says: when, from where, how."""
    now = call.now
    keys: dict[str, Sequence[str]] = {
        "aws:currenttime": (datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),),
        "aws:epochtime": (str(int(now)),),
        "aws:requestedregion": (call.region,),
        "aws:viaawsservice": ("false",),
    }
    request = call.http
    if request is None:
        keys["aws:securetransport"] = ("true",)
        return keys
    keys["aws:sourceip"] = (request.client[0],)
    keys["aws:securetransport"] = ("true" if request.scheme == "https" else "false",)
    for name, header in (("aws:referer", "referer"), ("aws:useragent", "user-agent")):
        value = request.headers.get(header)
        if value is not None:
            keys[name] = (value,)
    return keys


def tag_keys(params: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """What tags a request sets or takes away, in any of the forms that services have for it."""
    given = params.get("Tags", params.get("tags", params.get("TagList")))
    tags: dict[str, str] = {}
    if isinstance(given, Mapping):
        tags = {str(key): str(value) for key, value in given.items()}
    elif isinstance(given, list):
        tags = {
            str(one["Key"]): str(one.get("Value", "")) for one in given if isinstance(one, Mapping) and "Key" in one
        }
    keys: dict[str, Sequence[str]] = {f"aws:requesttag/{key.lower()}": (value,) for key, value in tags.items()}
    removed = params.get("TagKeys", params.get("tagKeys"))
    names = [*tags, *(str(one) for one in removed)] if isinstance(removed, list) else [*tags]
    if names:
        keys["aws:tagkeys"] = names
    return keys


def principal_keys(principal: Principal, caller: Caller) -> dict[str, Sequence[str]]:
    """What is known of who asks."""
    if principal.is_anonymous:
        return {"aws:principaltype": ("Anonymous",), "aws:principalaccount": ("anonymous",)}
    keys: dict[str, Sequence[str]] = {"aws:principalisawsservice": (str(principal.is_service).lower(),)}
    if principal.is_service:
        keys["aws:principalservicename"] = (principal.arn,)
        if principal.source_arn:
            keys["aws:sourcearn"] = (principal.source_arn,)
        keys["aws:sourceaccount"] = (
            principal.source_account or _account_of(principal.source_arn) or principal.account,
        )
        return keys
    keys["aws:principalarn"] = (caller.role_arn or principal.arn,)
    keys["aws:principalaccount"] = (principal.account,)
    keys["aws:userid"] = (principal.id,)
    keys["aws:principaltype"] = (_kind(principal),)
    session = principal.session
    if session is not None:
        keys["aws:tokenissuetime"] = (datetime.fromtimestamp(int(session.issued), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),)
        keys["aws:multifactorauthpresent"] = (str(session.mfa).lower(),)
        if session.source_identity:
            keys["aws:sourceidentity"] = (session.source_identity,)
        if session.provider:
            keys["aws:federatedprovider"] = (session.provider,)
        keys.update({f"aws:principaltag/{name.lower()}": (value,) for name, value in session.tags})
        keys.update(session.context)
    return keys


def _kind(principal: Principal) -> str:
    if principal.is_root:
        return "Account"
    resource = principal.arn.split(":", 5)[-1]
    kinds = {"user": "User", "assumed-role": "AssumedRole", "federated-user": "FederatedUser"}
    return kinds.get(resource.partition("/")[0], "User")
