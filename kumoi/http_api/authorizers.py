"""What authorizers of every kind share: the policies that functions answer, and results kept for a while.

Source: "Use API Gateway Lambda authorizers" and "Control access to HTTP APIs with AWS Lambda authorizers".
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import orjson

from kumoi.policy import Caller, Decision, Policies, Policy, PolicyError, Request, compile_policy, decide

_KEPT = 10_000


class BadAuthorizer(ValueError):
    """The authorizer's answer says neither yes nor no."""


class Verdict(NamedTuple):
    """What an authorizer said: whose request it is, the policy (None: `allowed` decides), and what it passes on."""

    principal: str
    context: Mapping[str, Any]
    policy: Policy | None = None
    allowed: bool = False
    usage_key: str | None = None

    def permits(self, method_arn: str, account: str, region: str, source_ip: str = "") -> bool:
        """Whether the request for a method may go on."""
        if self.policy is None:
            return self.allowed
        return self.decided(method_arn, account, source_ip).allowed

    def decided(self, method_arn: str, account: str, source_ip: str = "") -> Decision:
        """What the policy says about the request for a method; there is one."""
        assert self.policy is not None
        caller = Caller(account, f"arn:aws:iam::{account}:user/{self.principal or 'authorized'}")
        context = {"aws:sourceip": [source_ip]} if source_ip else {}
        request = Request(caller, "execute-api:Invoke", method_arn, context)
        return decide(request, Policies(identity=[self.policy]))


def verdict(payload: bytes, *, simple: bool) -> Verdict:
    """Read an authorizer's answer; raises BadAuthorizer."""
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise BadAuthorizer(f"the authorizer's answer is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadAuthorizer("the authorizer's answer is no JSON object")
    context = value.get("context") or {}
    if not isinstance(context, dict):
        raise BadAuthorizer("the authorizer's context is no JSON object")
    if simple:
        if not isinstance(value.get("isAuthorized"), bool):
            raise BadAuthorizer("the authorizer's answer has no boolean isAuthorized")
        return Verdict("", context, allowed=value["isAuthorized"])
    if not isinstance(value.get("policyDocument"), dict):
        raise BadAuthorizer("the authorizer's answer has no policyDocument")
    try:
        policy = compile_policy(orjson.dumps(value["policyDocument"]).decode())
    except PolicyError as error:
        raise BadAuthorizer(f"the authorizer's policyDocument is no policy: {error}") from None
    usage_key = value.get("usageIdentifierKey")
    return Verdict(
        str(value.get("principalId") or ""),
        context,
        policy,
        usage_key=usage_key if isinstance(usage_key, str) else None,
    )


class VerdictCache:
    """Verdicts by identity, kept for the authorizer's time to live on the platform's clock."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Hashable, ...], tuple[float, Verdict]] = OrderedDict()

    def get(self, key: tuple[Hashable, ...], now: float) -> Verdict | None:
        """The verdict that still holds."""
        found = self._kept.get(key)
        if found is None:
            return None
        if found[0] <= now:
            del self._kept[key]
            return None
        return found[1]

    def put(self, key: tuple[Hashable, ...], said: Verdict, until: float) -> None:
        """Keep a verdict; the oldest goes when there are too many."""
        self._kept[key] = (until, said)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def forget(self, *prefix: Hashable) -> None:
        """Drop the verdicts whose keys begin so: a stage's, an API's."""
        for key in [key for key in self._kept if key[: len(prefix)] == prefix]:
            del self._kept[key]
