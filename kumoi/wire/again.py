"""Answering again: what a data plane offers with a response, so that requests like it need no call of their own.

"Like it" is a GET whose header fields are the same bytes; only its target may differ. The gateway keeps the offer with
those bytes and asks it first (`kumoi/gateway/repeats.py`). Whoever offers answers exactly what its data plane would, or
declines; it leaves behind itself what a call leaves behind (hops, units, logs).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from kumoi.wire.http import Response


class Frame(NamedTuple):
    """An answer in bytes, with blanks: `head` has a `%b` for each value that differs, and at last for the date.

    `dated` is whether it has one of its own, and no blank for it.
    """

    head: bytes
    body: bytes
    dated: bool


Framing = Callable[["Response", Sequence[str]], Frame | None]
"""Makes a frame of a response in which some values are blanks, in this order; None for what cannot be one."""


class Again(Protocol):
    """Answers requests like one before."""

    def __call__(
        self, target: str, client: tuple[str, int], framing: Framing
    ) -> tuple[Frame, tuple[bytes, ...]] | None:
        """The frame for the GET of a target, and what its blanks hold; None where the data plane must be asked.

        `client` is (host, port) of the peer.
        """
