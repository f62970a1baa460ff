"""What a mail's envelope says: who it is from and for, what it is sent with. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from email.message import Message
from typing import Any

import msgspec

from kumoi.mailbox import messages
from kumoi.services.ses.addresses import Address, in_headers, parse

MOST_RECIPIENTS = 50
MOST_BYTES = {"ses": 10_485_760, "sesv2": 41_943_040}
"""Bytes of a message, by API."""
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_TAG_VALUE = re.compile(r"[A-Za-z0-9_.@-]{1,256}")


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """Who a mail is from and for. `operation` is how events name the request; `template` what was rendered."""

    operation: str
    source: Address
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    return_path: str = ""
    source_arn: str = ""
    configuration_set: str = ""
    tags: dict[str, list[str]] = {}
    template: str = ""
    template_data: str = ""
    contact_list: str = ""
    topic: str = ""

    @property
    def recipients(self) -> list[str]:
        """The addresses that it is for, each once."""
        return list(dict.fromkeys(one.mailbox for one in (*self.to, *self.cc, *self.bcc)))


def addresses(given: Iterable[str] | None) -> tuple[Address, ...]:
    """The addresses of a list of a request; BadAddress."""
    return tuple(parse(one) for one in given or ())


def tags_of(given: Iterable[Mapping[str, str]] | None) -> dict[str, list[str]]:
    """Message tags as events tell them; ValueError for those that cannot be."""
    found: dict[str, list[str]] = {}
    for one in given or ():
        name, value = one["Name"], one["Value"]
        if not _TAG.fullmatch(name) or not (_TAG_VALUE.fullmatch(value) or name.startswith("ses:")):
            raise ValueError(
                f"Invalid tag <{name}={value}>: names and values have 1 to 256 ASCII letters, digits, _ and -"
            )
        if name in found:
            raise ValueError(f"Duplicate tag name <{name}>.")
        found[name] = [value]
    return found


def of_raw(
    raw: bytes, operation: str, source: str | None, destinations: Sequence[str] | None, settings: Mapping[str, Any]
) -> Envelope:
    """The envelope of a raw message: what the request states, else what its headers do; BadAddress, ValueError.

    `settings` are `configuration_set`, `source_arn`, `tags`, `return_path`, `contact_list` and `topic` as the request
    has them.
    """
    head = messages.headers_of(raw)
    senders = in_headers(map(messages.header, head.get_all("from") or ()))
    if not senders and source is None:
        raise ValueError("Missing required header 'From'.")
    sender = parse(source) if source is not None else senders[0]
    to, cc, bcc = (tuple(in_headers(map(messages.header, head.get_all(name) or ()))) for name in ("to", "cc", "bcc"))
    if destinations:
        wanted = addresses(destinations)
        asked = {one.mailbox for one in wanted}
        to, cc = (tuple(one for one in group if one.mailbox in asked) for group in (to, cc))
        named = {one.mailbox for one in (*to, *cc)}
        bcc = tuple(one for one in wanted if one.mailbox not in named)
    tags = tags_of(_raw_tags(head)) | dict(settings.get("tags") or {})
    return Envelope(
        operation=operation,
        source=senders[0] if senders else sender,
        to=to,
        cc=cc,
        bcc=bcc,
        reply_to=tuple(in_headers(map(messages.header, head.get_all("reply-to") or ()))),
        return_path=str(settings.get("return_path") or sender.mailbox),
        source_arn=str(settings.get("source_arn") or head.get("x-ses-source-arn", "")).strip(),
        configuration_set=str(settings.get("configuration_set") or head.get("x-ses-configuration-set", "")).strip(),
        tags=tags,
        contact_list=str(settings.get("contact_list") or ""),
        topic=str(settings.get("topic") or ""),
    )


def _raw_tags(head: Message) -> list[dict[str, str]]:
    """Tags of X-SES-MESSAGE-TAGS: `name=value, name=value`."""
    pairs = (one.partition("=") for one in messages.header(head.get("x-ses-message-tags", "")).split(","))
    return [{"Name": name.strip(), "Value": value.strip()} for name, equals, value in pairs if equals]
