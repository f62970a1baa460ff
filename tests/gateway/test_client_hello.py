"""What a ClientHello tells: OpenSSL's own, by pieces, and garbage."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import example, given
from hypothesis.strategies import binary

from kumoi.gateway.client_hello import is_browsers, server_name


def hello(first: bytes = b"", name: str | None = "plain", alpn: int = 0) -> bytes:
    """What OpenSSL begins a handshake with; its first cipher may be another."""
    sent = ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.check_hostname = name is not None
    if alpn:
        context.set_alpn_protocols(["x" * 200] * alpn)
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name).do_handshake()
    said = sent.read()
    at = 46 + said[43]
    return said[:at] + (first or said[at : at + 2]) + said[at + 2 :]


def test_browsers_are_known_by_how_they_begin() -> None:
    assert not is_browsers(hello())
    assert all(is_browsers(hello(bytes([grease, grease]))[:128]) for grease in (0x0A, 0x4A, 0xFA))
    assert not is_browsers(hello(b"\x4a\x5a"))
    assert not any(is_browsers(hello(b"\x4a\x4a")[:length]) for length in (0, 1, 44, 60))


@pytest.mark.parametrize("name", ["plain", "a.b.localhost", "x" * 63 + ".example"])
def test_the_name_is_read_wherever_it_stands(name: str) -> None:
    for said in (hello(name=name), hello(name=name, alpn=5)):
        assert server_name(said) == name
        whole = said.index(name.encode()) + len(name)
        assert [server_name(said[:end]) for end in range(whole)] == [None] * whole


def test_some_ask_for_no_name() -> None:
    assert server_name(hello(name=None)) is None


@given(binary(max_size=200))
@example(b"\x16\x03\x01\x00\xff\x01" + bytes(400))
def test_garbage_tells_nothing_or_some_text(garbage: bytes) -> None:
    for said in (garbage, b"\x16\x03\x01\x02\x00\x01" + garbage):
        assert is_browsers(said) in (True, False)
        assert server_name(said) is None or isinstance(server_name(said), str)
