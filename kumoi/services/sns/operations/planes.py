"""What SNS answers beside its API: the certificate that proves signatures, and its letters in the mailbox."""

from __future__ import annotations

from urllib.parse import parse_qs

import orjson

from kumoi.doorway import Call
from kumoi.mailbox import KEPT
from kumoi.services.sns import sns
from kumoi.services.sns.letters import latest, told
from kumoi.services.sns.signing import Signer
from kumoi.wire.errors import aws_error
from kumoi.wire.http import Response


@sns.data_plane("sns-certificate")
async def certificate(call: Call, path: str, attributes: dict[str, str]) -> Response:
    """Answer `/SimpleNotificationService-<id>.pem`."""
    signer = call.part(Signer)
    if path != f"/{await signer.certificate_name()}":
        raise aws_error("NotFound", "No certificate of this name has signed anything here.", status=404)
    return Response(200, [("Content-Type", "application/x-pem-file")], await signer.certificate())


@sns.data_plane("sns-outbox")
async def outbox(call: Call, path: str, attributes: dict[str, str]) -> Response:
    """Answer `GET /_kumoi/sns-outbox`: mails, text messages and pushes of an account, the newest first.

    `?account=`, `?region=` and `?limit=` say whose, where and how many.
    """
    assert call.http is not None, "data planes are reached by requests only"
    query = parse_qs(call.http.query)
    account, region = query.get("account", [call.account])[-1], query.get("region", [call.region])[-1]
    limit = query.get("limit", ["100"])[-1]
    if not limit.isdecimal() or not 0 < len(account) <= 12 or not 0 < len(region) <= 32:
        raise aws_error("BadRequest", "account is a number of twelve digits, limit a number", status=400)
    if call.doorway.identity.enforces and not call.http.local:
        raise aws_error("AccessDenied", "With --auth enforce, the outbox is read on the machine itself.")
    if call.doorway.identity.enforces and account != call.caller.account:
        raise aws_error("AccessDenied", "The outbox of another account cannot be read.")
    found = await latest(call.doorway.state.at(account, region), min(int(limit), KEPT))
    content = orjson.dumps({"letters": [told(letter) for letter in found]}, option=orjson.OPT_INDENT_2)
    return Response(200, [("Content-Type", "application/json")], content)
