from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@pytest.fixture
def acm(kumoi: Any) -> Any:
    return kumoi.client("acm")


@pytest.fixture
def described(acm: Any) -> Callable[[str], dict[str, Any]]:
    """A certificate as it is told."""

    def told(arn: str) -> dict[str, Any]:
        return dict(acm.describe_certificate(CertificateArn=arn)["Certificate"])

    return told


@pytest.fixture
def refused() -> Callable[..., tuple[str, str]]:
    """The code and the text of the error that a call answers."""

    def code_and_text(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as error:
            call(**params)
        told = error.value.response["Error"]
        return told["Code"], told["Message"]

    return code_and_text


class Made(NamedTuple):
    """A certificate of somebody else's, with its key; `issuer` signed it, None where it did itself."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def private(self) -> bytes:
        return bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.fixture
def make() -> Callable[..., Made]:
    """Make a certificate for names, signed by itself or by another one, that lasts from `begins` for 30 days."""

    def made(
        *names: str, issuer: Made | None = None, begins: float = -1.0, bits: int = 0, authority: bool = False
    ) -> Made:
        key: Any = rsa.generate_private_key(65_537, bits) if bits else ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        first = datetime.now(UTC) + timedelta(days=begins)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if issuer is None else issuer.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(first)
            .not_valid_after(first + timedelta(days=30))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        return Made(builder.sign(key if issuer is None else issuer.key, hashes.SHA256()), key)

    return made
