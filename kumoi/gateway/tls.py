"""TLS on the same port: a local certificate authority, made at first use, and certificates for the names asked for.

Clients that should trust it get the CA's file (`ca_file`). The private keys never leave the platform's directory.
A certificate for a new name, and all that is trusted with it, is made ready off the loop where the name is known before
the handshake (`make_ready`).

Clients are asked for a certificate of theirs once somebody has said whose are taken (`trust`); browsers are not: they
would put the question to their users, and Chromium gives up WebSockets that ask it.

Services may have certificates of theirs issued, and presented for the names these are for (`Certificates`).
"""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import ssl
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, cast

from kumoi.doorway.certificates import Certificates, Issued
from kumoi.gateway.hosts import AWS_DOMAINS, BASE_DOMAINS

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

logger = logging.getLogger(__name__)

_PROTOCOLS = ["h2", "http/1.1", "x-amzn-mqtt-ca", "mqtt", "x-amzn-http-ca"]
"""What a connection may be begun for (ALPN), the first that a client offers; MQTT by the names that AWS's devices use.

Whoever wants a WebSocket offers HTTP/1.1 alone, browsers too.
"""
_NAME = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]{0,250}[a-z0-9_])?")
_FIRST = "localhost"
"""The name of the contexts that every handshake begins with: whether clients are asked is theirs to say."""
_MAX_CONTEXTS = 256
_DAYS = 397
_CA_DAYS = 3650


class CertificateAuthority(Certificates):
    """The authority of one platform; `directory` is private to its user."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._contexts: dict[tuple[str, bool], ssl.SSLContext] = {}
        self._leaves: dict[str, bytes] = {}
        self._given: dict[str, tuple[Sequence[str], bytes]] = {}
        self._givings = 0
        self._making = Lock()
        self._trusting = Lock()
        self._anchors: dict[str, None] = {}
        self._ca: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None

    @property
    def ca_file(self) -> Path:
        """The authority's certificate (PEM), for clients to trust; made when it is not there."""
        self._authority()
        return self._directory / "ca.pem"

    def server_context(self, *, asks: bool = True) -> ssl.SSLContext:
        """A context for accepting connections: it picks a certificate by the name the client asks for.

        Whether it `asks` clients for theirs, once there is somebody who vouches for some.
        """
        context = self._context(_FIRST, asks)

        def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
            if name is not None and _is_host(name):
                connection.context = self._context(name.lower(), asks)

        context.sni_callback = choose
        return context

    def ready(self, name: str, *, asks: bool) -> bool:
        """Whether a handshake for a name need not wait for what `make_ready` does; true for what is no host name."""
        return (name.lower(), asks) in self._contexts or not _is_host(name)

    def make_ready(self, name: str, *, asks: bool) -> None:
        """Make what a handshake for a name needs. In a thread: there may be a thousand certificates to trust."""
        self._context(name.lower(), asks)

    def _context(self, name: str, asks: bool) -> ssl.SSLContext:
        found = self._contexts.get((name, asks))
        if found is None:
            given = self._givings
            found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            found.minimum_version = ssl.TLSVersion.TLSv1_2
            found.set_alpn_protocols(_PROTOCOLS)
            chain = self._directory / f"leaf-{os.urandom(8).hex()}.pem"
            self._write(chain, self._kept_leaf(name))
            try:
                found.load_cert_chain(chain)
            finally:
                chain.unlink()
            with self._trusting:
                known = list(self._anchors) if asks else []
            for anchor in known:
                _ask_for(found, anchor)
            with self._trusting:
                for anchor in list(self._anchors)[len(known) :] if asks else ():  # trusted meanwhile
                    _ask_for(found, anchor)
                if len(self._contexts) >= _MAX_CONTEXTS:
                    del self._contexts[next(key for key in self._contexts if key[0] != _FIRST)]
                if given == self._givings or name == _FIRST:  # or it shows what was for the name before
                    self._contexts[name, asks] = found
        return found

    def issue(self, names: Sequence[str], public_key: bytes, begins: float, ends: float) -> Issued:
        """A certificate of this authority."""
        from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

        authority, _ = self._authority()
        key = cast("CertificatePublicKeyTypes", load_der_public_key(public_key))
        certificate = self._certificate(names, key, _moment(begins), _moment(ends))
        return Issued(certificate.decode(), authority.public_bytes(Encoding.PEM).decode())

    def vouches(self, certificate: str) -> bool:
        """Whether a certificate is of this authority."""
        from cryptography import x509
        from cryptography.exceptions import InvalidSignature

        authority, _ = self._authority()
        try:
            x509.load_pem_x509_certificate(certificate.encode()).verify_directly_issued_by(authority)
        except (InvalidSignature, TypeError, ValueError):
            return False
        return True

    def present(self, owner: str, names: Sequence[str], content: bytes) -> None:
        """Show a certificate in handshakes for names."""
        with self._trusting:
            self._given.pop(owner, None)
            self._given[owner] = (tuple(name.lower() for name in names), content)
            self._forget_contexts()

    def withdraw(self, owner: str) -> None:
        """Show a certificate no longer."""
        with self._trusting:
            if self._given.pop(owner, None) is not None:
                self._forget_contexts()

    def _forget_contexts(self) -> None:
        self._givings += 1
        for key in [key for key in self._contexts if key[0] != _FIRST]:
            del self._contexts[key]

    def _presented(self, name: str) -> bytes | None:
        """What somebody gave for a name, or for the wildcard above it."""
        if name in BASE_DOMAINS or name.endswith((*AWS_DOMAINS, *(f".{domain}" for domain in BASE_DOMAINS))):
            return None
        wildcard = f"*.{name.partition('.')[2]}"
        with self._trusting:
            given = list(self._given.values())
        return next((content for names, content in reversed(given) if name in names or wildcard in names), None)

    def _kept_leaf(self, name: str) -> bytes:
        presented = self._presented(name)
        if presented is not None:
            return presented
        leaf = self._leaves.get(name)
        if leaf is None:
            if len(self._leaves) >= _MAX_CONTEXTS:
                self._leaves.clear()
            leaf = self._leaves[name] = self._leaf(name)
        return leaf

    def trust(self, anchors: Iterable[str]) -> None:
        """Ask clients for a certificate, and take those that these (PEM) have issued, or are. They are added."""
        with self._trusting:
            for anchor in anchors:
                if anchor not in self._anchors:
                    self._anchors[anchor] = None
                    for (_, asks), context in self._contexts.items():
                        if asks:
                            _ask_for(context, anchor)

    def _authority(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        with self._making:
            if self._ca is None:
                self._ca = self._load() or self._make()
            return self._ca

    def _load(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            certificate = x509.load_pem_x509_certificate((self._directory / "ca.pem").read_bytes())
            key = load_pem_private_key((self._directory / "ca.key").read_bytes(), None)
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            return None
        return None if certificate.not_valid_after_utc < datetime.now(UTC) else (certificate, key)

    def _make(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding
        from cryptography.x509.oid import NameOID

        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Kumoi"),
                x509.NameAttribute(NameOID.COMMON_NAME, "Kumoi local authority"),
            ]
        )
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=_CA_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        self._write(self._directory / "ca.key", _pem(key))
        self._write(self._directory / "ca.pem", certificate.public_bytes(Encoding.PEM), mode=0o644)
        return certificate, key

    def _leaf(self, name: str) -> bytes:
        """A key and the chain of a certificate for `name` (and, for localhost, the loopback addresses)."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding

        authority, _ = self._authority()
        key = ec.generate_private_key(ec.SECP256R1())
        local = name == _FIRST
        names = [name, *(("*.localhost",) if local else ())]
        now = datetime.now(UTC)
        begins, ends = now - timedelta(days=1), now + timedelta(days=_DAYS)
        certificate = self._certificate(names, key.public_key(), begins, ends, loopback=local)
        return _pem(key) + certificate + authority.public_bytes(Encoding.PEM)

    def _certificate(
        self,
        names: Sequence[str],
        key: CertificatePublicKeyTypes,
        begins: datetime,
        ends: datetime,
        *,
        loopback: bool = False,
    ) -> bytes:
        """A certificate of this authority (PEM)."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import rsa
        from cryptography.hazmat.primitives.serialization import Encoding
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

        authority, signing_key = self._authority()
        general: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        if loopback:
            general += [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
            .issuer_name(authority.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.SubjectAlternativeName(general), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign=False, enciphers=isinstance(key, rsa.RSAPublicKey)), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
            .sign(signing_key, hashes.SHA256())
        )
        return certificate.public_bytes(Encoding.PEM)

    def _write(self, path: Path, content: bytes, mode: int = 0o600) -> None:
        """Put a whole file in place, for nobody else to read unless `mode` says so."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
        draft.replace(path)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _is_host(name: str) -> bool:
    return len(name) <= 253 and _NAME.fullmatch(name.lower()) is not None


def _ask_for(context: ssl.SSLContext, anchor: str) -> None:
    """Have connections ask for a certificate; a device's own may be an anchor, as well as an authority's."""
    try:
        context.load_verify_locations(cadata=anchor)
    except ssl.SSLError as error:
        logger.warning("a certificate of a client cannot be trusted: %s", error)
        return
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_mode = ssl.CERT_OPTIONAL


def _usage(*, sign: bool, enciphers: bool = False) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=enciphers,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign,
        crl_sign=sign,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
