"""`@auth`: who may do what with a model or a field. Source: Amplify's "Customize authorization rules"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.amplify_schema.models import Rule
from kumoi.amplify_schema.problems import SchemaProblem

MODES = {
    "apiKey": ("API_KEY", "aws_api_key"),
    "iam": ("AWS_IAM", "aws_iam"),
    "userPools": ("AMAZON_COGNITO_USER_POOLS", "aws_cognito_user_pools"),
    "oidc": ("OPENID_CONNECT", "aws_oidc"),
    "function": ("AWS_LAMBDA", "aws_lambda"),
}
"""What AppSync calls each provider, and the directive that opens a field for it."""
_PROVIDERS = {
    "public": ("apiKey", "iam"),
    "private": ("userPools", "oidc", "iam"),
    "owner": ("userPools", "oidc"),
    "groups": ("userPools", "oidc"),
    "custom": ("function",),
}
"""Who there is, and the providers that may say so; the first by default."""
READING = ("get", "list", "sync", "listen", "search")
OPERATIONS = ("create", "update", "delete", *READING)
_MEMBERS = frozenset(
    ("allow", "provider", "operations", "groups", "groupsField", "groupClaim", "ownerField", "identityClaim")
)


def rules_of(given: Any, line: int) -> tuple[Rule, ...]:
    """The rules of an `@auth`; raises SchemaProblem."""
    listed = given if isinstance(given, list) else [given]
    if not listed or not all(isinstance(one, Mapping) for one in listed):
        raise SchemaProblem("@auth needs rules, such as @auth(rules: [{ allow: owner }])", line)
    return tuple(_rule(one, line) for one in listed)


def _rule(given: Mapping[str, Any], line: int) -> Rule:
    unknown = sorted(given.keys() - _MEMBERS)
    if unknown:
        raise SchemaProblem(f"a rule of @auth has no {', '.join(unknown)}", line)
    allow = str(given.get("allow"))
    if allow not in _PROVIDERS:
        raise SchemaProblem(f"allow: {allow} is none of {', '.join(_PROVIDERS)}", line)
    provider = str(given.get("provider") or _PROVIDERS[allow][0])
    provider = "iam" if provider == "identityPool" else provider
    if provider not in _PROVIDERS[allow]:
        raise SchemaProblem(f"allow: {allow} takes the provider {' or '.join(_PROVIDERS[allow])}, not {provider}", line)
    operations = _operations(given.get("operations"), line)
    if allow == "owner":
        # Tokens of other issuers have no user name.
        claim = str(given.get("identityClaim") or ("sub" if provider == "oidc" else "sub::username"))
        return Rule(allow, provider, operations, None, str(given.get("ownerField") or "owner"), claim)
    if allow != "groups":
        return Rule(allow, provider, operations)
    claim = str(given.get("groupClaim") or "cognito:groups")
    groups, holder = given.get("groups"), given.get("groupsField")
    if not groups and not holder:
        raise SchemaProblem("allow: groups needs groups or groupsField", line)
    if groups:
        names = groups if isinstance(groups, list) else [groups]
        return Rule(allow, provider, operations, tuple(str(one) for one in names), None, claim)
    return Rule(allow, provider, operations, None, str(holder), claim)


def _operations(given: Any, line: int) -> frozenset[str]:
    if given is None:
        return frozenset(OPERATIONS)
    found: set[str] = set()
    for one in given if isinstance(given, list) else [given]:
        if one == "read":
            found.update(READING)
        elif one in OPERATIONS:
            found.add(one)
        else:
            raise SchemaProblem(f"an operation is {one}, none of read, {', '.join(OPERATIONS)}", line)
    return frozenset(found)
