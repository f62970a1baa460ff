"""Download URLs of packages: signed by Kumoi, valid for ten minutes, answered on its own port."""

from __future__ import annotations

from kumoi.doorway import Call
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.code import CodeStore
from kumoi.services.lambda_.records import Code, layer_versions, versions
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error
from kumoi.wire.http import Response

SECONDS = 600
_PREFIX = "/_kumoi/lambda-code/"


def download_url(call: Call, kind: str, name: str, number: int, account: str = "") -> str:
    """Where the package of a `function`'s or a `layer`'s version, the caller's or another account's, can be fetched."""
    what = f"{kind}/{account or call.account}/{call.region}/{name}/{number}"
    ticket = call.doorway.identity.ticket(what, call.now + SECONDS)
    return f"{call.doorway.endpoint}{_PREFIX}{ticket}/{what}"


@lambda_.data_plane("lambda-code")
async def download_code(call: Call, path: str, attributes: dict[str, str]) -> Response:
    """Answer a download URL: `/_kumoi/lambda-code/<ticket>/<kind>/<account>/<region>/<name>/<number>`."""
    try:
        ticket, kind, account, region, name, number = path.removeprefix(_PREFIX).split("/")
        code = await _code(call.doorway.state.at(account, region), kind, name, int(number))
    except ValueError:
        code = None
    if code is None or not call.doorway.identity.honours(ticket, f"{kind}/{account}/{region}/{name}/{number}"):
        raise aws_error("AccessDenied", "Request has expired, or it was never signed.")
    if code.directory:
        raise aws_error("NotImplemented", f"The code lies on this machine: {code.directory}")
    package = await call.part(CodeStore).package(code)
    return Response(200, [("Content-Type", "application/zip")], package)


@transactional
async def _code(tx: Transaction, kind: str, name: str, number: int) -> Code | None:
    found = await (layer_versions if kind == "layer" else versions).get(tx, name, number)
    return None if found is None else found.code
