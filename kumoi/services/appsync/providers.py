"""Which ways of authorization an API may have together: pure rules of `CreateGraphqlApi`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.services.appsync.errors import bad_request

CONFIG = {
    "AMAZON_COGNITO_USER_POOLS": "userPoolConfig",
    "OPENID_CONNECT": "openIDConnectConfig",
    "AWS_LAMBDA": "lambdaAuthorizerConfig",
}
"""The member that a way of authorization needs."""


def providers(properties: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The default provider and the additional ones."""
    return [properties, *(properties.get("additionalAuthenticationProviders") or ())]


def check(properties: Mapping[str, Any]) -> None:
    """Raise BadRequestException for providers that lack their configuration, or are there twice."""
    seen: set[tuple[str, str]] = set()
    for number, provider in enumerate(providers(properties)):
        kind = str(provider.get("authenticationType"))
        member = CONFIG.get(kind)
        config = provider.get(member) if member else None
        if member and not config:
            raise bad_request(f"{member} is required for the authentication type {kind}.")
        if number and kind == "AMAZON_COGNITO_USER_POOLS" and "defaultAction" in (config or {}):
            raise bad_request("defaultAction is not allowed for an additional authentication provider.")
        same = (config or {}).get(
            {"userPoolConfig": "userPoolId", "openIDConnectConfig": "issuer"}.get(member or "", "")
        )
        if (kind, str(same)) in seen:
            raise bad_request(
                f"Authentication type {kind} for additional authentication provider {number} already specified on the"
                " API. It can only be specified once."
            )
        seen.add((kind, str(same)))
