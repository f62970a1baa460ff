"""What a TLS ClientHello tells before the handshake is begun: whether a browser sent it, and for which name. Pure.

In: the first bytes of a connection, of which some may not have come. Rules: RFC 8446 §4.1.2, RFC 6066 §3, RFC 8701.
"""

from __future__ import annotations

LONGEST = 4096
"""Bytes to look at: with the keys that browsers send, they have 2,000."""
_BEGIN = 43
"""Where the session id begins: behind record, message, version and random."""
_SERVER_NAME = 0


def is_browsers(hello: bytes) -> bool:
    """Whether a ClientHello begins as a browser's does: Chromium and Safari list a cipher of RFC 8701 first."""
    session = hello[_BEGIN] if len(hello) > _BEGIN else 0
    first = hello[_BEGIN + 3 + session : _BEGIN + 5 + session]
    return len(first) == 2 and first[0] == first[1] and first[0] & 0x0F == 0x0A


def server_name(hello: bytes) -> str | None:
    """The host name that a ClientHello asks for (SNI), as it was sent; None where it asks for none, or not yet."""
    if hello[:1] != b"\x16" or hello[5:6] != b"\x01":
        return None
    at = _skip(hello, _BEGIN, 1)  # session id
    at = _skip(hello, at, 2)  # ciphers
    at = _skip(hello, at, 1)  # compressions
    at += 2  # the length of all extensions
    while at + 4 <= len(hello):
        kind, end = int.from_bytes(hello[at : at + 2]), _skip(hello, at + 2, 2)
        if kind == _SERVER_NAME:
            name = hello[at + 9 : end]  # behind the lengths of the list and of the name, and its type
            whole = end <= len(hello) and len(name) == int.from_bytes(hello[at + 7 : at + 9])
            return name.decode("ascii", "replace") if whole and hello[at + 6] == 0 else None
        at = end
    return None


def _skip(hello: bytes, at: int, size: int) -> int:
    """Where what begins with its length, of so many bytes, ends."""
    return at + size + int.from_bytes(hello[at : at + size])
