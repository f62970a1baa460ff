"""What policies say, asked beforehand: GetEffectivePolicies and TestAuthorization."""

from __future__ import annotations

import re
from typing import Any

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.policy import Caller, Policy, Request
from kumoi.services.iot import iot
from kumoi.services.iot.device_policies import compiled, connection_variables, effective, thing_variables
from kumoi.services.iot.naming import invalid
from kumoi.services.iot.operations.policies import find_policy
from kumoi.services.iot.operations.policy_attachments import COGNITO_IDENTITY, check_principal
from kumoi.services.iot.operations.things import find_thing
from kumoi.services.iot.records import certificates
from kumoi.state import Transaction, transactional

VARIABLE = re.compile(r"\$\{([a-zA-Z][^},]*)\}")
ACTIONS = {"CONNECT": "iot:Connect", "PUBLISH": "iot:Publish", "SUBSCRIBE": "iot:Subscribe", "RECEIVE": "iot:Receive"}


@iot.operation
async def get_effective_policies(
    call: Call, principal: str | None = None, thingName: str | None = None
) -> dict[str, Any]:
    """The policies that apply to a principal, to a thing by its groups, or to one as the other."""
    if principal is None and thingName is None:
        raise invalid("At least one of principal and thingName is required.")
    texts = await _texts(call.state, principal, thingName)
    return {"effectivePolicies": [{**_named(call, name), "policyDocument": text} for name, text in texts.items()]}


@iot.operation
async def test_authorization(
    call: Call,
    authInfos: list[dict[str, Any]],
    principal: str | None = None,
    clientId: str | None = None,
    policyNamesToAdd: list[str] | None = None,
    policyNamesToSkip: list[str] | None = None,
) -> dict[str, Any]:
    """Whether policies allow actions on resources; `clientId` is the connection's, and so its thing's name.

    Variables that have no value are `missingContextValues`: a statement with one applies to nothing.
    """
    if principal is None and not policyNamesToAdd:
        raise invalid("At least one of principal and policyNamesToAdd is required.")
    context = await _context(call.state, principal, clientId)
    thing = context.get("iot:connection.thing.thingname", ("",))[0]
    texts = await _texts(call.state, principal, thing or None)
    for name in policyNamesToAdd or ():
        texts[name] = await _text(call.state, name)
    for name in policyNamesToSkip or ():
        texts.pop(name, None)
    caller = Caller(call.account, principal or "")
    missing = sorted(
        {name for text in texts.values() for name in VARIABLE.findall(text) if name.lower() not in context}
    )
    policies = compiled(texts)
    results = [
        _result(call, caller, policies, one.get("actionType", "PUBLISH"), one["resources"], context, missing)
        for one in authInfos
    ]
    return {"authResults": results}


def _result(
    call: Call,
    caller: Caller,
    policies: list[Policy],
    action: str,
    resources: list[str],
    context: dict[str, tuple[str, ...]],
    missing: list[str],
) -> dict[str, Any]:
    """What policies say to an action on all of some resources: the worst that they say to one of them."""
    requests = [Request(caller, ACTIONS[action], resource, context) for resource in resources]
    denying = {policy.name for one in requests for policy in policies if policy.says(one, "Deny") is not None}
    allowing = {policy.name for one in requests for policy in policies if policy.says(one, "Allow") is not None}
    silent = [one for one in requests if not any(policy.says(one, "Allow") is not None for policy in policies)]
    decision = "EXPLICIT_DENY" if denying else "IMPLICIT_DENY" if silent or not requests else "ALLOWED"
    explicit = {"policies": [_named(call, name) for name in sorted(denying)]}
    implicit = {"policies": [_named(call, policy.name) for policy in policies] if silent and not denying else []}
    return {
        "authInfo": {"actionType": action, "resources": resources},
        "allowed": {"policies": [_named(call, name) for name in sorted(allowing)]},
        "denied": {"implicitDeny": implicit, "explicitDeny": explicit},
        "authDecision": decision,
        "missingContextValues": missing,
    }


def _named(call: Call, name: str) -> dict[str, str]:
    return {"policyName": name, "policyArn": call.arn("iot", f"policy/{name}")}


@transactional
async def _texts(tx: Transaction, principal: str | None, thing: str | None) -> dict[str, str]:
    if principal is not None:
        await check_principal(tx, principal)
    if thing is not None:
        await find_thing(tx, thing)
    return await effective(tx, principal or "", thing or "")


@transactional
async def _text(tx: Transaction, name: str) -> str:
    policy = await find_policy(tx, name)
    version = policy.version(policy.default)
    assert version is not None
    return version.document


@transactional
async def _context(tx: Transaction, principal: str | None, client: str | None) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {} if client is None else {"iot:clientid": (client,)}
    if principal is None:
        return found
    if COGNITO_IDENTITY.fullmatch(principal):
        found |= await thing_variables(tx, principal, client or "")
    else:
        await check_principal(tx, principal)
        certificate = await certificates.get(tx, Arn.parse(principal).resource.partition("/")[2])
        assert certificate is not None
        found |= await connection_variables(tx, certificate, client or "")
    return found
