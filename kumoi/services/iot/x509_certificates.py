"""X.509 as devices use it: certificates read and issued, and whose signature they bear.

Their validity is judged by TLS on the machine's clock, so they are issued on it and not on the platform's. The ids are
AWS's: the SHA-256 of a certificate's DER form.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from kumoi.wire.errors import AwsError, aws_error

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

VALID_UNTIL = datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)
_SUBJECT_KEYS = {
    "2.5.4.3": "CommonName",
    "2.5.4.4": "Surname",
    "2.5.4.5": "SerialNumber",
    "2.5.4.6": "Country",
    "2.5.4.7": "LocalityName",
    "2.5.4.8": "State",
    "2.5.4.10": "Organization",
    "2.5.4.11": "OrganizationalUnit",
    "2.5.4.12": "Title",
    "2.5.4.42": "GivenName",
    "2.5.4.43": "Initials",
    "2.5.4.44": "GenerationQualifier",
    "2.5.4.46": "DistinguishedNameQualifier",
    "2.5.4.65": "Pseudonym",
}


class Read(NamedTuple):
    """What IoT knows of a certificate; times in epoch seconds."""

    id: str
    pem: str
    subject: str
    issuer: str
    not_before: float
    not_after: float
    is_ca: bool


class Issued(NamedTuple):
    """A certificate with its key pair, all in PEM."""

    certificate: str
    public_key: str
    private_key: str


def refused(text: str) -> AwsError:
    """CertificateValidationException."""
    return aws_error("CertificateValidationException", text)


def read(pem: str) -> Read:
    """A certificate; CertificateValidationException when it is none."""
    return read_certificate(load(pem))


def load(pem: str) -> x509.Certificate:
    """A certificate out of PEM; CertificateValidationException when it is none."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise refused("The certificate is not a valid X.509 certificate in PEM form.") from None


def read_der(der: bytes) -> Read:
    """A certificate as TLS has it."""
    from cryptography import x509

    return read_certificate(x509.load_der_x509_certificate(der))


def read_certificate(certificate: x509.Certificate) -> Read:
    """What IoT knows of a certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        is_ca = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        is_ca = False
    return Read(
        certificate.fingerprint(hashes.SHA256()).hex(),
        certificate.public_bytes(Encoding.PEM).decode(),
        certificate.subject.rfc4514_string(),
        certificate.issuer.rfc4514_string(),
        certificate.not_valid_before_utc.timestamp(),
        certificate.not_valid_after_utc.timestamp(),
        is_ca,
    )


def issued_by(pem: str, ca_pem: str) -> bool:
    """Whether a certificate bears the signature of a CA."""
    from cryptography.exceptions import InvalidSignature

    try:
        load(pem).verify_directly_issued_by(load(ca_pem))
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def policy_variables(pem: str) -> dict[str, tuple[str, ...]]:
    """The policy variables that a certificate sets, their names in lower case: its subject, its issuer, its number.

    Of an element that occurs several times, `.0`, `.1` … are the occurrences, and the bare name is the first.
    """
    certificate = load(pem)
    found: dict[str, tuple[str, ...]] = {"iot:certificate.serialnumber": (str(certificate.serial_number),)}
    for part, name in (("subject", certificate.subject), ("issuer", certificate.issuer)):
        seen: dict[str, int] = {}
        for attribute in name:
            key = _SUBJECT_KEYS.get(attribute.oid.dotted_string)
            if key is not None:
                number = seen[key] = seen.get(key, -1) + 1
                value = (str(attribute.value),)
                full = f"iot:certificate.{part}.{key.lower()}"
                found.setdefault(full, value)
                found[f"{full}.{number}"] = value
    return found


def make_issuer() -> tuple[str, str]:
    """An authority of our own: its certificate and its key, in PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    attributes = ((NameOID.ORGANIZATION_NAME, "Kumoi"), (NameOID.ORGANIZATIONAL_UNIT_NAME, "Kumoi IoT devices"))
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(VALID_UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM).decode(), private.decode()


def issue(issuer_pem: str, issuer_key: str) -> Issued:
    """A new RSA key pair of 2048 bits and its certificate, as CreateKeysAndCertificate makes them."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "AWS IoT Certificate")])
    certificate = _signed(subject, key.public_key(), issuer_pem, issuer_key)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return Issued(certificate, public.decode(), private.decode())


def issue_for(request_pem: str, issuer_pem: str, issuer_key: str) -> str:
    """The certificate that a signing request asks for; InvalidRequestException when it is none that may be signed."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    try:
        request = x509.load_pem_x509_csr(request_pem.encode())
        key, signed = request.public_key(), request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise aws_error("InvalidRequestException", "The certificate signing request is not valid.") from None
    good = isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048
    good = good or (isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in ("secp256r1", "secp384r1"))
    if not signed or not good:
        raise aws_error(
            "InvalidRequestException",
            "The certificate signing request must be signed with its own key: RSA of at least 2048 bits, or ECC on the "
            "curve P-256 or P-384.",
        )
    return _signed(request.subject, key, issuer_pem, issuer_key)


def _signed(subject: x509.Name, key: CertificatePublicKeyTypes, issuer_pem: str, issuer_key: str) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

    signing = load_pem_private_key(issuer_key.encode(), None)
    assert isinstance(signing, ec.EllipticCurvePrivateKey)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(load(issuer_pem).subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(minutes=2))
        .not_valid_after(VALID_UNTIL)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .sign(signing, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()
