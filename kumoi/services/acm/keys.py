"""Private keys: made, sealed under the platform's master key for their certificate, and told by their algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kumoi.doorway.sealing import Sealer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PrivateKeyTypes

CURVES: Mapping[str, str] = {"secp256r1": "EC_prime256v1", "secp384r1": "EC_secp384r1", "secp521r1": "EC_secp521r1"}
SIZES: Mapping[int, str] = {size: f"RSA_{size}" for size in (1024, 2048, 3072, 4096)}
REQUESTED = frozenset(("RSA_2048", "EC_prime256v1", "EC_secp384r1"))
"""What certificates may be requested with; others can be imported."""


def new_key(algorithm: str) -> bytes:
    """A new private key (PKCS #8, DER). That of RSA takes long: to be called on a thread."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if algorithm == "RSA_2048":
        key = rsa.generate_private_key(65_537, 2048)
    else:
        key = ec.generate_private_key(ec.SECP256R1() if algorithm == "EC_prime256v1" else ec.SECP384R1())
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def read_key(content: bytes) -> PrivateKeyTypes:
    """A private key of its bytes (PKCS #8, DER)."""
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    return load_der_private_key(content, None)


def public_of(content: bytes) -> bytes:
    """The public key (SubjectPublicKeyInfo, DER) of a private one."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return read_key(content).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def algorithm_of(key: CertificatePublicKeyTypes) -> str | None:
    """The algorithm as ACM names it; None for one that it does not take."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(key, rsa.RSAPublicKey):
        return SIZES.get(key.key_size)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return CURVES.get(key.curve.name)
    return None


def pem_of(content: bytes, passphrase: bytes | None = None) -> str:
    """A private key in PEM, encrypted with a passphrase where one is given."""
    from cryptography.hazmat.primitives import serialization

    how: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        how = serialization.BestAvailableEncryption(passphrase)
    encoded = read_key(content).private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    return encoded.decode()


def sealed(sealer: Sealer, account: str, certificate_id: str, content: bytes) -> bytes:
    """A key as it is kept."""
    return sealer.seal(content, f"acm/{account}/{certificate_id}")


def opened(sealer: Sealer, account: str, certificate_id: str, content: bytes) -> bytes:
    """A kept key's bytes."""
    return sealer.open(content, f"acm/{account}/{certificate_id}")
