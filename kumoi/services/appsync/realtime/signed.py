"""Who signed a message: SigV4 of a request that was never sent, as clients sign to authorize a connection or a start.

They sign `POST /graphql/connect` with the body `{}` to connect, and `POST /graphql` with the operation to subscribe
(`POST /event` for both with Events); an address with a path of its own puts that path in place of `/graphql`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping

from kumoi.doorway import Call, Principal
from kumoi.doorway.identity import InvalidToken, UnknownKey
from kumoi.names import DEFAULT_ACCOUNT
from kumoi.services.appsync.kept import Kept
from kumoi.wire.http import BufferedBody, Headers, Request
from kumoi.wire.sigv4 import Credential, SignatureProblem, parse_credential

logger = logging.getLogger(__name__)


def signable(root: str, api: str, rest: str = "") -> tuple[str, ...]:
    """The paths that a client may have signed, by the form of the address that it was given."""
    return (f"{root}{rest}", f"{root}/{api}{rest}", f"/_kumoi/appsync-api/{api}{root}{rest}")


async def signer(call: Call, headers: Mapping[str, str], paths: Iterable[str], body: str) -> Principal:
    """Who signed; nobody (a principal without an access key) where that does not hold, or nothing is signed."""
    content = body.encode()
    request = Request("POST", "/", headers=Headers(list(headers.items())), body=BufferedBody(content))
    credential = parse_credential(request)
    if credential is None or not credential.access_key:
        return Principal.root(DEFAULT_ACCOUNT)
    token = headers.get("x-amz-security-token")
    identity = call.doorway.identity
    if identity.verifies and not await _holds(call, request, credential, token, content, paths):
        return Principal.root(DEFAULT_ACCOUNT)
    return await identity.principal(credential.access_key, token)


async def _holds(
    call: Call, request: Request, credential: Credential, token: str | None, content: bytes, paths: Iterable[str]
) -> bool:
    identity = call.doorway.identity
    local = call.http is not None and call.http.local
    try:
        secret = await identity.secret(credential.access_key, token, local=local)
        temporary = token if credential.access_key.startswith("ASIA") else None
        if temporary is not None and identity.claims(temporary, credential.access_key).expires < call.now:
            return False
    except (UnknownKey, InvalidToken):
        return False
    verifier, problem = call.part(Kept).verifier, None
    for path in paths:
        try:
            # Clients sign with the machine's time, wherever the platform's clock has been moved to.
            verifier.verify(request, credential, secret, time.time(), "appsync", content, path=path)
        except SignatureProblem as found:
            problem = found
        else:
            return True
    logger.warning("a signed message to AppSync is taken as unsigned: %s", problem)
    return False
