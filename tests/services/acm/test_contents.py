"""What certificates are good for: handshakes, imports, exports, renewals."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key


def shown(url: str, name: str, authority: str | None) -> x509.Certificate:
    """The certificate that a platform shows for a name; verified against an authority (PEM) where one is given."""
    where = urlsplit(url)
    context = ssl.create_default_context(cadata=authority) if authority else ssl._create_unverified_context()
    with (
        socket.create_connection((where.hostname or "", where.port or 0)) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        found = secure.getpeercert(binary_form=True)
    assert found is not None
    return x509.load_der_x509_certificate(found)


def same(pem: str | bytes, certificate: x509.Certificate) -> bool:
    content = pem.encode() if isinstance(pem, str) else pem
    return x509.load_pem_x509_certificate(content) == certificate


@pytest.mark.parametrize("algorithm", ["RSA_2048", "EC_prime256v1", "EC_secp384r1"])
def test_a_handshake_shows_the_certificate_that_was_issued(kumoi: Any, acm: Any, algorithm: str) -> None:
    name = f"{algorithm.lower().replace('_', '-')}.issued.example.net"
    arn = acm.request_certificate(
        DomainName=name, ValidationMethod="DNS", SubjectAlternativeNames=[f"*.{name}"], KeyAlgorithm=algorithm
    )["CertificateArn"]
    got = acm.get_certificate(CertificateArn=arn)
    assert same(got["Certificate"], shown(kumoi.url, name, got["CertificateChain"]))
    assert same(got["Certificate"], shown(kumoi.url, f"www.{name}", got["CertificateChain"]))
    acm.delete_certificate(CertificateArn=arn)
    assert not same(got["Certificate"], shown(kumoi.url, name, got["CertificateChain"]))


def test_an_export_serves_elsewhere(acm: Any, refused: Any, tmp_path: Path) -> None:
    arn = acm.request_certificate(
        DomainName="exported.example.net", ValidationMethod="DNS", Options={"Export": "ENABLED"}
    )["CertificateArn"]
    exported = acm.export_certificate(CertificateArn=arn, Passphrase=b"secret")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_text(exported["Certificate"] + exported["CertificateChain"])
    key.write_text(exported["PrivateKey"])
    assert load_pem_private_key(key.read_bytes(), b"secret")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key, "secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: context.wrap_socket(server.accept()[0], server_side=True).close())
        thread.start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}"
        assert same(exported["Certificate"], shown(url, "exported.example.net", exported["CertificateChain"]))
        thread.join()
    plain = acm.request_certificate(DomainName="kept.example.net", ValidationMethod="DNS")["CertificateArn"]
    assert refused(acm.export_certificate, CertificateArn=plain, Passphrase=b"secret")[0] == "ValidationException"


def test_an_import_is_shown_for_its_names(kumoi: Any, acm: Any, described: Any, make: Any) -> None:
    root = make("Example Authority", authority=True)
    one = make("imported.example.net", "*.imported.example.net", issuer=root, bits=2048)
    given = {"Certificate": one.pem, "PrivateKey": one.private, "CertificateChain": root.pem}
    arn = acm.import_certificate(Tags=[{"Key": "a", "Value": "b"}], **given)["CertificateArn"]
    told = described(arn)
    assert (told["Type"], told["Status"], told["DomainName"]) == ("IMPORTED", "ISSUED", "imported.example.net")
    assert (told["Issuer"], told["RenewalEligibility"]) == ("Example Authority", "INELIGIBLE")
    assert told["SignatureAlgorithm"] == "SHA256WITHECDSA"
    assert shown(kumoi.url, "imported.example.net", root.pem.decode()) == one.certificate
    assert shown(kumoi.url, "a.imported.example.net", root.pem.decode()) == one.certificate
    newer = make("imported.example.net", issuer=root, bits=2048)
    again = {"Certificate": newer.pem, "PrivateKey": newer.private, "CertificateChain": root.pem}
    assert acm.import_certificate(CertificateArn=arn, **again)["CertificateArn"] == arn
    assert shown(kumoi.url, "imported.example.net", root.pem.decode()) == newer.certificate
    assert acm.list_tags_for_certificate(CertificateArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]


def test_the_platform_s_own_names_keep_their_certificates(kumoi: Any, acm: Any, make: Any) -> None:
    one = make("localhost", "s3.us-east-1.amazonaws.com", "app.localhost")
    acm.import_certificate(Certificate=one.pem, PrivateKey=one.private)
    for name in ("localhost", "app.localhost", "s3.us-east-1.amazonaws.com"):
        assert shown(kumoi.url, name, None) != one.certificate


def test_what_cannot_be_imported(acm: Any, refused: Any, make: Any) -> None:
    root, other = make("A", authority=True), make("B", authority=True)
    one = make("a.example.net", issuer=root)
    old, early = make("a.example.net", begins=-60), make("a.example.net", begins=1)
    own = acm.request_certificate(DomainName="example.net", ValidationMethod="DNS")["CertificateArn"]
    cases: list[tuple[dict[str, Any], str]] = [
        ({"Certificate": b"no certificate at all"}, "Unable to parse certificate"),
        ({"Certificate": one.pem + root.pem}, "more than one certificate"),
        ({"PrivateKey": other.private}, "does not match"),
        ({"PrivateKey": b"-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----"}, "private key"),
        ({"CertificateChain": other.pem}, "Could not validate the certificate with the certificate chain."),
        ({"Certificate": old.pem, "PrivateKey": old.private, "CertificateChain": old.pem}, "expired"),
        ({"Certificate": early.pem, "PrivateKey": early.private, "CertificateChain": early.pem}, "not valid yet"),
        ({"CertificateArn": own}, "nothing can be imported in its place"),
    ]
    good = {"Certificate": one.pem, "PrivateKey": one.private, "CertificateChain": root.pem}
    for given, expected in cases:
        code, text = refused(acm.import_certificate, **{**good, **given})
        assert (code, expected in text) == ("ValidationException", True), text
    without = refused(acm.import_certificate, Certificate=one.pem, PrivateKey=one.private)
    assert "not a valid self signed" in without[1]


def test_a_certificate_is_renewed(kumoi: Any, acm: Any, described: Any) -> None:
    arn = acm.request_certificate(DomainName="renewed.example.net", ValidationMethod="DNS")["CertificateArn"]
    before = acm.get_certificate(CertificateArn=arn)["Certificate"]
    acm.renew_certificate(CertificateArn=arn)
    after = acm.get_certificate(CertificateArn=arn)
    assert after["Certificate"] != before
    assert described(arn)["RenewalSummary"]["RenewalStatus"] == "SUCCESS"
    assert same(after["Certificate"], shown(kumoi.url, "renewed.example.net", after["CertificateChain"]))


def test_certificates_outlive_a_crash(killable: Any, make: Any) -> None:
    killable.start()
    acm = killable.client("acm")
    arn = acm.request_certificate(DomainName="kept.example.net", ValidationMethod="DNS")["CertificateArn"]
    got = acm.get_certificate(CertificateArn=arn)
    one = make("brought.example.net")
    acm.import_certificate(Certificate=one.pem, PrivateKey=one.private)
    killable.kill()
    killable.start()
    assert killable.client("acm").get_certificate(CertificateArn=arn)["Certificate"] == got["Certificate"]
    assert same(got["Certificate"], shown(killable.url, "kept.example.net", got["CertificateChain"]))
    assert shown(killable.url, "brought.example.net", one.pem.decode()).public_bytes(Encoding.PEM) == one.pem
