"""What fuzzers of protocols share: bytes that Hypothesis mutates and cuts, a connection, a log of failures, seeds."""

from __future__ import annotations

import argparse
import itertools
import logging
import socket
import time
from collections.abc import Callable, Iterable, Sequence

import hypothesis
from hypothesis import strategies as st

Attempt = Callable[[list[bytes]], None]


@st.composite
def mutated(draw: st.DrawFn, seeds: Sequence[bytes], words: Sequence[bytes], most: int) -> bytes:
    """One or two of the seeds, with up to `most` mutations: words, bytes, what is there copied, cut, or flipped."""
    sent = bytearray(b"".join(draw(st.lists(st.sampled_from(seeds), min_size=1, max_size=2))))
    for _ in range(draw(st.integers(0, most))):
        start = draw(st.integers(0, len(sent)))
        end = min(len(sent), start + draw(st.integers(0, 12)))
        match draw(st.sampled_from(["word", "bytes", "delete", "copy", "cut", "flip"])):
            case "word":
                sent[start:start] = draw(st.sampled_from(words))
            case "bytes":
                sent[start:end] = draw(st.binary(max_size=8))
            case "delete":
                del sent[start:end]
            case "copy":
                sent[start:start] = sent[start : start + draw(st.integers(0, 60))]
            case "cut":
                del sent[start:]
            case "flip" if start < len(sent):
                sent[start] ^= 1 << draw(st.integers(0, 7))
    return bytes(sent)


@st.composite
def pieces(draw: st.DrawFn, sent: bytes, begin: int = 0) -> list[bytes]:
    """What is sent from `begin` on, cut into up to five pieces."""
    cuts = sorted(draw(st.lists(st.integers(begin, max(begin, len(sent))), max_size=4)))
    return [sent[a:b] for a, b in zip([begin, *cuts], [*cuts, len(sent)], strict=True)]


class Failures(logging.Handler):
    """Collects what the server or its loop logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


def talk(port: int, sent: list[bytes], seconds: float) -> bytes:
    """Send pieces and nothing more; all that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        received = b""
        try:
            for piece in sent:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it closed already: what it said can still be read
        try:
            while more := connection.recv(65536):
                received += more
        except ConnectionResetError:
            pass
        return received


def attempted(
    strategies: Sequence[st.SearchStrategy[list[bytes]]], attack: Attempt, seeds: Iterable[int], examples: int
) -> int:
    """Attack with so many examples of each strategy for each seed; how many attacks there were."""
    count = 0

    def attempt(sent: list[bytes]) -> None:
        nonlocal count
        count += 1
        attack(sent)

    for seed in seeds:
        settings = hypothesis.settings(
            max_examples=examples, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
        )
        for strategy in strategies:
            hypothesis.seed(seed)(settings(hypothesis.given(strategy)(attempt)))()
    return count


def command(run: Callable[[Iterable[int]], int], doc: str | None) -> None:
    """Run a fuzzer for `--seconds`, from `--seed` on."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    deadline = time.monotonic() + arguments.seconds
    in_time = itertools.takewhile(lambda _: time.monotonic() < deadline, itertools.count(arguments.seed))
    print(f"{run(in_time)} attacks, none of them hit")
