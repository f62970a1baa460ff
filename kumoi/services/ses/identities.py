"""Identities in the key space: made, found, and the one that a sender's address belongs to."""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Callable

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.ses.addresses import Address, BadAddress, checked, domain_of
from kumoi.services.ses.errors import invalid, is_v2, no_identity, not_verified
from kumoi.services.ses.records import Identity, identities
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_SIGNS = "abcdefghijklmnopqrstuvwxyz234567"
MOST = 10_000


def named(call: Call, text: str) -> str:
    """The name of an identity, out of its ARN too, its domain in lower case; an error for what can be none."""
    if text.startswith("arn:"):
        text = text.partition(":identity/")[2]
    try:
        if "@" not in text:
            return domain_of(text.lower())
        local, _, domain = checked(text).rpartition("@")
        return f"{local}@{domain.lower()}"
    except BadAddress as error:
        text = f"Invalid email address<{text}>." if "@" in text else f"Invalid domain name {text}."
        raise invalid(call, text) from error


def fresh(call: Call, name: str) -> Identity:
    """An identity as it is made. It is verified at once: Kumoi has no DNS to look into, and sends no mails."""
    return Identity(
        name=name,
        account=call.account,
        region=call.region,
        created=call.now,
        token=b64encode(secrets.token_bytes(32)).decode(),
        dkim_tokens=tuple("".join(secrets.choice(_SIGNS) for _ in range(32)) for _ in range(3)),
        dkim_asked=is_v2(call) and "@" not in name,
        dkim_enabled="@" not in name,
    )


@transactional
async def find(tx: Transaction, name: str) -> Identity:
    """An identity; NotFoundException as v2 says it."""
    found = await identities.get(tx, name)
    if found is None:
        raise no_identity(name)
    return found


@transactional
async def change(tx: Transaction, name: str, changed: Callable[[Identity], Identity]) -> Identity:
    """Change an identity that there is."""
    identity = changed(await find(tx, name))
    await identities.put(tx, identity)
    return identity


@transactional
async def _of_address(tx: Transaction, mailbox: str) -> Identity | None:
    """The identity that lets an address send: its own, or that of its domain or one above."""
    local, _, domain = mailbox.rpartition("@")
    domain = domain.lower()
    candidates = [f"{local}@{domain}"]
    if "+" in local:
        candidates.append(f"{local.partition('+')[0]}@{domain}")
    labels = domain.split(".")
    candidates += [".".join(labels[at:]) for at in range(len(labels))]
    for name in candidates:
        found = await identities.get(tx, name)
        if found is not None:
            return found
    return None


async def sending_identity(call: Call, source: Address, arn: str = "") -> Identity:
    """The identity a mail comes from, which may be another account's by its ARN; MessageRejected."""
    state = call.state
    if arn:
        try:
            place = Arn.parse(arn)
        except ValueError:
            raise invalid(call, f"Invalid ARN: {arn}") from None
        state = call.doorway.state.at(place.account, place.region)
    found = await _of_address(state, source.mailbox)
    if found is None:
        raise not_verified(call.region, source.text)
    if arn and found.arn != arn:
        raise aws_error("MessageRejected", f"The identity {arn} cannot send for {source.mailbox}.")
    return found
