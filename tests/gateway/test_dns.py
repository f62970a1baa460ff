"""DNS: messages as tables, and a platform that answers a client by UDP and TCP."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kumoi.cli.connection import Connection
from kumoi.gateway.dns_messages import (
    NOERROR,
    NUMBERS,
    Malformed,
    Record,
    answer,
    can_write,
    malformed,
    read_question,
)

KUMOI = [sys.executable, "-m", "kumoi"]


def asking(name: str, kind: str, *, number: int = 7, flags: int = 0x0100, of: int = 1) -> bytes:
    """A question as resolvers write it."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label)
    head = struct.pack("!6H", number, flags, 1, 0, 0, 0)
    return head + labels + b"\0" + struct.pack("!2H", NUMBERS[kind], of)


@pytest.mark.parametrize(
    ("message", "name", "supported"),
    [
        (asking("www.Example.com", "A"), "www.Example.com.", True),
        (asking("*.a_b.com", "TXT"), r"\052.a_b.com.", True),
        (asking("", "NS"), ".", True),
        (asking("a.com", "A", of=3), "a.com.", False),
        (asking("a.com", "A", flags=0x2800), "a.com.", False),
    ],
)
def test_questions(message: bytes, name: str, supported: bool) -> None:
    read = read_question(message)
    assert (read.id, read.name, read.supported) == (7, name, supported)
    assert answer(read, NOERROR)[12:] == message[12:]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\0" * 11,
        asking("a.com", "A", flags=0x8000),
        asking("a.com", "A")[:-1],
        asking("a.com", "A")[:12] + b"\xc0\x0c" + b"\0\1\0\1",
        asking(".".join(["x" * 60] * 5), "A"),
    ],
)
def test_what_is_no_question(message: bytes) -> None:
    with pytest.raises(Malformed):
        read_question(message)
    assert malformed(message) == b"" or malformed(message)[3] & 15 == 1


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(message: bytes) -> None:
    try:
        read = read_question(message)
    except Malformed:
        return
    assert answer(read, NOERROR)[:2] == message[:2]


WRITTEN = [
    ("A", "192.0.2.1", "c0000201"),
    ("AAAA", "2001:db8::1", "20010db8000000000000000000000001"),
    ("CAA", '0 issue "ca.net"', "0005697373756563612e6e6574"),
    ("CNAME", r"\052.b.c", "012a0162016300"),
    ("DS", "258 4 5 0AFF", "010204050aff"),
    ("MX", "10 m.b", "000a016d016200"),
    ("SOA", "a. b. 1 2 3 4 5", "016100016200" + "".join(f"{number:08x}" for number in range(1, 6))),
    ("SRV", "1 2 443 .", "0001000201bb00"),
    ("TLSA", "3 0 1 abcd", "030001abcd"),
    ("TXT", r'"a \"b\"" "\101"', "05612022622201" + "41"),
]


@pytest.mark.parametrize(("kind", "value", "content"), WRITTEN)
def test_values_as_bytes(kind: str, value: str, content: str) -> None:
    one = Record("a.", kind, 60, value)
    assert can_write(one)
    written = answer(read_question(asking("a", kind)), NOERROR, [one])
    expected = b"\x01a\0" + struct.pack("!2HIH", NUMBERS[kind], 1, 60, len(content) // 2) + bytes.fromhex(content)
    assert written.endswith(expected)
    assert not can_write(Record("a..b.", kind, 60, value))


def test_what_is_too_long_is_truncated() -> None:
    records = [Record("a.", "TXT", 60, f'"{"x" * 200}"')] * 3
    told = answer(read_question(asking("a", "TXT")), NOERROR, records, most=512)
    assert len(told) < 512
    assert told[2] & 0x02
    assert struct.unpack_from("!H", told, 6) == (0,)


class Answered(NamedTuple):
    """What came back: the code, whether it was truncated, how many records, and the bytes."""

    code: int
    truncated: bool
    records: int
    content: bytes


def read_answer(message: bytes) -> Answered:
    _, flags, _, records, _, _ = struct.unpack_from("!6H", message)
    return Answered(flags & 15, bool(flags & 0x0200), records, message)


class Server(NamedTuple):
    """A platform that answers DNS."""

    url: str
    port: int

    def by_udp(self, name: str, kind: str) -> Answered:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(30)
            client.sendto(asking(name, kind), ("127.0.0.1", self.port))
            return read_answer(client.recv(4096))

    def by_tcp(self, name: str, kind: str) -> Answered:
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as client:
            message = asking(name, kind)
            client.sendall(struct.pack("!H", len(message)) + message)
            file = client.makefile("rb")
            (length,) = struct.unpack("!H", file.read(2))
            return read_answer(file.read(length))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    ports = ["--port", "0", "--dns", "0", "--xray-port", "0"]
    up = [*KUMOI, "up", "-d", "--ephemeral", *ports, "--data", str(tmp_path)]
    subprocess.run(up, check=True, capture_output=True)
    try:
        connection = Connection.find(tmp_path)
        port = int(connection.ask("GET", "info")["dns"].rpartition(":")[2])
        yield Server(connection.url, port)
    finally:
        subprocess.run([*KUMOI, "down", "--data", str(tmp_path)], check=True, capture_output=True)


@pytest.mark.slow
def test_a_platform_answers_for_its_names_and_refuses_others(server: Server) -> None:
    route53: Any = boto3.client(
        "route53", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id="t", aws_secret_access_key="t"
    )
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    values = {
        ("www", "A"): ["192.0.2.1"],
        ("cdn", "CNAME"): ["d111.cloudfront.net"],
        ("long", "TXT"): [f'"{str(number) * 200}"' for number in range(3)],
        ("service", "HTTPS"): ["1 ."],
    }
    changes = [
        {
            "Action": "CREATE",
            "ResourceRecordSet": {
                "Name": f"{name}.example.com", "Type": kind, "TTL": 60,
                "ResourceRecords": [{"Value": value} for value in given],
            },
        }
        for (name, kind), given in values.items()
    ]  # fmt: skip
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
    found = server.by_udp("WWW.example.com", "A")
    assert (found.code, found.records, found.content[-4:]) == (0, 1, bytes([192, 0, 2, 1]))
    assert server.by_tcp("www.example.com", "A").content == server.by_udp("www.example.com", "A").content
    assert server.by_udp("cdn.example.com", "A").content[-4:] == bytes([127, 0, 0, 1])
    assert server.by_udp("cdn.example.com", "A").records == 2
    assert (server.by_udp("long.example.com", "TXT").truncated, server.by_tcp("long.example.com", "TXT").records) == (
        True,
        3,
    )
    assert server.by_udp("www.example.com", "AAAA")[:3] == (0, False, 0)
    assert server.by_udp("no.example.com", "A").code == 3
    assert server.by_udp("service.example.com", "HTTPS").code == 4
    assert server.by_udp("sqs.us-east-1.amazonaws.com", "A").content[-4:] == bytes([127, 0, 0, 1])
    assert server.by_udp("example.net", "A").code == 5
