"""Letters of the mailbox as they are shown."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from email.message import Message
from typing import Any

from kumoi import mailbox
from kumoi.mailbox import Letter
from kumoi.mailbox.messages import Content, read
from kumoi.mailbox.store import Wanted
from kumoi.services.ses.events import moment
from kumoi.state import State
from kumoi.wire.errors import aws_error

_CID = re.compile(r"cid:([^\"'\s)>]+)")
_EXACT = ("service", "protocol", "region", "id")


def matching(query: Mapping[str, str]) -> Wanted:
    """Which letters a query means: `to`, `from`, `subject` (a part of it), `service`, `protocol`, `region`, `id`.

    `after` is the number of a letter: those that came later.
    """
    after = query.get("after", "")
    if after and not after.isdecimal():
        raise aws_error("BadRequest", "after is the number of a mail.", status=400)
    number = int(after[:18]) if after else 0
    to, sender, subject = (query.get(name, "").lower() for name in ("to", "from", "subject"))

    def wanted(letter: Letter) -> bool:
        return (
            letter.number > number
            and (not to or any(to == one.lower() for one in letter.recipients))
            and sender in letter.sender.lower()
            and subject in (letter.subject or "").lower()
            and all(query.get(name, getattr(letter, name)) == getattr(letter, name) for name in _EXACT)
        )

    return wanted


def summary(letter: Letter) -> dict[str, Any]:
    """A letter without its content."""
    return {
        "number": letter.number,
        "id": letter.id,
        "time": moment(letter.time),
        "service": letter.service,
        "region": letter.region,
        "protocol": letter.protocol,
        "from": letter.sender,
        "to": list(letter.to),
        "cc": list(letter.cc),
        "bcc": list(letter.bcc),
        "subject": letter.subject,
        "size": letter.size,
        "cause": letter.cause,
        "outcomes": letter.outcomes,
        "notes": letter.notes,
    }


async def read_of(place: State, letter: Letter) -> bytes:
    """The MIME message of a letter; one without has one made of its text."""
    raw = await mailbox.content(place, letter)
    if raw:
        return raw
    made = Message()
    subject = " ".join((letter.subject or "").splitlines())
    for name, value in (("From", letter.sender), ("To", ", ".join(letter.to)), ("Subject", subject)):
        if value:
            made[name] = value if value.isascii() else _encoded(value)
    made["Content-Type"] = "text/plain; charset=utf-8"
    made["Content-Transfer-Encoding"] = "base64"
    made.set_payload(base64.encodebytes(letter.text.encode("utf-8", "replace")).decode())
    return made.as_bytes()


def _encoded(value: str) -> str:
    from email.header import Header

    return Header(value, "utf-8").encode()


def safe_html(content: Content) -> str:
    """HTML with the pictures that the mail itself brings in it; whatever else it names is not loaded (the policy)."""
    inline = {one.id: one for one in content.attachments if one.id and one.type.startswith("image/")}

    def replaced(match: re.Match[str]) -> str:
        one = inline.get(match[1])
        return match[0] if one is None else f"data:{one.type};base64,{base64.b64encode(one.content).decode()}"

    return _CID.sub(replaced, content.html or "")


POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:"
"""What HTML of a mail may load: what it brings itself."""


def framed(content: Content) -> str:
    """HTML for a frame's `srcdoc`: it says itself that nothing may be loaded or run."""
    return f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">{safe_html(content)}'


def localstack_message(letter: Letter, raw: bytes) -> dict[str, Any]:
    """A mail as LocalStack's `/_aws/ses` tells it."""
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
