r"""DNS messages: a question in, an answer out; pure. Names are texts with other characters as `\ooo`.

Sources: RFC 1035 (form, names, A, CNAME, MX, NS, PTR, SOA, TXT), 3596 (AAAA), 2782 (SRV), 8659 (CAA), 4034 (DS),
4255 (SSHFP), 6698 (TLSA).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

TYPES: Mapping[int, str] = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 35: "NAPTR",
    43: "DS", 44: "SSHFP", 52: "TLSA", 64: "SVCB", 65: "HTTPS", 99: "SPF", 257: "CAA",
}  # fmt: skip
"""The types of records that hosted zones have, by their numbers."""
NUMBERS = {name: number for number, name in TYPES.items()}
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
CODES = {"NOERROR": NOERROR, "NXDOMAIN": NXDOMAIN, "REFUSED": REFUSED}
DATAGRAM = 512
"""Bytes of the longest answer by UDP to who has not said that more would do."""

_HEADER = struct.Struct("!6H")
_INTERNET = 1
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_PIECE = re.compile(r"\\([0-7]{3})|\\(.)|(.)", re.DOTALL)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)', re.DOTALL)


class Malformed(ValueError):
    """Bytes that are no question, or values that have no bytes."""


class Question(NamedTuple):
    """What is asked; `sent` are its bytes, `recursive` is whether somebody else should be asked for the answer."""

    id: int
    name: str
    kind: int
    supported: bool
    recursive: bool
    sent: bytes


class Record(NamedTuple):
    """A record of an answer; `ttl` in seconds."""

    name: str
    type: str
    ttl: int
    value: str


def read_question(message: bytes) -> Question:
    """The question of a message; Malformed. `supported` is False for what is no plain question about the Internet."""
    if len(message) < _HEADER.size:
        raise Malformed("no header")
    number, flags, questions, *_ = _HEADER.unpack_from(message)
    if flags & 0x8000 or questions != 1:
        raise Malformed("not one question")
    labels: list[str] = []
    at, total = _HEADER.size, 0
    while True:
        length = message[at] if at < len(message) else 64
        if length > 63 or at + 1 + length > len(message):
            raise Malformed("no name")
        at += 1
        if not length:
            break
        total += length + 1
        labels.append("".join(_written(byte) for byte in message[at : at + length]))
        at += length
    if total > 255 or at + 4 > len(message):
        raise Malformed("no type")
    kind, of = struct.unpack_from("!2H", message, at)
    supported = of == _INTERNET and not flags & 0x7800
    return Question(number, ".".join(labels) + ".", kind, supported, bool(flags & 0x0100), message[12 : at + 4])


def _written(byte: int) -> str:
    character = chr(byte)
    return character if character in _PLAIN else f"\\{byte:03o}"


def answer(
    question: Question,
    code: int,
    records: Sequence[Record] = (),
    authority: Sequence[Record] = (),
    *,
    authoritative: bool = True,
    most: int = 65_535,
) -> bytes:
    """An answer; without its records, and marked as truncated, where it has more than `most` bytes."""
    flags = 0x8000 | (0x0400 if authoritative else 0) | (0x0100 if question.recursive else 0) | code
    body = b"".join(_record(one) for one in (*records, *authority))
    if _HEADER.size + len(question.sent) + len(body) > most:
        return _HEADER.pack(question.id, flags | 0x0200, 1, 0, 0, 0) + question.sent
    return _HEADER.pack(question.id, flags, 1, len(records), len(authority), 0) + question.sent + body


def malformed(message: bytes) -> bytes:
    """The answer to bytes that are no question; none to what has no id."""
    return b"" if len(message) < 2 else message[:2] + struct.pack("!5H", 0x8000 | FORMERR, 0, 0, 0, 0)


def _record(one: Record) -> bytes:
    content = _CONTENTS[one.type](one.value)
    head = struct.pack("!2HIH", NUMBERS[one.type], _INTERNET, one.ttl, len(content))
    return _name(one.name) + head + content


def can_write(one: Record) -> bool:
    """Whether a record has bytes: not those of types whose form is not known here."""
    if one.type not in _CONTENTS:
        return False
    try:
        _record(one)
    except (ValueError, struct.error):
        return False
    return True


def _name(text: str) -> bytes:
    labels: list[bytearray] = [bytearray()]
    for octal, escaped, plain in _PIECE.findall(text.removesuffix(".")):
        if plain == ".":
            labels.append(bytearray())
        else:
            labels[-1] += bytes([int(octal, 8)]) if octal else (escaped or plain).encode("latin-1")
    if labels == [bytearray()]:
        return b"\0"
    if any(not 0 < len(label) < 64 for label in labels):
        raise Malformed(text)
    return b"".join(bytes([len(label)]) + bytes(label) for label in labels) + b"\0"


def _string(text: str) -> bytes:
    content = bytearray()
    for octal, escaped, plain in _PIECE.findall(text):
        content += bytes([int(octal, 8)]) if octal else (escaped or plain).encode()
    if len(content) > 255:
        raise Malformed(text)
    return bytes([len(content)]) + bytes(content)


def _strings(value: str) -> bytes:
    return b"".join(_string(quoted or bare) for quoted, bare in _STRING.findall(value))


def _fields(form: str) -> Callable[[str], bytes]:
    """How values of several fields are written: `1`, `2` and `4` are numbers of bytes, `n` a name, `x` hexadecimal."""

    def write(value: str) -> bytes:
        parts = value.split(None, len(form) - 1)
        if len(parts) != len(form):
            raise Malformed(value)
        return b"".join(
            _name(part) if kind == "n" else bytes.fromhex(part) if kind == "x" else int(part).to_bytes(int(kind), "big")
            for kind, part in zip(form, parts, strict=True)
        )

    return write


def _caa(value: str) -> bytes:
    flags, tag, text = value.split(None, 2)
    return bytes([int(flags)]) + _string(tag) + _strings(text)[1:]


_CONTENTS: Mapping[str, Callable[[str], bytes]] = {
    "A": lambda value: IPv4Address(value).packed,
    "AAAA": lambda value: IPv6Address(value).packed,
    "CAA": _caa,
    "CNAME": _name,
    "DS": _fields("211x"),
    "MX": _fields("2n"),
    "NS": _name,
    "PTR": _name,
    "SOA": _fields("nn44444"),
    "SPF": _strings,
    "SRV": _fields("222n"),
    "SSHFP": _fields("11x"),
    "TLSA": _fields("111x"),
    "TXT": _strings,
}
