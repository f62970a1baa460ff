"""Mails as MIME messages: made of their parts, or a raw message with the headers that SES sets. Pure.

Source: RFC 5322 and 2045; "Email format and Amazon SES" and "Header fields" of the developer guide.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterable, Mapping, Sequence
from email.encoders import encode_base64
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import compat32
from email.utils import formatdate
from typing import Any

from kumoi.services.ses.addresses import Address

_DROPPED = re.compile(rb"(?:bcc|message-id|date|return-path|x-ses-[a-z-]+)$", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LONGEST_LINE = 900
"""Bytes of a line that is sent as it is; RFC 5322 allows 998."""
_POLICY = compat32.clone(mangle_from_=False, max_line_length=_LONGEST_LINE)
FIXED = frozenset(
    ("bcc", "cc", "content-type", "date", "from", "message-id", "mime-version", "reply-to", "subject", "to")
)
"""Headers that a request cannot set: SES makes them."""


def host_of(region: str) -> str:
    """What the Message-ID of a region's mails ends with."""
    return "email.amazonses.com" if region == "us-east-1" else f"{region}.amazonses.com"


def has_controls(text: str) -> bool:
    """Whether a text holds what no header may: line ends and other control characters."""
    return _CONTROLS.search(text) is not None


def composed(
    *,
    message_id: str,
    region: str,
    now: float,
    source: Address,
    to: Sequence[Address],
    cc: Sequence[Address],
    reply_to: Sequence[Address],
    subject: tuple[str, str],
    text: tuple[str, str] | None,
    html: tuple[str, str] | None,
    headers: Iterable[tuple[str, str]] = (),
    attachments: Sequence[Mapping[str, Any]] = (),
) -> bytes:
    """A message of its parts; texts are (content, charset)."""
    message = _body(text, html)
    inline = [one for one in attachments if one.get("ContentDisposition") == "INLINE"]
    others = [one for one in attachments if one.get("ContentDisposition") != "INLINE"]
    for kind, held in (("related", inline), ("mixed", others)):
        if held:
            outer = MIMEMultipart(kind)
            for part in (message, *map(_attached, held)):
                outer.attach(part)
            message = outer
    head: list[tuple[str, str]] = [("From", source.header)]
    for name, addresses in (("Reply-To", reply_to), ("To", to), ("Cc", cc)):
        if addresses:
            head.append((name, ", ".join(one.header for one in addresses)))
    head += [
        ("Subject", _encoded(*subject)),
        ("Message-ID", f"<{message_id}@{host_of(region)}>"),
        ("Date", formatdate(now)),
    ]
    head += [(name, _encoded(value, "utf-8")) for name, value in headers]
    rest = message.items()
    for name in set(message.keys()):
        del message[name]
    for name, value in (*head, *rest):
        message[name] = value
    return message.as_bytes(policy=_POLICY)


def _body(text: tuple[str, str] | None, html: tuple[str, str] | None) -> Message:
    parts = [_text(kind, *content) for kind, content in (("plain", text), ("html", html)) if content is not None]
    if len(parts) == 1:
        return parts[0]
    both = MIMEMultipart("alternative")
    for part in parts:
        both.attach(part)
    return both


def _text(kind: str, content: str, charset: str) -> Message:
    name = charset if _encodes(content, charset) else "utf-8"
    part = MIMENonMultipart("text", kind, charset=name)
    written = content.encode(name, "replace").replace(b"\r\n", b"\n")
    plain = written.isascii() and max(map(len, written.split(b"\n"))) <= _LONGEST_LINE
    part["Content-Transfer-Encoding"] = "7bit" if plain else "quoted-printable"
    part.set_payload((written if plain else quopri.encodestring(written)).decode("ascii"))
    return part


def _encodes(content: str, charset: str) -> bool:
    try:
        content.encode(charset)
    except (LookupError, UnicodeError):
        return False
    return True


def _encoded(value: str, charset: str) -> str:
    if value.isascii():
        return value
    return Header(value, charset if _encodes(value, charset) else "utf-8").encode(maxlinelen=0)


def _attached(given: Mapping[str, Any]) -> Message:
    """A part of what the v2 API calls an attachment."""
    kind = str(given.get("ContentType") or "application/octet-stream")
    main, _, sub = kind.partition(";")[0].strip().partition("/")
    part = MIMENonMultipart(main or "application", sub or "octet-stream")
    part.set_payload(bytes(given["RawContent"]))
    encode_base64(part)
    disposition = "inline" if given.get("ContentDisposition") == "INLINE" else "attachment"
    name = str(given["FileName"])
    part.add_header("Content-Disposition", disposition, filename=name if name.isascii() else ("utf-8", "", name))
    if given.get("ContentId"):
        part["Content-ID"] = f"<{given['ContentId']}>"
    if given.get("ContentDescription"):
        part["Content-Description"] = _encoded(str(given["ContentDescription"]), "utf-8")
    return part


def stamped(raw: bytes, message_id: str, region: str, now: float) -> bytes:
    """A raw message as SES sends it on: with a Message-ID and a Date of its own, without Bcc and X-SES- headers."""
    normal = raw.replace(b"\r\n", b"\n")
    head, separator, body = normal.partition(b"\n\n")
    kept, dropping = [], False
    for line in head.split(b"\n"):
        if line[:1] not in (b" ", b"\t"):
            dropping = _DROPPED.match(line.partition(b":")[0].strip()) is not None
        if not dropping:
            kept.append(line)
    own = [f"Message-ID: <{message_id}@{host_of(region)}>".encode(), f"Date: {formatdate(now)}".encode()]
    return b"\n".join((*own, *kept)) + (separator or b"\n\n") + body
