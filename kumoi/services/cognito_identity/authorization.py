"""Which permissions the calls of identity pools need: none where a token says who may, else on the pool.

Source: "Actions, resources, and condition keys for Amazon Cognito Identity" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, no_permission, pass_role

PUBLIC = ("GetCredentialsForIdentity", "GetId", "GetOpenIdToken", "UnlinkIdentity")


def pool(call: Call) -> str:
    """The pool that a call names."""
    named = call.params.get("IdentityPoolId")
    if isinstance(named, str):
        return call.arn("cognito-identity", f"identitypool/{named}")
    return str(call.params.get("ResourceArn") or EVERYTHING)


def with_roles(call: Call) -> Iterator[Ask]:
    """The pool, and the roles that its identities get."""
    yield from AUTHORIZATION.usual(call)
    roles = call.params.get("Roles")
    for role in dict.fromkeys(roles.values()) if isinstance(roles, dict) else ():
        yield from pass_role(call, role, "cognito-identity.amazonaws.com")


AUTHORIZATION = Authorization(
    "cognito-identity",
    resource=pool,
    asks={**dict.fromkeys(PUBLIC, no_permission), "SetIdentityPoolRoles": with_roles},
)
