"""Checksums against their published check values, however the bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kumoi.wire.checksums import CHECKSUMS, checksum, decoded, encoded


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        # Check values of "123456789" in the catalogue of parametrised CRC algorithms, and of the hashes.
        ("crc32", "cbf43926"),
        ("crc32c", "e3069283"),
        ("crc64nvme", "ae8b14860a799888"),
        ("md5", "25f9e794323b453885f5181f1b624d0b"),
        ("sha1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        ("sha256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
    ],
)
def test_check_values(name: str, digest: str) -> None:
    running = checksum(name)
    running.update(b"123456789")
    assert running.digest().hex() == digest


@given(st.sampled_from(sorted(CHECKSUMS)), st.lists(st.binary(max_size=20), max_size=5))
def test_it_does_not_matter_how_bytes_arrive(name: str, pieces: list[bytes]) -> None:
    whole, running = checksum(name), checksum(name)
    whole.update(b"".join(pieces))
    for piece in pieces:
        running.update(piece)
    assert running.digest() == whole.digest()
    assert decoded(encoded(whole.digest()), name) == whole.digest()


@pytest.mark.parametrize("text", ["", "====", "AAAA", "yZRlqg", "yZRlqg==yZRlqg=="])
def test_what_cannot_be_a_digest(text: str) -> None:
    assert decoded(text, "crc32") is None
