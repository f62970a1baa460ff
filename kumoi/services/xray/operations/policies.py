"""Resource policies: who may send segments on behalf of the account. They are kept and checked, not enforced."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.services.xray import xray
from kumoi.services.xray.answers import page
from kumoi.services.xray.records import ResourcePolicy, policies
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

MOST_POLICIES = 5
MAX_BYTES = 5 * 1024


@xray.operation
async def put_resource_policy(
    call: Call,
    PolicyName: str,
    PolicyDocument: str,
    PolicyRevisionId: str | None = None,
    BypassPolicyLockoutCheck: bool = False,
) -> dict[str, Any]:
    """Make a policy, or replace it; with a PolicyRevisionId only that revision (`0`: only where there is none)."""
    _check(PolicyDocument)
    return {"ResourcePolicy": _shown(await _put(call.state, PolicyName, PolicyDocument, PolicyRevisionId))}


def _check(document: str) -> None:
    if len(document.encode()) > MAX_BYTES:
        raise aws_error("PolicySizeLimitExceededException", f"The policy is larger than {MAX_BYTES} bytes.")
    try:
        found = orjson.loads(document)
    except orjson.JSONDecodeError:
        raise aws_error("MalformedPolicyDocumentException", "The policy document is not valid JSON.") from None
    statements = found.get("Statement") if isinstance(found, dict) else None
    statements = [statements] if isinstance(statements, dict) else statements
    if not isinstance(statements, list) or not statements:
        raise aws_error("MalformedPolicyDocumentException", "The policy document has no Statement.")
    for one in statements:
        if not isinstance(one, dict) or one.get("Effect") not in ("Allow", "Deny") or "Principal" not in one:
            raise aws_error("MalformedPolicyDocumentException", "A statement has an Effect and a Principal.")


@transactional
async def _put(tx: Transaction, name: str, document: str, revision: str | None) -> ResourcePolicy:
    known = await policies.get(tx, name)
    if revision is not None and revision != (known.revision if known else "0"):
        raise _outdated(revision)
    if known is None and len(await policies.list(tx)) >= MOST_POLICIES:
        raise aws_error(
            "PolicyCountLimitExceededException", f"The number of resource policies cannot exceed {MOST_POLICIES}."
        )
    policy = ResourcePolicy(name=name, document=document, revision="1", updated=tx.now)
    if known is not None:
        policy = msgspec.structs.replace(policy, revision=str(int(known.revision) + 1))
    await policies.put(tx, policy)
    return policy


def _outdated(revision: str) -> AwsError:
    return aws_error("InvalidPolicyRevisionIdException", f"Policy revision {revision} is not the current one.")


@xray.operation
async def list_resource_policies(call: Call, NextToken: str | None = None) -> dict[str, Any]:
    """All policies."""
    some, following = page(await _list(call.state), lambda policy: policy.name, NextToken)
    return {"ResourcePolicies": [_shown(policy) for policy in some], **following}


@transactional
async def _list(tx: Transaction) -> list[ResourcePolicy]:
    return await policies.list(tx)


@xray.operation
async def delete_resource_policy(call: Call, PolicyName: str, PolicyRevisionId: str | None = None) -> dict[str, Any]:
    """Remove a policy; no error when there is none."""
    await _delete(call.state, PolicyName, PolicyRevisionId)
    return {}


@transactional
async def _delete(tx: Transaction, name: str, revision: str | None) -> None:
    known = await policies.get(tx, name)
    if revision is not None and (known is None or known.revision != revision):
        raise _outdated(revision)
    await policies.delete(tx, name)


def _shown(policy: ResourcePolicy) -> dict[str, Any]:
    return {
        "PolicyName": policy.name,
        "PolicyDocument": policy.document,
        "PolicyRevisionId": policy.revision,
        "LastUpdatedTime": policy.updated,
    }
