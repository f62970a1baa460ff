"""Certificates are issued once all names are validated, and again when it is time to renew them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from kumoi.doorway import Call, Doorway, Parts
from kumoi.doorway.certificates import Certificates, Issued
from kumoi.services.acm.keys import opened, public_of
from kumoi.services.acm.presenting import present
from kumoi.services.acm.records import Certificate, Place, certificates, places
from kumoi.services.acm.status import status_of
from kumoi.services.acm.validation import validated
from kumoi.state import State, Timer, Transaction, transactional

DAY = 86_400.0
LASTING = 198 * DAY
RENEWAL = "acm.renewal"
_RENEWED_BEFORE = 45 * DAY
"""How long before its end ACM renews a certificate, and how long one lasts."""


async def settled(call: Call, one: Certificate) -> Certificate:
    """A certificate as it is by now: issued, where it waited for its names and they are validated."""
    if status_of(one, call.now) != "PENDING_VALIDATION":
        return one
    names = await validated(call, one)
    if len(names) == len(one.names):
        return await issue(call.doorway.parts, call.state, one, call.now)
    if names == one.validated:
        return one
    return await _change(call.state, one.id, lambda found: replace(found, validated=names)) or one


async def issue(parts: Parts, state: State, one: Certificate, now: float) -> Certificate:
    """Issue a certificate, or issue it anew for its renewal, and present it."""
    sealer = parts[Doorway].identity.sealer
    authority = parts[Certificates]  # type: ignore[type-abstract]
    begins = now - now % DAY
    ends = begins + LASTING

    def made() -> Issued:
        public = public_of(opened(sealer, one.account, one.id, one.key))
        return authority.issue(one.names, public, begins, ends)

    issued = await asyncio.to_thread(made)

    def with_body(found: Certificate) -> Certificate:
        return replace(
            found,
            validated=found.names,
            issued=found.issued or now,
            renewed=now if found.body else None,
            body=issued.certificate,
            chain=issued.chain,
            begins=begins,
            ends=ends,
        )

    changed = await _change(state, one.id, with_body)
    if changed is None:
        return one
    await present(parts, changed)
    return changed


@transactional
async def _change(
    tx: Transaction, certificate_id: str, changed: Callable[[Certificate], Certificate]
) -> Certificate | None:
    """Change a certificate unless it is gone; the place of one that is issued, and its renewal, come with it."""
    found = await certificates.get(tx, certificate_id)
    if found is None:
        return None
    made = changed(found)
    await certificates.put(tx, made)
    if made.body:
        await places.put(tx, Place(id=made.id, account=made.account, region=made.region))
        tx.timer(made.ends - _RENEWED_BEFORE, RENEWAL, made.id.encode(), key=made.id)
    return made


async def renew(parts: Parts, timer: Timer) -> None:
    """Renew a certificate whose time it is."""
    doorway = parts[Doorway]
    state = doorway.state.at(timer.account, timer.region)
    one = await _find(state, timer.payload.decode())
    if one is not None:
        await issue(parts, state, one, doorway.clock.now())


@transactional
async def _find(tx: Transaction, certificate_id: str) -> Certificate | None:
    found = await certificates.get(tx, certificate_id)
    return None if found is None or found.origin == "IMPORTED" else found
