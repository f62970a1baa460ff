"""Which role an identity gets: tables over claims and mappings."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.services.cognito_identity.logins import Proof
from kumoi.services.cognito_identity.records import IdentityPool
from kumoi.services.cognito_identity.roles import matches, role_of
from kumoi.wire.errors import AwsError

PROVIDER = "cognito-idp.us-east-1.amazonaws.com/us-east-1_abc"


def pool(**mapping: Any) -> IdentityPool:
    roles = {"authenticated": "member", "unauthenticated": "guest"}
    mappings = {f"{PROVIDER}:app": mapping} if mapping else {}
    return IdentityPool(id="p", name="p", definition={}, roles=roles, mappings=mappings)


def proof(**claims: Any) -> Proof:
    return Proof(
        PROVIDER, "sub", {name.replace("_", ":", 1): value for name, value in claims.items()}, f"{PROVIDER}:app"
    )


TOKEN = {"Type": "Token", "AmbiguousRoleResolution": "AuthenticatedRole"}
RULES = {
    "Type": "Rules",
    "AmbiguousRoleResolution": "Deny",
    "RulesConfiguration": {
        "Rules": [{"Claim": "dept", "MatchType": "Equals", "Value": "farm", "RoleARN": "farmer"}],
    },
}


@pytest.mark.parametrize(
    ("mapping", "proofs", "custom", "role"),
    [
        ({}, [], None, "guest"),
        ({}, [proof()], None, "member"),
        (TOKEN, [proof()], None, "member"),
        (TOKEN, [proof(cognito_preferred_role="first", cognito_roles=["first", "second"])], None, "first"),
        (TOKEN, [proof(cognito_roles=["only"])], None, "only"),
        (TOKEN, [proof(cognito_roles=["one", "two"])], None, "member"),
        (TOKEN, [proof(cognito_roles=["one", "two"])], "two", "two"),
        (RULES, [proof(dept="farm")], None, "farmer"),
    ],
)
def test_roles(mapping: dict[str, Any], proofs: list[Proof], custom: str | None, role: str) -> None:
    assert role_of(pool(**mapping), proofs, custom) == role


@pytest.mark.parametrize(
    ("mapping", "proofs", "custom", "code"),
    [
        ({}, [proof()], "x", "InvalidParameterException"),
        (TOKEN, [proof(cognito_roles=["one"])], "two", "NotAuthorizedException"),
        (RULES, [proof(dept="shop")], None, "NotAuthorizedException"),
        (RULES, [proof()], None, "NotAuthorizedException"),
    ],
)
def test_refusals(mapping: dict[str, Any], proofs: list[Proof], custom: str | None, code: str) -> None:
    with pytest.raises(AwsError) as refused:
        role_of(pool(**mapping), proofs, custom)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("kind", "value", "claim", "matched"),
    [
        ("Equals", "a", "a", True),
        ("Equals", "a", "ab", False),
        ("Equals", "a", ["b", "a"], True),
        ("Equals", "true", True, True),
        ("Equals", "7", 7, True),
        ("Contains", "b", "abc", True),
        ("StartsWith", "ab", "abc", True),
        ("StartsWith", "b", "abc", False),
        ("NotEqual", "a", "b", True),
        ("NotEqual", "a", "a", False),
        ("NotEqual", "a", None, False),
    ],
)
def test_rules(kind: str, value: str, claim: Any, matched: bool) -> None:
    assert matches({"Claim": "c", "MatchType": kind, "Value": value}, {"c": claim}) is matched
