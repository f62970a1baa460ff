"""Which permissions the calls of identity pools need: none where a token says who may, else on the pool.

Source: "Actions, resources, and condition keys for Amazon Cognito Identity" of the service authorization reference.
"""

from __future__ import annotations

from kumoi.doorway import Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, no_permission

PUBLIC = ("GetCredentialsForIdentity", "GetId", "GetOpenIdToken", "UnlinkIdentity")


def pool(call: Call) -> str:
    """The pool that a call names."""
    named = call.params.get("IdentityPoolId")
    if isinstance(named, str):
        return call.arn("cognito-identity", f"identitypool/{named}")
    return str(call.params.get("ResourceArn") or EVERYTHING)


AUTHORIZATION = Authorization("cognito-identity", resource=pool, asks=dict.fromkeys(PUBLIC, no_permission))
