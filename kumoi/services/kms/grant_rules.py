"""What grants allow; pure. Source: "Grants in AWS KMS" and CreateGrant of the API reference."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kumoi.policy import Policy, compile_policy
from kumoi.services.kms.errors import invalid
from kumoi.services.kms.records import Grant
from kumoi.services.kms.specs import AGREE, ENCRYPT, MAC, SIGN, SYMMETRIC

_FOR_ALL = frozenset(("DescribeKey", "CreateGrant", "RetireGrant"))
_DATA_KEYS = frozenset(
    (
        *("GenerateDataKey", "GenerateDataKeyWithoutPlaintext"),
        *("GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"),
    )
)
_ENCRYPTION = frozenset(("Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo"))
_OPERATIONS: Mapping[str, frozenset[str]] = {
    ENCRYPT: _ENCRYPTION,
    SIGN: frozenset(("Sign", "Verify", "GetPublicKey")),
    MAC: frozenset(("GenerateMac", "VerifyMac")),
    AGREE: frozenset(("DeriveSharedSecret", "GetPublicKey")),
}


def check_operations(operations: Iterable[str], spec: str, usage: str, *, constrained: bool) -> None:
    """Raise ValidationException for operations that a key does not have, or constraints that it cannot keep."""
    possible = _FOR_ALL | _OPERATIONS[usage]
    if spec == SYMMETRIC:
        possible |= _DATA_KEYS
    elif usage == ENCRYPT:
        possible |= {"GetPublicKey"}
    wrong = sorted(set(operations) - possible)
    if wrong:
        raise invalid(f"Grants on a key with KeySpec {spec} and KeyUsage {usage} cannot allow {', '.join(wrong)}.")
    if constrained and spec != SYMMETRIC:
        raise invalid("Encryption context grant constraints are for symmetric encryption keys.")


def allows(grant: Grant, operation: str, context: Mapping[str, str], source_arn: str = "") -> bool:
    """Whether a grant speaks of an operation with an encryption context, for whoever it was given to."""
    if operation not in grant.operations or grant.source_arn not in ("", source_arn):
        return False
    if operation in _FOR_ALL:
        return True
    if grant.equals is not None and grant.equals != context:
        return False
    return grant.subset is None or grant.subset.items() <= context.items()


def passes_on(grant: Grant, asked: Mapping[str, Any]) -> bool:
    """Whether a grant lets its grantee give the grant that is asked for: one that allows nothing more than itself."""
    if not set(asked.get("Operations", ())) <= set(grant.operations):
        return False
    limits = asked.get("Constraints") or {}
    equals: dict[str, str] | None = limits.get("EncryptionContextEquals")
    subset: dict[str, str] = limits.get("EncryptionContextSubset", {})
    if grant.equals is not None:
        return equals == grant.equals
    return (grant.subset or {}).items() <= (subset if equals is None else equals).items()


def as_policy(grant: Grant, action: str) -> Policy:
    """A grant that allows an action, as a policy of its key."""
    who = {"AWS": grant.grantee} if grant.grantee else {"Service": grant.grantee_service}
    statement = {"Sid": grant.id, "Effect": "Allow", "Principal": who, "Action": action, "Resource": "*"}
    return compile_policy(json.dumps({"Version": "2012-10-17", "Statement": [statement]}), "resource", "grant")


def retiring_policy(grant: Grant, action: str) -> Policy | None:
    """Who may retire a grant, as a policy of its key; None where nobody is named."""
    grantee = [grant.grantee] if "RetireGrant" in grant.operations and grant.grantee else []
    principals = [*([grant.retiring] if grant.retiring else []), *grantee]
    if not principals:
        return None
    statement = {"Effect": "Allow", "Principal": {"AWS": principals}, "Action": action, "Resource": "*"}
    return compile_policy(json.dumps({"Version": "2012-10-17", "Statement": [statement]}), "resource", "grant")
