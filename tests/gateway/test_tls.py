from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from kumoi.gateway.limits import Limits
from kumoi.gateway.tls import CertificateAuthority
from kumoi.services.iot.x509_certificates import issue, make_issuer

GET = b"GET /a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n"


def secure(client: Any, trusted: Path, name: str) -> Any:
    """Shake hands as a client that trusts only `trusted`."""
    context = ssl.create_default_context(cafile=str(trusted))
    client.socket = context.wrap_socket(client.socket, server_hostname=name)
    return client


@pytest.mark.parametrize(
    "name",
    [
        "localhost",
        "bucket.localhost",
        "s3.localhost.localstack.cloud",
        "dynamodb.us-east-1.amazonaws.com",
        "bucket.with.dots.s3.eu-west-1.amazonaws.com",
        "D123.CloudFront.net",
        "127.0.0.1",
    ],
)
def test_http_and_tls_share_a_port_and_every_name_has_a_certificate(serve: Any, tmp_path: Path, name: str) -> None:
    authority = CertificateAuthority(tmp_path / "tls")
    server = serve(tls=authority)
    client = secure(server.connect(), authority.ca_file, name)
    answer = client.ask(GET)
    assert (answer.status, answer.headers["x-scheme"], answer.headers["x-path"]) == (200, "https", "/a%2Fb")
    assert server.connect().ask(GET).headers["x-scheme"] == "http"
    assert client.ask(GET).status == 200


def test_two_names_on_one_listener(serve: Any, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    server = serve(tls=authority)
    names = ["a.localhost", "b.amazonaws.com"]
    seen = [secure(server.connect(), authority.ca_file, name).socket.getpeercert()["subjectAltName"] for name in names]
    assert seen == [(("DNS", name),) for name in names]


def test_a_large_body_both_ways(serve: Any, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    client = secure(serve(tls=authority).connect(), authority.ca_file, "localhost")
    body = bytes(range(256)) * 8192
    assert client.ask(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)).body == body


def test_a_refusal_arrives(serve: Any, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    client = secure(serve(tls=authority).connect(), authority.ca_file, "localhost")
    assert client.ask(b"GET / HTTP/1.1\r\nA : b\r\n\r\n" + b"x" * 100_000).status == 400


def test_a_handshake_that_stalls_is_given_up(serve: Any, tmp_path: Path) -> None:
    client = serve(tls=CertificateAuthority(tmp_path), limits=Limits(header_timeout=0.3)).connect()
    client.send(b"\x16\x03\x01")
    with contextlib.suppress(ConnectionResetError):
        assert client.rest() == b""


@pytest.mark.parametrize("odd", ["a..b.", "*.*.*", "..///", "\0\0\0\0\0"])
def test_odd_names_harm_nobody(serve: Any, tmp_path: Path, odd: str) -> None:
    hello = ssl.MemoryBIO()
    shaking = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="plain")
    with pytest.raises(ssl.SSLWantReadError):
        shaking.do_handshake()
    authority = CertificateAuthority(tmp_path)
    server = serve(tls=authority)
    client = server.connect()
    client.send(hello.read().replace(b"plain", odd.encode("latin-1")))
    assert client.socket.recv(1) in (b"\x15", b"\x16", b"")  # an alert, the server's part of the handshake, or the end
    assert secure(server.connect(), authority.ca_file, "localhost").ask(GET).status == 200


def test_garbage_that_begins_like_tls(serve: Any, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    server = serve(tls=authority)
    client = server.connect()
    client.send(b"\x16" + bytes(1000))
    with contextlib.suppress(ConnectionResetError):
        client.rest()
    assert secure(server.connect(), authority.ca_file, "localhost").ask(GET).status == 200


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["http/1.1", "h2"], "h2"),  # browsers, curl
        (["http/1.1"], "http/1.1"),  # browsers' WebSockets, urllib3, Node's https
        (["x-amzn-mqtt-ca"], "x-amzn-mqtt-ca"),
        (["http/0.9"], None),
    ],
)
def test_what_is_negotiated(serve: Any, tmp_path: Path, offered: list[str], chosen: str | None) -> None:
    authority = CertificateAuthority(tmp_path)
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    context.set_alpn_protocols(offered)
    client = serve(tls=authority).connect()
    client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
    assert client.socket.selected_alpn_protocol() == chosen
    assert authority.server_context().minimum_version == ssl.TLSVersion.TLSv1_2


def certificate(target: Path) -> tuple[str, str, Path]:
    """An authority's certificate, one that it has issued, and the file of that with its key."""
    issuer, key = make_issuer()
    made = issue(issuer, key)
    target.write_text(made.certificate + made.private_key)
    return issuer, made.certificate, target


@pytest.mark.parametrize("name", ["localhost", "iot.us-east-1.amazonaws.com"])
def test_clients_may_show_certificates_that_are_vouched_for(serve: Any, tmp_path: Path, name: str) -> None:
    authority = CertificateAuthority(tmp_path / "tls")
    server = serve(tls=authority)
    assert secure(server.connect(), authority.ca_file, name).ask(GET).status == 200
    issuer, _, mine = certificate(tmp_path / "mine.pem")
    _, itself, alone = certificate(tmp_path / "alone.pem")
    _, _, foreign = certificate(tmp_path / "foreign.pem")

    def shown(file: Path | None, name: str = name) -> int:
        context = ssl.create_default_context(cafile=str(authority.ca_file))
        if file is not None:
            context.load_cert_chain(file)
        client = server.connect()
        client.socket = context.wrap_socket(client.socket, server_hostname=name)
        return int(client.ask(GET).status)

    assert shown(foreign) == 200  # nobody has asked for it
    authority.trust([issuer, itself])
    assert [shown(one) for one in (None, mine, alone)] == [200, 200, 200]
    assert shown(mine, "asked.for.the.first.time.localhost") == 200
    with pytest.raises((OSError, EOFError)):
        shown(foreign)
    assert shown(None) == 200


def test_browsers_are_not_asked_for_certificates(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = CertificateAuthority(tmp_path / "tls")
    server = serve(tls=authority)
    authority.trust([certificate(tmp_path / "mine.pem")[0]])
    secure(server.connect(), authority.ca_file, "localhost")
    _, _, foreign = certificate(tmp_path / "foreign.pem")
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    context.load_cert_chain(foreign)
    monkeypatch.setattr("kumoi.gateway.client_hello.is_browsers", lambda _: True)
    client = server.connect()
    client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
    assert client.ask(GET).status == 200, "it was not asked for, so it was not refused"


def test_what_a_name_needs_is_made_off_the_loop(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its certificate, and all that is trusted with it; once for a name."""
    authority = CertificateAuthority(tmp_path / "tls")
    server = serve(tls=authority)
    authority.trust([certificate(tmp_path / "mine.pem")[0]])
    secure(server.connect(), authority.ca_file, "localhost")
    made: list[tuple[str, bool]] = []
    make = CertificateAuthority._context

    def noted(self: CertificateAuthority, name: str, asks: bool) -> ssl.SSLContext:
        if (name, asks) not in self._contexts:
            on_loop = asyncio._get_running_loop() is not None
            made.append((name, on_loop))
        return make(self, name, asks)

    monkeypatch.setattr(CertificateAuthority, "_context", noted)
    for _ in range(2):
        assert secure(server.connect(), authority.ca_file, "New.Localhost").ask(GET).status == 200
    assert made == [("new.localhost", False)]


def test_clients_are_asked_after_very_many_names(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kumoi.gateway.tls._MAX_CONTEXTS", 3)
    authority = CertificateAuthority(tmp_path / "tls")
    server = serve(tls=authority)
    for number in range(4):
        secure(server.connect(), authority.ca_file, f"{number}.localhost")
    assert len(authority._contexts) == 3
    authority.trust([certificate(tmp_path / "mine.pem")[0]])
    _, _, foreign = certificate(tmp_path / "foreign.pem")
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    context.load_cert_chain(foreign)
    client = server.connect()
    with pytest.raises((OSError, EOFError)):
        client.socket = context.wrap_socket(client.socket, server_hostname="4.localhost")
        client.ask(GET)


def test_what_is_no_certificate_is_no_anchor(serve: Any, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path / "tls")
    server = serve(tls=authority)
    authority.trust(["garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
    assert secure(server.connect(), authority.ca_file, "localhost").ask(GET).status == 200


def test_the_authority_is_made_once_and_kept_private(tmp_path: Path) -> None:
    directory = tmp_path / "not" / "there" / "yet"
    first = CertificateAuthority(directory).ca_file.read_bytes()
    assert CertificateAuthority(directory).ca_file.read_bytes() == first
    assert stat.S_IMODE((directory / "ca.key").stat().st_mode) == 0o600
    assert sorted(path.name for path in directory.iterdir()) == ["ca.key", "ca.pem"]


@pytest.mark.parametrize("damage", ["ca.key missing", "ca.pem missing", "ca.pem broken", "another key"])
def test_a_damaged_authority_is_made_anew(serve: Any, tmp_path: Path, damage: str) -> None:
    directory = tmp_path / "tls"
    CertificateAuthority(directory).ca_file.read_bytes()
    name, _, what = damage.partition(" ")
    if what == "missing":
        (directory / name).unlink()
    elif what == "broken":
        (directory / name).write_text("no certificate")
    else:
        other = CertificateAuthority(tmp_path / "other").ca_file.parent
        (directory / "ca.key").write_bytes((other / "ca.key").read_bytes())
    authority = CertificateAuthority(directory)
    assert secure(serve(tls=authority).connect(), authority.ca_file, "localhost").ask(GET).status == 200


def test_no_key_of_a_leaf_is_left_behind(serve: Any, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    secure(serve(tls=authority).connect(), authority.ca_file, "a.localhost")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.key", "ca.pem"]


def test_an_upload_that_breaks_off(serve: Any, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    server = serve(tls=authority)
    client = secure(server.connect(), authority.ca_file, "localhost")
    client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx")
    client.socket.shutdown(socket.SHUT_RDWR)
    assert secure(server.connect(), authority.ca_file, "localhost").ask(GET).status == 200


def test_idle_clients_do_not_hold_up_the_end(serve: Any, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    server = serve(tls=authority, limits=Limits(drain_timeout=3600))
    client = secure(server.connect(), authority.ca_file, "localhost")
    assert client.ask(GET).status == 200
    server.run(server.listener.stop())
    assert server.listener.connections == 0


def test_certificates_are_issued_and_shown_for_their_names(serve: Any, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path / "tls")
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    now = time.time()
    issued = authority.issue(["site.example", "*.site.example"], public, now - 60, now + 3600)
    assert authority.vouches(issued.certificate)
    assert not CertificateAuthority(tmp_path / "other").vouches(issued.certificate)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    content = (private + issued.certificate + issued.chain).encode()
    expected = x509.load_pem_x509_certificate(issued.certificate.encode()).serial_number

    server = serve(tls=authority)

    def shown(name: str) -> int:
        seen = secure(server.connect(), authority.ca_file, name).socket.getpeercert(binary_form=True)
        return x509.load_der_x509_certificate(seen).serial_number

    assert shown("site.example") != expected
    authority.present("owner", ["site.example", "*.site.example", "localhost"], content)
    assert [shown(name) == expected for name in ("site.example", "WWW.site.example", "localhost")] == [
        True,
        True,
        False,
    ]
    authority.withdraw("owner")
    assert shown("site.example") != expected
