"""`/_aws/ses`: what SES has sent, in the form that tests written for LocalStack read."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs

import orjson

from kumoi import mailbox
from kumoi.doorway import Call
from kumoi.mailbox import Letter
from kumoi.mailbox.messages import read
from kumoi.mailbox.views import message_of, moment
from kumoi.services.ses import ses
from kumoi.wire.errors import aws_error
from kumoi.wire.http import Response


@ses.data_plane("ses-messages")
async def ses_messages(call: Call, path: str, attributes: dict[str, str]) -> Response:
    """GET lists what the caller's account has sent (`?id=`, `?email=` the sender), DELETE forgets it."""
    assert call.http is not None, "data planes are reached by requests only"
    if call.doorway.identity.enforces and not call.http.local:
        raise aws_error("AccessDenied", "With --auth enforce, the mailbox is read on the machine itself.")
    query = {name: values[-1] for name, values in parse_qs(call.http.query).items()}

    def wanted(letter: Letter) -> bool:
        sender = query.get("email")
        named = sender is None or letter.sender == sender or letter.sender.endswith(f"<{sender}>")
        return letter.service == "ses" and named and query.get("id", letter.id) == letter.id

    if call.http.method == "DELETE":
        await mailbox.clear(call.state, wanted)
        return Response(204, [], b"")
    if call.http.method not in ("GET", "HEAD"):
        raise aws_error("MethodNotAllowed", "use GET or DELETE", status=405)
    found = await mailbox.latest(call.state, mailbox.KEPT, wanted)
    told = [await asyncio.to_thread(_told, one, await message_of(call.state, one)) for one in reversed(found)]
    content = orjson.dumps({"messages": told}, option=orjson.OPT_INDENT_2)
    return Response(200, [("Content-Type", "application/json")], content)


def _told(letter: Letter, raw: bytes) -> dict[str, Any]:
    content = read(raw)
    told: dict[str, Any] = {
        "Id": letter.id,
        "Region": letter.region,
        "Timestamp": moment(letter.time)[:-5],
        "Source": letter.sender,
        "Destination": {
            f"{kind}Addresses": list(group)
            for kind, group in (("To", letter.to), ("Cc", letter.cc), ("Bcc", letter.bcc))
            if group or kind == "To"
        },
        "Subject": letter.subject,
        "Body": {"text_part": content.text, "html_part": content.html},
    }
    if "template" in letter.notes:
        told |= {"Template": letter.notes["template"], "TemplateData": letter.notes.get("templateData", "")}
    if letter.notes.get("operation") == "SendRawEmail":
        told["RawData"] = raw.decode("utf-8", "replace")
    return told
