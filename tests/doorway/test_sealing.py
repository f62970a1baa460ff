"""Sealed values open for their own context and nothing else."""

from __future__ import annotations

import pytest

from kumoi.doorway.sealing import Sealer


def test_a_sealed_value_hides_its_content_and_opens() -> None:
    sealer = Sealer(b"m" * 32)
    sealed = sealer.seal(b"hunter2", "a")
    assert b"hunter2" not in sealed
    assert sealed != sealer.seal(b"hunter2", "a")
    assert Sealer(b"m" * 32).open(sealed, "a") == b"hunter2"


@pytest.mark.parametrize(
    ("master", "context", "change"),
    [
        (b"m" * 32, "b", lambda sealed: sealed),
        (b"n" * 32, "a", lambda sealed: sealed),
        (b"m" * 32, "a", lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (b"m" * 32, "a", lambda sealed: sealed[:8]),
        (b"m" * 32, "a", lambda sealed: b"plain text"),
    ],
)
def test_it_does_not_open_elsewhere_or_changed(master: bytes, context: str, change: object) -> None:
    sealed = Sealer(b"m" * 32).seal(b"hunter2", "a")
    with pytest.raises(ValueError, match="sealed"):
        Sealer(master).open(change(sealed), context)  # type: ignore[operator]
