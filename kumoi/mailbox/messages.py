"""What a MIME message says: its text, its HTML, its attachments; pure, and safe with any bytes.

Mails come from anybody, so nothing here raises: what cannot be decoded is shown with replacement characters. Source:
RFC 5322, RFC 2045 to 2047 and RFC 2231, as Python's `email` package reads them.
"""

from __future__ import annotations

import email
import email.errors
import email.policy
import email.utils
from collections.abc import Iterator
from email.header import decode_header
from email.message import Message
from typing import NamedTuple

_NAMED_BY = ("filename", "name")
_DEEPEST = 20
"""Multiparts within multiparts that are looked into."""


class Attachment(NamedTuple):
    """A part that is not the text: its name (empty for none), type, Content-ID without brackets, bytes."""

    name: str
    type: str
    id: str
    inline: bool
    content: bytes


class Content(NamedTuple):
    """What a message says. `text` and `html` are None where it has none."""

    headers: list[tuple[str, str]]
    text: str | None
    html: str | None
    attachments: list[Attachment]


def read(raw: bytes) -> Content:
    """A message's content."""
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    text: list[str] = []
    html: list[str] = []
    attachments: list[Attachment] = []
    for part in _leaves(message, 0):
        kind, disposition = part.get_content_type(), _disposition(part)
        if disposition == "attachment" or kind not in ("text/plain", "text/html") or _name(part):
            attachments.append(_attachment(part, kind, disposition))
        else:
            (text if kind == "text/plain" else html).append(_text(part))
    shown = [(name, header(value)) for name, value in message.items()]
    return Content(shown, "".join(text) if text else None, "".join(html) if html else None, attachments)


def headers_of(raw: bytes) -> Message:
    """The headers alone, as the message has them."""
    return email.message_from_bytes(_head(raw), policy=email.policy.compat32)


def _head(raw: bytes) -> bytes:
    ends = [at for at in (raw.find(b"\r\n\r\n"), raw.find(b"\n\n")) if at >= 0]
    return raw[: min(ends)] + b"\n\n" if ends else raw


def header(value: object) -> str:
    """A header's text, with its encoded words read and its folding undone."""
    text = "".join(str(value).splitlines()).strip()
    try:
        return "".join(map(_word, decode_header(text)))
    except (ValueError, LookupError, email.errors.MessageError):
        return _readable(text)


def _word(word: tuple[bytes | str, str | None]) -> str:
    content, charset = word
    return _readable(content) if isinstance(content, str) else _decoded(content, charset or "utf-8")


def _readable(text: str) -> str:
    """Text in which the bytes that were no ASCII are read as UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _decoded(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset, "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")


def _leaves(message: Message, depth: int) -> Iterator[Message]:
    payload = message.get_payload()
    if message.get_content_maintype() == "multipart" and isinstance(payload, list) and depth < _DEEPEST:
        for part in payload:
            if isinstance(part, Message):
                yield from _leaves(part, depth + 1)
    else:
        yield message


def _text(part: Message) -> str:
    return _decoded(_bytes(part), str(part.get_content_charset("utf-8")))


def _bytes(part: Message) -> bytes:
    payload = part.get_payload()
    if isinstance(payload, list):  # a message within the message
        return b"".join(one.as_bytes() for one in payload if isinstance(one, Message))
    try:
        found = part.get_payload(decode=True)
    except (ValueError, LookupError):
        found = None
    return found if isinstance(found, bytes) else str(payload).encode("utf-8", "surrogateescape")


def _disposition(part: Message) -> str:
    return str(part.get("content-disposition", "")).partition(";")[0].strip().lower()


def _name(part: Message) -> str:
    for parameter, of in zip(_NAMED_BY, ("content-disposition", "content-type"), strict=True):
        try:
            found = part.get_param(parameter, header=of)
            if found:
                plain = email.utils.collapse_rfc2231_value(found)
                return header(plain)
        except (ValueError, LookupError, TypeError, AttributeError):
            continue
    return ""


def _attachment(part: Message, kind: str, disposition: str) -> Attachment:
    identifier = str(part.get("content-id", "")).strip().strip("<>")
    return Attachment(_name(part), kind, identifier, disposition == "inline", _bytes(part))
