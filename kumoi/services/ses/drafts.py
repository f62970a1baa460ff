"""Mails of requests: the envelopes and messages of what the operations of both APIs take, and their sending.

What cannot be an address, a tag or a header is refused here, by the name that the API in use has for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.services.ses.addresses import BadAddress, parse
from kumoi.services.ses.composing import FIXED, composed, has_controls, stamped
from kumoi.services.ses.envelopes import Envelope, addresses, of_raw, tags_of
from kumoi.services.ses.errors import invalid, is_v2
from kumoi.services.ses.handlebars import RenderingError, render
from kumoi.services.ses.records import Template
from kumoi.services.ses.sending import fail, send
from kumoi.wire.errors import aws_error

MOST_TEMPLATE_DATA = 262_144
_LONGEST_SUBJECT = 998

Text = Mapping[str, str]
"""`Data`, and maybe `Charset`."""


class Parts(NamedTuple):
    """What a message is made of: subject, text, HTML as (content, charset); headers; attachments as v2 has them."""

    subject: tuple[str, str]
    text: tuple[str, str] | None
    html: tuple[str, str] | None
    headers: tuple[tuple[str, str], ...] = ()
    attachments: Sequence[Mapping[str, Any]] = ()


@contextmanager
def checking(call: Call) -> Iterator[None]:
    """Refuse what is no address or no tag, in the API's words."""
    try:
        yield
    except (BadAddress, ValueError) as error:
        raise invalid(call, str(error)) from error


def envelope(
    call: Call,
    source: str,
    destination: Mapping[str, Any],
    *,
    reply_to: Sequence[str] | None = None,
    return_path: str | None = None,
    source_arn: str | None = None,
    configuration_set: str | None = None,
    tags: Sequence[Mapping[str, str]] | None = None,
    contact_list: str | None = None,
    topic: str | None = None,
) -> Envelope:
    """The envelope of a request's members."""
    with checking(call):
        return Envelope(
            operation=call.operation,
            source=parse(source),
            to=addresses(destination.get("ToAddresses")),
            cc=addresses(destination.get("CcAddresses")),
            bcc=addresses(destination.get("BccAddresses")),
            reply_to=addresses(reply_to),
            return_path=return_path or "",
            source_arn=source_arn or "",
            configuration_set=configuration_set or "",
            tags=tags_of(tags),
            contact_list=contact_list or "",
            topic=topic or "",
        )


def parts(call: Call, message: Mapping[str, Any]) -> Parts:
    """The parts of a message as requests give it: Subject, Body, and in v2 Headers and Attachments."""
    body = message["Body"]
    if not body.get("Text") and not body.get("Html"):
        raise invalid(call, "Missing required body.")
    subject = _content(message["Subject"])
    if has_controls(subject[0]) or len(subject[0]) > _LONGEST_SUBJECT:
        raise invalid(call, "Subject contains control characters or is too long.")
    return Parts(
        subject,
        _content(body["Text"]) if body.get("Text") else None,
        _content(body["Html"]) if body.get("Html") else None,
        headers(call, message.get("Headers")),
        attachments(call, message.get("Attachments")),
    )


def _content(text: Text) -> tuple[str, str]:
    return text["Data"], text.get("Charset") or "utf-8"


def headers(call: Call, given: Sequence[Mapping[str, str]] | None) -> tuple[tuple[str, str], ...]:
    """Headers that a request adds."""
    for one in given or ():
        if one["Name"].lower() in FIXED:
            raise invalid(call, f"Header <{one['Name']}> is not allowed.")
        if has_controls(one["Value"]) or has_controls(one["Name"]) or ":" in one["Name"] or " " in one["Name"]:
            raise invalid(call, f"Header <{one['Name'][:64]!r}> holds characters that are not allowed.")
    return tuple((one["Name"], one["Value"]) for one in given or ())


def attachments(call: Call, given: Sequence[Mapping[str, Any]] | None) -> Sequence[Mapping[str, Any]]:
    """Attachments that a request adds."""
    for one in given or ():
        named = (
            str(one.get(member) or "") for member in ("FileName", "ContentType", "ContentId", "ContentDescription")
        )
        if any(map(has_controls, named)):
            raise invalid(call, "Attachment holds control characters where they are not allowed.")
        if not str(one.get("ContentType") or "a").isascii() or not str(one.get("ContentId") or "a").isascii():
            raise invalid(call, "Attachment content types and ids are ASCII.")
    return given or ()


async def send_parts(call: Call, of: Envelope, made: Parts) -> str:
    """Send a message of its parts; its id."""
    return await send(call, of, lambda identifier: _message(call, of, made, identifier))


def _message(call: Call, of: Envelope, made: Parts, identifier: str) -> bytes:
    return composed(
        message_id=identifier,
        region=call.region,
        now=call.now,
        source=of.source,
        to=of.to,
        cc=of.cc,
        reply_to=of.reply_to,
        subject=made.subject,
        text=made.text,
        html=made.html,
        headers=made.headers,
        attachments=made.attachments,
    )


async def send_raw(
    call: Call, raw: bytes, source: str | None, destinations: Sequence[str] | None, settings: Mapping[str, Any]
) -> str:
    """Send a raw message; its id. `settings` as `of_raw` takes them."""
    with checking(call):
        of = of_raw(raw, call.operation, source, destinations, settings)
    return await send(call, of, lambda identifier: stamped(raw, identifier, call.region, call.now))


def data_of(call: Call, text: str | None) -> dict[str, Any]:
    """Template data: JSON of an object."""
    if len((text or "").encode()) > MOST_TEMPLATE_DATA:
        raise invalid(call, f"Template data is longer than {MOST_TEMPLATE_DATA} bytes.")
    try:
        found = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        code = "BadRequestException" if is_v2(call) else "InvalidTemplate"
        raise aws_error(code, "Template data is not a JSON object.")
    return found


def rendered(template: Template, data: Mapping[str, Any]) -> Parts:
    """The parts of a template with data; RenderingError."""
    subject, text, html = (
        None if part is None else render(part, data) for part in (template.subject, template.text, template.html)
    )
    return Parts(
        (" ".join((subject or "").splitlines()), "utf-8"),
        None if text is None else (text, "utf-8"),
        None if html is None else (html, "utf-8"),
    )


async def send_template(
    call: Call,
    of: Envelope,
    template: Template,
    data: Mapping[str, Any],
    added: tuple[tuple[str, str], ...] = (),
    attached: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Send a template with data; its id. One that cannot be rendered is told of as an event, not to the caller."""
    told = msgspec.structs.replace(of, template=template.name, template_data=orjson.dumps(data).decode())
    try:
        made = rendered(template, data)
    except RenderingError as error:
        blank = Parts((template.subject or "", "utf-8"), ("", "utf-8"), None)
        return await fail(call, told, _message(call, told, blank, ""), str(error))
    return await send_parts(call, told, made._replace(headers=added, attachments=attached))
