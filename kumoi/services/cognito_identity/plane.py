"""The public key of the tokens of identity pools, where OpenID Connect discovery looks for it."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from kumoi.doorway import Call
from kumoi.services.cognito_identity import cognito_identity
from kumoi.services.cognito_identity.tokens import ISSUER, public_key
from kumoi.wire.http import Response


@cognito_identity.data_plane("cognito-identity-keys")
async def serve(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """`/.well-known/jwks_uri` and `/.well-known/openid-configuration` of identity pools."""
    if path.endswith("/jwks_uri"):
        return _json({"keys": [await public_key(call)]})
    return _json(
        {
            "issuer": ISSUER,
            "jwks_uri": f"{ISSUER}/.well-known/jwks_uri",
            "authorization_endpoint": ISSUER,
            "id_token_signing_alg_values_supported": ["RS512"],
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
        }
    )


def _json(content: object) -> Response:
    return Response(
        200, [("Content-Type", "application/json"), ("Cache-Control", "public, max-age=86400")], orjson.dumps(content)
    )
