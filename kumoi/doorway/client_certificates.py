"""Certificates that clients show behind TLS: whose are taken, told by the service that knows the devices."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence

Anchors = Callable[[], Awaitable[Sequence[str]]]
"""Certificates in PEM, of authorities or of devices themselves; the same object as long as nothing has changed."""


class ClientCertificates(ABC):
    """Where a service says which certificates clients may show; the gateway's listener is one.

    As long as there are no anchors, clients are not asked for a certificate. With some, a client may show one that is
    an anchor or was issued by one; another one ends its handshake, and whoever shows none is let in as before.
    """

    @abstractmethod
    def trust(self, anchors: Anchors) -> None:
        """Ask for certificates that `anchors` vouch for; it is asked at every handshake."""
