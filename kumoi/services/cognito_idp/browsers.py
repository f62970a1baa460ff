"""What a browser asks before a page of another origin may call user pools or identity pools.

The question names no service, only that the call names its operation by X-Amz-Target. It is answered so that nothing
signed goes through; and what is not signed is served to a page for operations alone that need no signature.
"""

from __future__ import annotations

from collections.abc import Mapping

from kumoi.doorway import Call
from kumoi.services.cognito_idp import cognito_idp
from kumoi.wire.http import Response

_HEADERS = frozenset(
    ("amz-sdk-invocation-id", "amz-sdk-request", "cache-control", "content-type", "x-amz-target", "x-amz-user-agent")
)
"""What Amplify and the SDKs send with calls that are not signed."""


@cognito_idp.data_plane("cognito-preflight")
async def preflight(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """OPTIONS at the root."""
    assert call.http is not None
    asked = (call.http.headers.get("access-control-request-headers") or "").lower()
    allowed = sorted({name.strip() for name in asked.split(",")} & _HEADERS)
    return Response(
        200,
        [
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Allow-Headers", ", ".join(allowed)),
            ("Access-Control-Allow-Methods", "POST"),
            ("Access-Control-Max-Age", "172800"),
            ("Vary", "Access-Control-Request-Headers"),
        ],
    )
