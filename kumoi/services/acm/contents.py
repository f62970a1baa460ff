"""What a certificate says of itself, and whether one may be imported; pure but for the machine's time.

Source: "Prerequisites for importing certificates" of the user guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from kumoi.services.acm.errors import invalid
from kumoi.services.acm.keys import algorithm_of

if TYPE_CHECKING:
    from cryptography import x509

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_USAGES: Mapping[str, str] = {
    "digital_signature": "DIGITAL_SIGNATURE",
    "content_commitment": "NON_REPUDIATION",
    "key_encipherment": "KEY_ENCIPHERMENT",
    "data_encipherment": "DATA_ENCIPHERMENT",
    "key_agreement": "KEY_AGREEMENT",
    "key_cert_sign": "CERTIFICATE_SIGNING",
    "crl_sign": "CRL_SIGNING",
}
_EXTENDED: Mapping[str, str] = {
    "1.3.6.1.5.5.7.3.1": "TLS_WEB_SERVER_AUTHENTICATION",
    "1.3.6.1.5.5.7.3.2": "TLS_WEB_CLIENT_AUTHENTICATION",
    "1.3.6.1.5.5.7.3.3": "CODE_SIGNING",
    "1.3.6.1.5.5.7.3.4": "EMAIL_PROTECTION",
    "1.3.6.1.5.5.7.3.8": "TIME_STAMPING",
    "1.3.6.1.5.5.7.3.9": "OCSP_SIGNING",
    "2.5.29.37.0": "ANY",
}


class Imported(NamedTuple):
    """What may be imported: names, PEM texts, the private key (PKCS #8, DER); times in epoch seconds."""

    names: tuple[str, ...]
    algorithm: str
    body: str
    chain: str
    key: bytes
    begins: float
    ends: float


def told(body: str) -> dict[str, Any]:
    """What DescribeCertificate says of a certificate's content."""
    one = _read(body)
    usages, extended = _usages(one), _extended(one)
    algorithm = one.signature_algorithm_oid._name.upper()
    told: dict[str, Any] = {
        "Serial": _serial(one.serial_number),
        "Subject": _subject(one),
        "Issuer": _issuer(one),
        "SignatureAlgorithm": _SIGNATURES.get(algorithm, algorithm),
        "NotBefore": one.not_valid_before_utc.timestamp(),
        "NotAfter": one.not_valid_after_utc.timestamp(),
        "KeyUsages": [{"Name": name} for name in usages],
        "ExtendedKeyUsages": [{"Name": name, "OID": oid} for oid, name in extended.items()],
    }
    return told


_SIGNATURES: Mapping[str, str] = {
    **{f"ECDSA-WITH-SHA{size}": f"SHA{size}WITHECDSA" for size in (256, 384, 512)},
    **{f"SHA{size}WITHRSAENCRYPTION": f"SHA{size}WITHRSA" for size in (1, 256, 384, 512)},
}


def usages_of(body: str) -> tuple[list[str], list[str]]:
    """Key usages and extended ones, as lists of certificates have them."""
    one = _read(body)
    return _usages(one), list(_extended(one).values())


def is_valid_now(body: str) -> bool:
    """Whether a certificate is valid by the machine's time."""
    one = _read(body)
    return one.not_valid_before_utc <= datetime.now(UTC) <= one.not_valid_after_utc


def _read(body: str) -> x509.Certificate:
    from cryptography import x509

    return x509.load_pem_x509_certificate(body.encode())


def _usages(one: x509.Certificate) -> list[str]:
    from cryptography import x509

    try:
        usage = one.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return []
    return [name for attribute, name in _USAGES.items() if getattr(usage, attribute)]


def _extended(one: x509.Certificate) -> dict[str, str]:
    from cryptography import x509

    try:
        usages = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return {}
    return {usage.dotted_string: _EXTENDED.get(usage.dotted_string, "CUSTOM") for usage in usages}


def _serial(number: int) -> str:
    digits = f"{number:x}"
    digits = digits.zfill(len(digits) + len(digits) % 2)
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def _subject(one: x509.Certificate) -> str:
    return ",".join(reversed([part.rfc4514_string() for part in reversed(one.subject.rdns)]))


def _issuer(one: x509.Certificate) -> str:
    from cryptography.x509.oid import NameOID

    for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        found = one.issuer.get_attributes_for_oid(oid)
        if found:
            return str(found[0].value)
    return one.issuer.rfc4514_string()


def read_import(certificate: bytes, private_key: bytes, chain: bytes | None, now: float) -> Imported:
    """A certificate that is brought from elsewhere, checked; ValidationException."""
    body = _one_certificate(certificate)
    key = _private_key(private_key)
    algorithm = algorithm_of(body.public_key())
    if algorithm is None:
        raise invalid(
            "The certificate's key algorithm is not supported: RSA of 1024 to 4096 bits, P-256, P-384, P-521."
        )
    encoded, public = key
    if public != body.public_key():
        raise invalid("The private key does not match the public key of the certificate.")
    above = [] if chain is None else _certificates(chain, "certificate chain")
    _check_chain(body, above)
    begins, ends = body.not_valid_before_utc.timestamp(), body.not_valid_after_utc.timestamp()
    if now < begins:
        raise invalid("The certificate is not valid yet.")
    if now > ends:
        raise invalid("The certificate has expired.")
    return Imported(
        names=_names(body),
        algorithm=algorithm,
        body=_pem(body),
        chain="".join(_pem(one) for one in above),
        key=encoded,
        begins=begins,
        ends=ends,
    )


def _certificates(content: bytes, what: str) -> list[x509.Certificate]:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        blocks = _BLOCK.findall(content.decode("ascii"))
        found = [x509.load_pem_x509_certificate(block.encode()) for block in blocks]
        for one in found:
            one.public_key()
    except (UnicodeDecodeError, UnsupportedAlgorithm, ValueError, TypeError):
        found = []
    if not found:
        raise invalid(f"Unable to parse {what}. Please make sure the {what} is in PEM format.")
    return found


def _one_certificate(content: bytes) -> x509.Certificate:
    found = _certificates(content, "certificate")
    if len(found) > 1:
        raise invalid(
            "The certificate field contains more than one certificate. You can specify only one certificate in this "
            "field."
        )
    return found[0]


def _private_key(content: bytes) -> tuple[bytes, Any]:
    """A private key (PKCS #8, DER), and its public key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )

    try:
        key = load_pem_private_key(content, None)
    except TypeError:
        raise invalid("The private key is encrypted: ACM takes those that are not.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise invalid("The private key is not supported or is not in PEM format.") from None
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), key.public_key()


def _check_chain(body: x509.Certificate, above: list[x509.Certificate]) -> None:
    """Each certificate has to be signed by the next; one without any by itself."""
    from cryptography.exceptions import InvalidSignature

    if not above:
        if body.issuer != body.subject:
            raise invalid(
                "Provided certificate is not a valid self signed. Please provide either a valid self-signed "
                "certificate or certificate chain."
            )
        above = [body]
    for one, issuer in zip([body, *above], above, strict=False):
        try:
            one.verify_directly_issued_by(issuer)
        except (InvalidSignature, TypeError, ValueError):
            raise invalid("Could not validate the certificate with the certificate chain.") from None


def _names(one: x509.Certificate) -> tuple[str, ...]:
    """The common name, or the first of the others, and the names that a certificate is for."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        general = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = general.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = []
    common = [str(name.value) for name in one.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return tuple(dict.fromkeys([*common[:1], *names]))


def _pem(one: x509.Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return one.public_bytes(Encoding.PEM).decode()
