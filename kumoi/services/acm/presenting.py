"""Certificates that handshakes show for their names: those that are valid by the machine's own time.

The platform's clock may be somewhere else, but clients of TLS go by theirs. One that another authority of Kumoi's has
issued (a snapshot from elsewhere) is not shown: nobody here trusts it.
"""

from __future__ import annotations

import asyncio

from kumoi.doorway import Doorway, Parts
from kumoi.doorway.certificates import Certificates
from kumoi.services.acm.contents import is_valid_now
from kumoi.services.acm.keys import opened, pem_of
from kumoi.services.acm.records import Certificate, certificates, places
from kumoi.state import Transaction, transactional


async def present(parts: Parts, one: Certificate) -> None:
    """Have handshakes show a certificate, or no longer."""
    sealer = parts[Doorway].identity.sealer
    shown = parts[Certificates]  # type: ignore[type-abstract]

    def presented() -> None:
        usable = bool(one.body) and is_valid_now(one.body)
        if usable and one.origin == "AMAZON_ISSUED":
            usable = shown.vouches(one.body)
        if not usable:
            shown.withdraw(one.arn)
            return
        key = pem_of(opened(sealer, one.account, one.id, one.key))
        shown.present(one.arn, one.names, "".join((key, one.body, one.chain)).encode())

    await asyncio.to_thread(presented)


def withdraw(parts: Parts, one: Certificate) -> None:
    """Have handshakes show a certificate no longer."""
    parts[Certificates].withdraw(one.arn)  # type: ignore[type-abstract]


@transactional
async def all_issued(tx: Transaction, account: str | None = None) -> list[Certificate]:
    """The certificates of an account, or all, that were issued or imported: in the order that they were."""
    found: list[Certificate] = []
    for place in await places.list(tx):
        if account in (None, place.account):
            one = await certificates.get(tx.at(place.account, place.region), place.id)
            if one is not None:
                found.append(one)
    return sorted(found, key=lambda one: one.renewed or one.issued or one.created)
