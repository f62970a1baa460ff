"""Garbage against the HTTP/2 connection: valid frames, mutated by Hypothesis and cut into pieces.

    python tests/fuzz/http2_fuzz.py --seconds 600 [--seed N]

Half of it is mutated as bytes, half as frames: some are dropped, doubled, in another order or on other streams, with
their fields' tables and their bodies left well.
Whatever is sent, the connection ends soon after the client's last byte, nothing fails inside the server, and the next
good request is answered, over HTTP/1.1 and over HTTP/2.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable
from functools import partial

from http_fuzz import ANSWER_SECONDS, GOOD, server
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import strategies as st
from mutations import Failures, attempted, command, mutated, pieces, talk

from kumoi.gateway.http2_frames import PREFACE

GET, POST = b"\x82\x86\x84\x41\x01a", b"\x83\x86\x84\x41\x01a"
"""`GET /` and `POST /` of http://a, by the static table alone."""
PIECES = b"\x82\x86\x04\x07/pieces\x41\x01a"
UNREAD = b"\x83\x86\x04\x07/unread\x41\x01a"
EXPECTS = b"\x83\x86\x84\x41\x01a\x00\x06expect\x0c100-continue"


def head(block: bytes, stream: int = 1, *flags: str) -> HeadersFrame:
    return HeadersFrame(stream, block, flags=["END_HEADERS", *flags])


FRAMES: list[Frame] = [
    SettingsFrame(0, {1: 0, 4: 0}),
    head(GET, 1, "END_STREAM"),
    head(PIECES, 3, "END_STREAM"),
    head(POST, 5),
    DataFrame(5, b"hello"),
    DataFrame(5, b"x" * 100, flags=["END_STREAM"]),
    head(UNREAD, 7),
    DataFrame(7, b"x" * 60),
    DataFrame(7, b"", flags=["END_STREAM"]),
    head(EXPECTS, 9),
    DataFrame(9, b"late", flags=["END_STREAM", "PADDED"], pad_length=20),
    head(POST, 11),
    head(b"\x00\x01t\x01u", 11, "END_STREAM"),
    HeadersFrame(13, GET[:3], flags=["END_STREAM"]),
    ContinuationFrame(13, GET[3:], flags=["END_HEADERS"]),
    RstStreamFrame(5, 8),
    RstStreamFrame(3, 0),
    SettingsFrame(0, {1: 1 << 20, 4: 1 << 20, 5: 20_000}),
    SettingsFrame(0, flags=["ACK"]),
    PingFrame(0, b"12345678"),
    PriorityFrame(1, depends_on=3, stream_weight=5),
    WindowUpdateFrame(0, window_increment=1000),
    WindowUpdateFrame(3, window_increment=1),
    GoAwayFrame(0, last_stream_id=0, error_code=0),
]  # fmt: skip
ALL_READ = b"all-read"
OPENING = PREFACE + SettingsFrame(0).serialize()
SEEDS = [OPENING + b"".join(frame.serialize() for frame in FRAMES[a:b]) for a, b in ((0, 9), (9, 15), (15, 24))]
WORDS = [PREFACE, b"\0", b"\xff", b"\xff\xff\xff", b"\0\0\0", GET, b"\x20", b"\x3f\xe1\x1f", b"\xbe", b"\x40\x01a\x01b",
         *(frame.serialize() for frame in FRAMES)]  # fmt: skip


@st.composite
def of_bytes(draw: st.DrawFn) -> list[bytes]:
    """The pieces of one connection's bytes: one or two seeds, mutated behind the preface."""
    return draw(pieces(OPENING + draw(mutated(SEEDS, WORDS, most=6)).removeprefix(OPENING)))


@st.composite
def of_frames(draw: st.DrawFn) -> list[bytes]:
    """The pieces of frames, most of them in order and as they were: the first wrong one ends the connection."""
    chosen = draw(st.lists(st.integers(0, len(FRAMES) - 1), max_size=20))
    sent = [OPENING]
    for at in chosen if draw(st.integers(0, 3)) == 3 else sorted(set(chosen)):
        content = bytearray(FRAMES[at].serialize())
        match draw(st.integers(0, 30)):
            case 30:
                content[5:9] = draw(st.integers(0, 15)).to_bytes(4)
            case 29:
                content[4] ^= 1 << draw(st.integers(0, 7))
        sent.append(bytes(content))
    return draw(pieces(b"".join(sent)))


def talk_until_all_is_read(port: int, sent: list[bytes]) -> None:
    """Send pieces of whole frames, and go away when the server has read all of them, or has closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as connection:
        received = b""
        with contextlib.suppress(ConnectionError):
            for piece in [*sent, PingFrame(0, ALL_READ).serialize()]:
                connection.sendall(piece)
            while ALL_READ not in received and (more := connection.recv(65536)):
                received += more


def attack(port: int, failures: Failures, sent: list[bytes], *, whole: bool) -> None:
    """Send pieces, and see that the server is well; `whole` is whether they end where a frame ends."""
    failures.texts.clear()
    if whole:
        talk_until_all_is_read(port, sent)
    else:
        talk(port, sent, ANSWER_SECONDS)
    good = talk(port, [GOOD], ANSWER_SECONDS)
    assert good.startswith(b"HTTP/1.1 200 OK\r\nX-Path: /good\r\n"), good
    settled = talk(port, [OPENING], ANSWER_SECONDS)
    assert settled[3:4] == b"\x04", settled
    assert not failures.texts, failures.texts


def run(seeds: Iterable[int]) -> int:
    """Attack some 200 times for each seed; how many attacks there were. AssertionError or TimeoutError if one hits."""
    with server() as (port, failures):
        count = 0
        for seed in seeds:
            count += attempted([of_bytes()], partial(attack, port, failures, whole=False), [seed], examples=100)
            count += attempted([of_frames()], partial(attack, port, failures, whole=True), [seed], examples=100)
        return count


if __name__ == "__main__":
    command(run, __doc__)
