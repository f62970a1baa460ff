"""Which role an identity gets: pure. Source: "Using role-based access control" of the Cognito developer guide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kumoi.services.cognito_identity.errors import invalid, no_roles, not_authorized
from kumoi.services.cognito_identity.logins import Proof
from kumoi.services.cognito_identity.records import IdentityPool


def role_of(pool: IdentityPool, proofs: Sequence[Proof], custom: str | None) -> str:
    """The ARN of the role: a guest's, one that a provider's mapping chooses, or that of everybody who signed in.

    NotAuthorizedException where the mapping denies or a custom role is not in the token;
    InvalidIdentityPoolConfigurationException where the pool has no such role.
    """
    if not proofs:
        return _plain(pool, "unauthenticated")
    for proof in proofs:
        mapping = pool.mappings.get(proof.mapped_by)
        if mapping is not None:
            return _mapped(pool, proof.claims, mapping, custom)
    if custom is not None:
        raise invalid("You must not specify a CustomRoleArn without role mappings of the type Token.")
    return _plain(pool, "authenticated")


def _plain(pool: IdentityPool, which: str) -> str:
    role = pool.roles.get(which)
    if not role:
        raise no_roles()
    return role


def _mapped(pool: IdentityPool, claims: Mapping[str, Any], mapping: Mapping[str, Any], custom: str | None) -> str:
    if mapping["Type"] == "Rules":
        for rule in (mapping.get("RulesConfiguration") or {}).get("Rules") or ():
            if matches(rule, claims):
                return str(rule["RoleARN"])
    else:
        listed = claims.get("cognito:roles")
        roles = [str(one) for one in listed] if isinstance(listed, list) else []
        if custom is not None:
            if custom not in roles:
                raise not_authorized("Token does not contain the requested CustomRoleArn.")
            return custom
        preferred = claims.get("cognito:preferred_role")
        if isinstance(preferred, str):
            return preferred
        if len(roles) == 1:
            return roles[0]
    if mapping.get("AmbiguousRoleResolution") == "AuthenticatedRole":
        return _plain(pool, "authenticated")
    raise not_authorized("Request to get credentials was denied: no role mapping matches the token.")


def matches(rule: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
    """Whether a claim is as a rule wants it; a claim that is not there matches nothing."""
    claim = claims.get(rule["Claim"])
    if claim is None:
        return False
    values = [str(one) for one in claim] if isinstance(claim, list) else [_text(claim)]
    wanted, kind = rule["Value"], rule["MatchType"]
    if kind == "NotEqual":
        return wanted not in values
    if kind == "Equals":
        return wanted in values
    if kind == "StartsWith":
        return any(value.startswith(wanted) for value in values)
    return any(wanted in value for value in values)


def _text(claim: Any) -> str:
    return str(claim).lower() if isinstance(claim, bool) else str(claim)
