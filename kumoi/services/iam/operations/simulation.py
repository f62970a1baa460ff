"""What policies would say: SimulatePrincipalPolicy, SimulateCustomPolicy, and the context keys they ask for.

The very evaluator that decides about calls decides here, too. Source: the API reference, and "Testing IAM policies with
the IAM policy simulator" of the IAM user guide.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from kumoi.doorway import Call, Principal
from kumoi.doorway.authoriser import principal_keys
from kumoi.names import Arn
from kumoi.policy import Caller, Policies, Policy, PolicyError, Request, compile_policy, decide
from kumoi.policy.document import Kind
from kumoi.policy.keys import context_keys, statement_spans
from kumoi.services.iam import iam
from kumoi.services.iam.effective_policies import Source, sources_of
from kumoi.services.iam.rules import page
from kumoi.wire.errors import aws_error

_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9]+")


class Compiled(NamedTuple):
    """A policy of a simulation, with where it comes from."""

    source: Source
    policy: Policy


@iam.operation
async def simulate_custom_policy(
    call: Call,
    PolicyInputList: list[str],
    ActionNames: list[str],
    PermissionsBoundaryPolicyInputList: list[str] | None = None,
    ResourceArns: list[str] | None = None,
    ResourcePolicy: str | None = None,
    ResourceOwner: str | None = None,
    CallerArn: str | None = None,
    ContextEntries: list[dict[str, Any]] | None = None,
    Marker: str | None = None,
    MaxItems: int | None = None,
) -> dict[str, Any]:
    """What given policies say about actions on resources."""
    found = _given(PolicyInputList, "PolicyInputList")
    caller = CallerArn or f"arn:aws:iam::{call.account}:user/simulated"
    boundary = _given(PermissionsBoundaryPolicyInputList or [], "PermissionsBoundaryPolicyInputList")
    question = _Question(found, boundary, _caller(caller), ResourcePolicy, ResourceOwner, ContextEntries or [])
    return _answer(question, ActionNames, ResourceArns, Marker, MaxItems)


@iam.operation
async def simulate_principal_policy(
    call: Call,
    PolicySourceArn: str,
    ActionNames: list[str],
    PolicyInputList: list[str] | None = None,
    PermissionsBoundaryPolicyInputList: list[str] | None = None,
    ResourceArns: list[str] | None = None,
    ResourcePolicy: str | None = None,
    ResourceOwner: str | None = None,
    CallerArn: str | None = None,
    ContextEntries: list[dict[str, Any]] | None = None,
    Marker: str | None = None,
    MaxItems: int | None = None,
) -> dict[str, Any]:
    """What the policies of a user, group or role say about actions on resources, with others added."""
    attached, bounds = await sources_of(call.state, PolicySourceArn)
    found = [Compiled(one, _compile(one.document, one.id)) for one in attached]
    found += _given(PolicyInputList or [], "PolicyInputList")
    boundary = _given(PermissionsBoundaryPolicyInputList or [], "PermissionsBoundaryPolicyInputList")
    if not boundary and bounds is not None:
        boundary = [Compiled(bounds, _compile(bounds.document, bounds.id))]
    caller = CallerArn or PolicySourceArn
    question = _Question(found, boundary, _caller(caller), ResourcePolicy, ResourceOwner, ContextEntries or [])
    return _answer(question, ActionNames, ResourceArns, Marker, MaxItems)


@iam.operation
async def get_context_keys_for_custom_policy(call: Call, PolicyInputList: list[str]) -> dict[str, Any]:
    """The condition keys that policies mention."""
    return {"ContextKeyNames": _keys(_given(PolicyInputList, "PolicyInputList"))}


@iam.operation
async def get_context_keys_for_principal_policy(
    call: Call, PolicySourceArn: str, PolicyInputList: list[str] | None = None
) -> dict[str, Any]:
    """The condition keys that the policies of a user, group or role mention."""
    attached, _ = await sources_of(call.state, PolicySourceArn)
    found = [Compiled(one, _compile(one.document, one.id)) for one in attached]
    return {"ContextKeyNames": _keys(found + _given(PolicyInputList or [], "PolicyInputList"))}


class _Question:
    """All of a simulation but the action and the resource."""

    def __init__(
        self,
        found: Sequence[Compiled],
        boundary: Sequence[Compiled],
        caller: Caller,
        resource_policy: str | None,
        owner: str | None,
        entries: Sequence[dict[str, Any]],
    ) -> None:
        self.found = found
        self.boundary = boundary
        self.caller = caller
        self.owner = owner or caller.account
        self.resource: list[Compiled] = []
        if resource_policy is not None:
            source = Source("ResourcePolicy", "resource", resource_policy)
            self.resource = [Compiled(source, _compile(resource_policy, source.id, "resource"))]
        self.context = dict(principal_keys(Principal(caller.account, caller.arn, ""), caller))
        kind, _, name = caller.arn.rpartition(":")[2].partition("/")
        if kind == "user":
            self.context["aws:username"] = (name.rpartition("/")[2],)
        for entry in entries:
            self.context[str(entry.get("ContextKeyName", "")).lower()] = tuple(entry.get("ContextKeyValues") or ())

    def about(self, action: str, resource: str) -> dict[str, Any]:
        """One result."""
        request = Request(self.caller, action, resource, self.context)
        boundary = (
            Policy(tuple(one for each in self.boundary for one in each.policy.statements)) if self.boundary else None
        )
        decision = decide(
            request,
            Policies(
                [one.policy for one in self.found], [one.policy for one in self.resource], boundary, None, self.owner
            ),
        )
        effect = "Deny" if decision.kind == "explicitDeny" else "Allow"
        everything = [*self.found, *self.resource, *(self.boundary if effect == "Deny" else ())]
        missing = [key for key in _keys(everything) if key.lower() not in self.context]
        result: dict[str, Any] = {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": decision.kind,
            "MatchedStatements": [] if decision.kind == "implicitDeny" else _matched(everything, request, effect),
            "MissingContextValues": missing,
        }
        if boundary is not None:
            allows = boundary.says(request, "Allow") is not None and boundary.says(request, "Deny") is None
            result["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": allows}
        return result


def _matched(policies: Sequence[Compiled], request: Request, effect: str) -> list[dict[str, Any]]:
    matched = []
    for source, policy in policies:
        spans = statement_spans(source.document)
        for number, statement in enumerate(policy.statements):
            if statement.effect == effect and statement.applies(request):
                start, end = spans[number]
                matched.append(
                    {
                        "SourcePolicyId": source.id,
                        "SourcePolicyType": source.kind,
                        "StartPosition": {"Line": start.line, "Column": start.column},
                        "EndPosition": {"Line": end.line, "Column": end.column},
                    }
                )
    return matched


def _answer(
    question: _Question, actions: Sequence[str], resources: Sequence[str] | None, marker: str | None, most: int | None
) -> dict[str, Any]:
    for action in actions:
        if not _ACTION.fullmatch(action):
            raise aws_error("InvalidInput", f"Invalid Entity Action: {action}")
    asked = [(action, resource) for action in actions for resource in resources or ["*"]]
    numbered = [f"{number:06d}" for number in range(len(asked))]
    found, more = page(numbered, str, marker, most)
    return {"EvaluationResults": [question.about(*asked[int(number)]) for number in found], **more}


def _given(documents: Sequence[str], member: str) -> list[Compiled]:
    sources = [Source(f"{member}.{number}", "none", text) for number, text in enumerate(documents, 1)]
    return [Compiled(one, _compile(one.document, one.id)) for one in sources]


def _compile(document: str, name: str, kind: Kind = "identity") -> Policy:
    try:
        return compile_policy(document, kind, name)
    except PolicyError as error:
        raise aws_error("InvalidInput", f"The input policy is invalid: {error}") from None


def _keys(policies: Sequence[Compiled]) -> list[str]:
    found: dict[str, str] = {}
    for one in policies:
        for key in context_keys(one.source.document):
            found.setdefault(key.lower(), key)
    return list(found.values())


def _caller(text: str) -> Caller:
    try:
        arn = Arn.parse(text)
    except ValueError:
        raise aws_error("InvalidInput", f"Invalid ARN: {text}") from None
    role = text if arn.resource.startswith("role/") else ""
    return Caller(arn.account, text, role)
