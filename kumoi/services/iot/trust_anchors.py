"""Whose certificates devices may show: our own issuer, registered CAs, and certificates that were registered alone."""

from __future__ import annotations

from collections.abc import Sequence

from kumoi.services.iot.records import anchors, issuers
from kumoi.state import State, Transaction, transactional

_CHANGES = ("CreateKeysAndCertificate", "CreateCertificateFromCsr", "Register")


class TrustAnchors:
    """The certificates that vouch for devices, of all places; read anew after one was registered."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._known: Sequence[str] | None = None
        self._changes = 0

    async def current(self) -> Sequence[str]:
        """The certificates, in PEM; the same object as long as nothing has changed."""
        if self._known is None:
            changes = self._changes
            found = tuple(await _anchors(self._state))
            if changes != self._changes:
                return found
            self._known = found
        return self._known

    def follow(self, operation: str) -> None:
        """Read anew after a call of IoT that may have added one. What was deleted is refused by its record."""
        if operation.startswith(_CHANGES):
            self.forget()

    def forget(self) -> None:
        """Read anew."""
        self._changes += 1
        self._known = None


@transactional
async def _anchors(tx: Transaction) -> list[str]:
    issuer = await issuers.get(tx)
    found = [one.anchor for one in await anchors.list(tx)]
    return found if issuer is None else [issuer.pem, *found]
