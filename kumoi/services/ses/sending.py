"""Sending: a mail is checked, kept in the mailbox and counted, and what happens to it is told, in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.mailbox import Letter, keep, messages
from kumoi.services.ses.contacts import opted_out
from kumoi.services.ses.envelopes import MOST_BYTES, MOST_RECIPIENTS, Envelope
from kumoi.services.ses.errors import invalid, no_configuration_set, sending_paused
from kumoi.services.ses.events import happened, mail
from kumoi.services.ses.identities import sending_identity
from kumoi.services.ses.message_ids import message_id
from kumoi.services.ses.publisher import Happened, Publisher
from kumoi.services.ses.records import (
    Account,
    ConfigurationSet,
    Identity,
    accounts,
    configuration_sets,
    suppressed,
)
from kumoi.services.ses.simulator import EICAR, Fates, fates
from kumoi.services.ses.statistics import count
from kumoi.state import Transaction, transactional

Make = Callable[[str], bytes]
"""The message for a message id."""


class _Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that may be sent."""

    id: str
    envelope: Envelope
    raw: bytes
    identity: Identity
    configuration_set: ConfigurationSet | None
    tags: dict[str, list[str]]
    account: Account
    attached: float = 0.0


async def may_send(call: Call, name: str = "") -> tuple[Account, ConfigurationSet | None]:
    """The account and a configuration set that mails are to be sent with; raises where either does not send."""
    account = await accounts.look(call.state) or Account()
    if not account.sending:
        raise sending_paused(call)
    found = await configuration_sets.look(call.state, name) if name else None
    if name and found is None:
        raise no_configuration_set(call, name)
    if found is not None and not found.sending:
        raise sending_paused(call, name)
    return account, found


async def send(call: Call, envelope: Envelope, make: Make) -> str:
    """Send a mail; its message id. MessageRejected where its sender is no identity, and errors of what cannot be."""
    call.node = _node(envelope)
    identity = await sending_identity(call, envelope.source, envelope.source_arn)
    name = envelope.configuration_set or identity.configuration_set
    account, configuration_set = await may_send(call, name)
    if not envelope.recipients:
        raise invalid(call, "Missing required header 'To'.")
    if len(envelope.recipients) > MOST_RECIPIENTS:
        raise invalid(call, f"Recipient count exceeds {MOST_RECIPIENTS}.")
    identifier = message_id(call.region, call.now)
    raw, attachments = await asyncio.to_thread(_made, make, identifier)
    if len(raw) > MOST_BYTES[call.service]:
        most = MOST_BYTES[call.service]
        raise invalid(call, f"Message length is more than {most} bytes long: '{len(raw)}'.")
    one = _Mail(
        id=identifier,
        envelope=envelope,
        raw=raw,
        identity=identity,
        configuration_set=configuration_set,
        tags=_tags(call, envelope, name),
        account=account,
        attached=float(sum(len(part.content) for part in attachments)),
    )
    if any(EICAR in part.content for part in attachments):
        await _reject(call.state, call.part(Publisher), one)
        call.meter("ses:rejects", 1.0)
        return identifier
    met = await _accept(call.state, call.part(Publisher), one)
    recipients = float(len(envelope.recipients))
    call.meter("ses:recipients", recipients)
    call.meter("ses:attached-bytes", one.attached * recipients)
    for unit, group in (("deliveries", met.delivered), ("bounces", met.all_bounced), ("complaints", met.complained)):
        if group:
            call.meter(f"ses:{unit}", float(len(group)))
    return identifier


def _made(make: Make, identifier: str) -> tuple[bytes, list[messages.Attachment]]:
    """A message and its attachments: on a thread, for there may be 40 MB of it."""
    raw = make(identifier)
    return raw, messages.read(raw).attachments


async def fail(call: Call, envelope: Envelope, raw: bytes, problem: str) -> str:
    """A mail that could not be rendered: accepted, never sent, and told of; its message id."""
    identity = await sending_identity(call, envelope.source, envelope.source_arn)
    name = envelope.configuration_set or identity.configuration_set
    account, configuration_set = await may_send(call, name)
    identifier = message_id(call.region, call.now)
    one = _Mail(
        id=identifier,
        envelope=envelope,
        raw=raw,
        identity=identity,
        configuration_set=configuration_set,
        tags=_tags(call, envelope, name),
        account=account,
    )
    told = {"errorMessage": problem, "templateName": envelope.template}
    await _tell_of(call.state, call.part(Publisher), one, "RENDERING_FAILURE", told)
    call.meter("ses:rendering-failures", 1.0)
    return identifier


def _node(envelope: Envelope) -> str:
    """The sender on the map, by whichever API."""
    return f"ses:{envelope.source.mailbox}"


def _tags(call: Call, envelope: Envelope, configuration_set: str) -> dict[str, list[str]]:
    """A mail's tags: those that SES sets, and the request's own."""
    caller = call.caller.arn.rpartition("/")[2].rpartition(":")[2]
    return {
        "ses:operation": [envelope.operation],
        **({"ses:configuration-set": [configuration_set]} if configuration_set else {}),
        "ses:source-ip": ["127.0.0.1"],
        "ses:from-domain": [envelope.source.domain],
        "ses:caller-identity": [caller],
        **envelope.tags,
    }


def _mail(tx: Transaction, one: _Mail) -> dict[str, Any]:
    return mail(one.envelope, one.raw, one.id, one.identity.arn, tx.account, tx.now, tx.region)


@transactional
async def _accept(tx: Transaction, publisher: Publisher, one: _Mail) -> Fates:
    recipients = one.envelope.recipients
    listed, topic = one.envelope.contact_list, one.envelope.topic
    out = await opted_out(tx, listed, topic, recipients) if listed else []
    met = fates(recipients, await _suppressed(tx, one, recipients), out)
    await keep(tx, _letter(one, tx.now, tx.region, met.outcomes), one.raw)
    await count(tx, attempts=len(recipients), bounces=len(met.all_bounced), complaints=len(met.complained))
    of = _mail(tx, one)
    feedback = iter(lambda: message_id(tx.region, tx.now), None)
    for kind, told in happened(met, tx.now, feedback, tx.region):
        what = Happened(kind=kind, node=_node(one.envelope), mail=of, tags=one.tags, told=told)
        await publisher.tell(tx, what, one.configuration_set, one.identity)
    return met


@transactional
async def _reject(tx: Transaction, publisher: Publisher, one: _Mail) -> None:
    """A mail with a virus: SES accepts it, and then does not send it."""
    outcomes = dict.fromkeys(one.envelope.recipients, "rejected")
    await keep(tx, _letter(one, tx.now, tx.region, outcomes), one.raw)
    await count(tx, rejects=1)
    of = _mail(tx, one)
    for kind, told in (("SEND", {}), ("REJECT", {"reason": "Bad content"})):
        what = Happened(kind=kind, node=_node(one.envelope), mail=of, tags=one.tags, told=told)
        await publisher.tell(tx, what, one.configuration_set, one.identity)


@transactional
async def _tell_of(tx: Transaction, publisher: Publisher, one: _Mail, kind: str, told: dict[str, str]) -> None:
    what = Happened(kind=kind, node=_node(one.envelope), mail=_mail(tx, one), tags=one.tags, told=told)
    await publisher.tell(tx, what, one.configuration_set, one.identity)


async def _suppressed(tx: Transaction, one: _Mail, recipients: list[str]) -> frozenset[str]:
    """Those of the recipients (in lower case) that the account's suppression list keeps from being delivered to."""
    reasons = one.account.suppresses
    own = None if one.configuration_set is None else one.configuration_set.options.get("SuppressionOptions")
    if own is not None and "SuppressedReasons" in own:
        reasons = tuple(own["SuppressedReasons"])
    if not reasons:
        return frozenset()
    found = [await suppressed.get(tx, address.lower()) for address in recipients]
    return frozenset(entry.address for entry in found if entry is not None and entry.reason in reasons)


def _letter(one: _Mail, now: float, region: str, outcomes: dict[str, str]) -> Letter:
    envelope = one.envelope
    head = messages.headers_of(one.raw)
    notes = {"template": envelope.template, "templateData": envelope.template_data, "operation": envelope.operation}
    return Letter(
        id=one.id,
        time=now,
        service="ses",
        region=region,
        protocol="email",
        sender=envelope.source.text,
        to=tuple(address.mailbox for address in envelope.to),
        cc=tuple(address.mailbox for address in envelope.cc),
        bcc=tuple(address.mailbox for address in envelope.bcc),
        subject=messages.header(head.get("subject", "")),
        cause="" if one.configuration_set is None else one.configuration_set.name,
        outcomes=outcomes,
        notes={name: value for name, value in notes.items() if value},
    )
