"""Resource policies of secrets: who of another account may work with one."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.policy import PolicyError, compile_policy
from kumoi.services.secretsmanager import secretsmanager
from kumoi.services.secretsmanager.answers import named
from kumoi.services.secretsmanager.naming import Wanted
from kumoi.services.secretsmanager.records import Secret
from kumoi.services.secretsmanager.store import find, find_own, keep, place_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@secretsmanager.operation
async def put_resource_policy(
    call: Call, SecretId: str, ResourcePolicy: str, BlockPublicPolicy: bool = False
) -> dict[str, Any]:
    """Attach a policy; one that is open to everybody is refused where that is asked for."""
    try:
        compile_policy(ResourcePolicy, "resource")
    except PolicyError as error:
        raise aws_error("MalformedPolicyDocumentException", str(error)) from None
    if BlockPublicPolicy and is_public(ResourcePolicy):
        raise aws_error(
            "PublicPolicyException",
            "The BlockPublicPolicy parameter is set to true, and the policy allows broad access.",
        )
    state, wanted = await place_of(call, SecretId)
    return named(await _put(state, wanted, ResourcePolicy))


@secretsmanager.operation
async def get_resource_policy(call: Call, SecretId: str) -> dict[str, Any]:
    """The policy of a secret, where it has one."""
    state, wanted = await place_of(call, SecretId)
    secret = await find(state, wanted)
    return {**named(secret), **({} if secret.policy is None else {"ResourcePolicy": secret.policy})}


@secretsmanager.operation
async def delete_resource_policy(call: Call, SecretId: str) -> dict[str, Any]:
    """Take the policy away."""
    state, wanted = await place_of(call, SecretId)
    return named(await _put(state, wanted, None))


@secretsmanager.operation
async def validate_resource_policy(call: Call, ResourcePolicy: str, SecretId: str | None = None) -> dict[str, Any]:
    """Whether a policy could be attached, and what speaks against it."""
    if SecretId is not None:
        state, wanted = await place_of(call, SecretId)
        await find(state, wanted)
    problems = []
    try:
        compile_policy(ResourcePolicy, "resource")
    except PolicyError as error:
        problems.append({"CheckName": "POLICY_SYNTAX", "ErrorMessage": str(error)})
    else:
        if is_public(ResourcePolicy):
            told = "The policy allows broad access to the secret."
            problems.append({"CheckName": "PUBLIC_ACCESS", "ErrorMessage": told})
    return {"PolicyValidationPassed": not problems, "ValidationErrors": problems}


def is_public(policy: str) -> bool:
    """Whether a policy (which is one) allows something to everybody, without a condition."""
    given = orjson.loads(policy)["Statement"]
    for statement in given if isinstance(given, list) else [given]:
        principal = statement.get("Principal")
        named_aws = principal.get("AWS") if isinstance(principal, dict) else principal
        everybody = "*" in (named_aws if isinstance(named_aws, list) else [named_aws])
        if statement["Effect"] == "Allow" and everybody and not statement.get("Condition"):
            return True
    return False


@transactional
async def _put(tx: Transaction, wanted: Wanted, policy: str | None) -> Secret:
    secret = msgspec.structs.replace(await find_own(tx, wanted), policy=policy)
    await keep(tx, secret)
    return secret
