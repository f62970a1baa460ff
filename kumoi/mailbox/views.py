"""Letters of the mailbox as they are shown."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.header import Header
from email.message import Message
from typing import Any

from kumoi.mailbox.messages import Content
from kumoi.mailbox.records import Letter
from kumoi.mailbox.store import Wanted
from kumoi.mailbox.store import content as content_of
from kumoi.state import State

_CID = re.compile(r"cid:([^\"'\s)>]+)")
_EXACT = ("service", "protocol", "region", "id")


def matching(query: Mapping[str, str]) -> Wanted:
    """Which letters a query means: `to`, `from`, `subject` (a part of it), `service`, `protocol`, `region`, `id`.

    `after` is the number of a letter: those that came later.
    """
    number = int(query.get("after") or 0)
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


def moment(time: float) -> str:
    """A time (epoch seconds) in ISO 8601 with milliseconds."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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


async def message_of(place: State, letter: Letter) -> bytes:
    """The MIME message of a letter; one without has one made of its text."""
    raw = await content_of(place, letter)
    if raw:
        return raw
    made = Message()
    subject = " ".join((letter.subject or "").splitlines())
    for name, value in (("From", letter.sender), ("To", ", ".join(letter.to)), ("Subject", subject)):
        if value:
            made[name] = value if value.isascii() else Header(value, "utf-8").encode()
    made["Content-Type"] = "text/plain; charset=utf-8"
    made["Content-Transfer-Encoding"] = "base64"
    made.set_payload(base64.encodebytes(letter.text.encode("utf-8", "replace")).decode())
    return made.as_bytes()


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
