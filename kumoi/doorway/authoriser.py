"""The guard that asks policies: whether a caller may make a call, and what is said where it may not.

Each permission a call needs (`authorization.py`) is weighed against the caller's policies, which IAM brings
(`PolicySource`), and against those of the resource, which its service has. In `audit` and `verify` the verdict is
written on the hop and the call goes on; in `enforce` a denial ends it, as it does everywhere for nobody in particular
(an unsigned request where signatures count). The root of an account is what any test
credentials are: in its own account it is let in without further questions, except by a denial in a resource's policy
where policies are enforced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from kumoi.doorway.authorization import NO_VALUES, Ask, Authorization, Owned, Values
from kumoi.doorway.call import Call
from kumoi.doorway.principal import Principal
from kumoi.policy import Caller, Decision, Policies, Policy, Request, decide
from kumoi.wire.errors import AwsError, aws_error

_ALLOWED = Decision("allowed")
_DEPLOYER = "cloudformation.amazonaws.com"
"""It deploys for whoever was allowed to make the stack."""


class IdentityPolicies(NamedTuple):
    """A caller's side of the question. `context` holds the condition keys that the caller brings (tags, names).

    `lacking` says what is wrong with the identity itself, where something is: `the role … does not exist`.
    """

    caller: Caller
    identity: Sequence[Policy] = ()
    boundary: Policy | None = None
    session: Sequence[Policy] | None = None
    context: Values = NO_VALUES
    lacking: str = ""


class PolicySource(Protocol):
    """Where the policies of callers come from: IAM."""

    async def of(self, principal: Principal) -> IdentityPolicies:
        """The policies that apply to a principal, whatever it asks."""


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
    """Weighs policies about calls. Without a source of policies (IAM) identities have none."""

    def __init__(self) -> None:
        self.source: PolicySource | None = None

    async def check(self, call: Call, facts: Authorization, *, enforce: bool) -> None:
        """Let a call pass, or raise its service's AccessDenied (`enforce`); what was found is noted on the call."""
        caller = call.caller
        enforce = enforce or caller.is_anonymous
        own = caller.is_root and caller.account == call.account
        if own and (not enforce or facts.policy is None):
            return
        if caller.is_service and (facts.policy is None or caller.arn in (_DEPLOYER, f"{facts.prefix}.amazonaws.com")):
            return
        asks = facts.asks(call)
        if not own:
            call.asked = "\n".join(f"{ask.action} {ask.resource}" for ask in asks)
        for ask in asks:
            verdict = await self.verdict(call, ask, facts)
            if not verdict.decision.allowed:
                call.denied = verdict.reason
                if enforce:
                    raise denied(call, verdict, facts)

    async def verdict(self, call: Call, ask: Ask, facts: Authorization) -> Verdict:
        """What policies say about one permission."""
        owned = (
            await facts.policy(call, ask)
            if facts.policy is not None
            else Owned(_account_of(ask.resource) or call.account)
        )
        caller = call.caller
        if caller.is_root and not owned.policies and owned.account in ("", caller.account):
            return Verdict(ask, _ALLOWED)
        side = await self._side(caller)
        request = Request(side.caller, ask.action, ask.resource, CallContext(call, ask, side, facts))
        policies = Policies(side.identity, owned.policies, side.boundary, side.session, owned.account)
        return Verdict(ask, decide(request, policies), side.lacking)

    async def _side(self, caller: Principal) -> IdentityPolicies:
        if caller.is_anonymous:
            return IdentityPolicies(Caller())
        if caller.is_service:
            return IdentityPolicies(Caller(caller.account, service=caller.arn))
        if self.source is None or caller.is_root:
            return IdentityPolicies(Caller(caller.account, caller.arn))
        return await self.source.of(caller)


def denied(call: Call, verdict: Verdict, facts: Authorization) -> AwsError:
    """The refusal, in AWS's words."""
    if call.caller.is_anonymous:
        return aws_error(facts.error, "Access Denied", status=403)
    return aws_error(
        facts.error,
        f"User: {call.caller.arn} is not authorized to perform: {verdict.ask.action} on resource:"
        f" {verdict.ask.resource} {verdict.decision.because}",
        status=403,
    )


def _account_of(arn: str) -> str:
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 else ""


class CallContext(Mapping[str, Sequence[str]]):
    """The condition keys of a call, put together when a policy first asks for one.

    Source: "AWS global condition context keys" of the IAM user guide.
    """

    def __init__(self, call: Call, ask: Ask, side: IdentityPolicies, facts: Authorization) -> None:
        self._parts = (call, ask, side, facts)
        self._values: Values | None = None

    def _all(self) -> Values:
        if self._values is None:
            call, ask, side, facts = self._parts
            self._values = {
                **call_keys(call),
                **principal_keys(call.caller, side.caller),
                **side.context,
                **(facts.context(call) if facts.context is not None else {}),
                **ask.context,
            }
        return self._values

    def __getitem__(self, key: str) -> Sequence[str]:
        return self._all()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


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


def principal_keys(principal: Principal, caller: Caller) -> dict[str, Sequence[str]]:
    """What is known of who asks."""
    if principal.is_anonymous:
        return {"aws:principaltype": ("Anonymous",), "aws:principalaccount": ("anonymous",)}
    keys: dict[str, Sequence[str]] = {"aws:principalisawsservice": (str(principal.is_service).lower(),)}
    if principal.is_service:
        keys["aws:principalservicename"] = (principal.arn,)
        if principal.source_arn:
            keys["aws:sourcearn"] = (principal.source_arn,)
        keys["aws:sourceaccount"] = (_account_of(principal.source_arn) or principal.account,)
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
    return keys


def _kind(principal: Principal) -> str:
    if principal.is_root:
        return "Account"
    resource = principal.arn.split(":", 5)[-1]
    kinds = {"user": "User", "assumed-role": "AssumedRole", "federated-user": "FederatedUser"}
    return kinds.get(resource.partition("/")[0], "User")
