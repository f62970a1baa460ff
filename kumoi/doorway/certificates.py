"""Certificates of servers: issued by the platform's own authority, and presented for the names that they are for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple


class Issued(NamedTuple):
    """A certificate and those above it, in PEM."""

    certificate: str
    chain: str


class Certificates(ABC):
    """Where certificates come from, and where handshakes find them; the gateway's authority is one."""

    @abstractmethod
    def issue(self, names: Sequence[str], public_key: bytes, begins: float, ends: float) -> Issued:
        """A certificate for names, the first of them its subject, and a public key (SubjectPublicKeyInfo, DER).

        `begins` and `ends` are epoch seconds. It may make the authority first, so that it is called in a thread.
        """

    @abstractmethod
    def vouches(self, certificate: str) -> bool:
        """Whether the authority as it is now has issued a certificate (PEM). In a thread, too."""

    @abstractmethod
    def present(self, owner: str, names: Sequence[str], content: bytes) -> None:
        """Have handshakes for names (`*.x.com` among them) see a certificate; the latest counts where several are.

        `content` is the private key, the certificate and its chain (PEM); `owner` names what it belongs to. The
        platform's own names, and AWS's, keep the platform's certificates.
        """

    @abstractmethod
    def withdraw(self, owner: str) -> None:
        """Present a certificate no longer; nothing where there is none."""
