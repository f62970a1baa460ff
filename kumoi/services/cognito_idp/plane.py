"""What anybody may read of a pool: its public keys, and where they are (OpenID Connect discovery).

The issuer is AWS's own address of the pool, as its tokens have it; pages are where this machine's browsers reach them.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from kumoi.doorway import Call
from kumoi.services.cognito_idp import cognito_idp
from kumoi.services.cognito_idp.lookup import pool_anywhere
from kumoi.services.cognito_idp.operations.domains import domains_of
from kumoi.services.cognito_idp.tokens import issuer, keyed, public_keys
from kumoi.wire.http import Response


@cognito_idp.data_plane("cognito-keys")
async def serve(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """`/.well-known/jwks.json` and `/.well-known/openid-configuration` of a pool."""
    scene = await pool_anywhere(call, attributes["id"])
    if scene is None:
        return _json(404, {"message": f"User pool {attributes['id']} does not exist."})
    if path.endswith("/jwks.json"):
        pool = await keyed(call, scene)
        return _json(200, {"keys": public_keys(pool, call.doorway.identity.sealer)})
    here = issuer(scene)
    found = await domains_of(call.state, scene.pool.id)
    base = f"{call.doorway.endpoint}/_kumoi/cognito-hosted-ui/{found[0].name}" if found else None
    endpoints = {
        "authorization_endpoint": f"{base}/oauth2/authorize",
        "end_session_endpoint": f"{base}/logout",
        "revocation_endpoint": f"{base}/oauth2/revoke",
        "token_endpoint": f"{base}/oauth2/token",
        "userinfo_endpoint": f"{base}/oauth2/userInfo",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }
    return _json(
        200,
        {
            "issuer": here,
            "jwks_uri": f"{here}/.well-known/jwks.json",
            **(endpoints if found else {}),
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "token"],
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "subject_types_supported": ["public"],
        },
    )


def _json(status: int, content: object) -> Response:
    return Response(
        status,
        [("Content-Type", "application/json"), ("Cache-Control", "public, max-age=86400")],
        orjson.dumps(content),
    )
