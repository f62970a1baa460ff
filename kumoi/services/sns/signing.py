"""Signatures of notifications: one RSA key and self-signed certificate per platform, made at first use.

The key never leaves the platform's directory; the certificate is served under the name that AWS's have. One message
goes to many subscriptions with the same signature, so the last ones are remembered.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

_REMEMBERED = 256
_DAYS = 3650


class _Pair(NamedTuple):
    key: RSAPrivateKey
    certificate: bytes
    name: str
    padding: PKCS1v15
    digests: tuple[HashAlgorithm, HashAlgorithm]


class Signer:
    """Signs what one platform sends; `directory` is private to its user."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._making: asyncio.Task[_Pair] | None = None
        self._last: OrderedDict[tuple[str, bytes], str] = OrderedDict()

    async def sign(self, version: str, text: bytes) -> str:
        """The signature in base64: SHA-1 for version 1, SHA-256 for 2; RSA, PKCS #1 v1.5."""
        known = (version, hashlib.sha256(text).digest())
        found = self._last.get(known)
        if found is None:
            pair = await self._pair()
            found = base64.b64encode(pair.key.sign(text, pair.padding, pair.digests[version == "2"])).decode()
            self._last[known] = found
            if len(self._last) > _REMEMBERED:
                self._last.popitem(last=False)
        return found

    async def certificate(self) -> bytes:
        """The certificate in PEM."""
        return (await self._pair()).certificate

    async def certificate_name(self) -> str:
        """The name of the certificate's file."""
        return (await self._pair()).name

    async def _pair(self) -> _Pair:
        if self._making is None:
            self._making = asyncio.create_task(asyncio.to_thread(self._load_or_make))
        return self._making.result() if self._making.done() else await asyncio.shield(self._making)

    def _load_or_make(self) -> _Pair:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.hashes import SHA1, SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        path = self._directory / "signing.pem"
        if not path.exists():
            content = _made()
            draft = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                out.write(content)
            draft.replace(path)
        content = path.read_bytes()
        key = load_pem_private_key(content, None)
        if not isinstance(key, RSAPrivateKey):
            raise ValueError(f"{path} holds no RSA key: delete it, and another will be made")
        certificate = content[content.index(b"-----BEGIN CERTIFICATE") :]
        name = f"SimpleNotificationService-{hashlib.sha256(certificate).hexdigest()[:32]}.pem"
        return _Pair(key, certificate, name, PKCS1v15(), (SHA1(), SHA256()))  # noqa: S303  (what version 1 is)


def _made() -> bytes:
    """A new key and its certificate, in PEM, the key first."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("sns.amazonaws.com")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
