"""Requests for services that Kumoi lacks, handed on to moto as they came; answers say whose they are.

moto's own interface (`/moto-api/`) resets and tells every account's resources: nothing is handed on to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from kumoi.doorway import Call
from kumoi.services.mocked import mocked
from kumoi.services.mocked.moto_server import MotoServer
from kumoi.wire.errors import aws_error
from kumoi.wire.http import Response

_OWN_INTERFACE = "moto-api"
_LIMIT = 64 * 1024 * 1024
_OF_THE_CONNECTION = frozenset(
    ("connection", "content-length", "expect", "host", "keep-alive", "server", "date", "transfer-encoding", "te")
)


@mocked.data_plane("mocked")
async def serve(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """Ask moto."""
    request = call.http
    assert request is not None, "a data plane's call is a request"
    _check(call)
    service = attributes.get("service")
    if service is None or _OWN_INTERFACE in unquote(path):
        return Response(404, [("Content-Type", "text/plain")], b"moto is reached by requests for AWS's services.\n")
    call.node = f"mocked:{service}"
    body = await request.body.read(_LIMIT)
    call.request_bytes = len(body)
    headers = [(name, value) for name, value in request.headers.items if name.lower() not in _OF_THE_CONNECTION]
    target = f"{path}?{request.query}" if request.query else path
    answer = await call.part(MotoServer).ask(request.method, target, headers, body, call.account)
    call.response_bytes = len(answer.body)
    if answer.status >= 400:
        call.outcome = str(answer.status)
    kept = [(name, value) for name, value in answer.headers if name.lower() not in _OF_THE_CONNECTION]
    return Response(answer.status, [*kept, ("x-kumoi-mocked", "moto")], answer.body)


def _check(call: Call) -> None:
    """Refuse whom no signature vouches for; where policies are enforced, all but root: nobody knows what to ask."""
    identity = call.doorway.identity
    if identity.verifies and call.caller.access_key is None:
        raise aws_error("MissingAuthenticationToken", "Requests have to be signed.", status=403)
    if identity.enforces and not call.caller.is_root:
        raise aws_error("AccessDenied", "With --auth enforce, moto answers the root of an account alone.", status=403)
