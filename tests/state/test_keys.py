from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kumoi.state.keys import MAX_INT, MIN_INT, after_prefix, decode, encode, encode_behind

ELEMENTS = st.one_of(st.binary(max_size=6), st.text(max_size=6), st.integers(MIN_INT, MAX_INT))
KEYS = st.lists(ELEMENTS, max_size=4).map(tuple)


def order(key: tuple[object, ...]) -> list[tuple[int, object]]:
    """Python's own order of keys: bytes before str before int, texts by their UTF-8 bytes."""
    kinds = {bytes: 0, str: 1, int: 2}
    return [(kinds[type(one)], one.encode() if isinstance(one, str) else one) for one in key]


@given(KEYS)
def test_a_key_comes_back(key: tuple[str | int | bytes, ...]) -> None:
    assert decode(encode(key)) == key


BYTES = st.one_of(st.binary(max_size=6), st.lists(st.sampled_from((b"\x00", b"\xff", b"a"))).map(b"".join))


@given(KEYS, st.integers(MIN_INT, MAX_INT), BYTES, BYTES, BYTES)
def test_a_row_of_a_partition_is_encoded_as_any_other(
    stem: tuple[str | int | bytes, ...], number: int, one: bytes, two: bytes, three: bytes
) -> None:
    assert encode_behind(encode(stem), number, one, two, three) == encode((*stem, number, one, two, three))


@given(KEYS, KEYS)
def test_bytes_compare_as_keys_do(first: tuple[str | int | bytes, ...], second: tuple[str | int | bytes, ...]) -> None:
    assert (encode(first) < encode(second)) == (order(first) < order(second))


@given(KEYS, KEYS)
def test_a_prefix_covers_what_goes_on_from_it(
    prefix: tuple[str | int | bytes, ...], key: tuple[str | int | bytes, ...]
) -> None:
    raw, low = encode(key), encode(prefix)
    assert (low <= raw < after_prefix(low)) == (key[: len(prefix)] == prefix)


@pytest.mark.parametrize("wrong", [(1.5,), (None,), (True,), ((),)])
def test_other_elements_are_refused(wrong: tuple[object, ...]) -> None:
    with pytest.raises(TypeError):
        encode(wrong)  # type: ignore[arg-type]


def test_integers_have_64_bits() -> None:
    with pytest.raises(ValueError, match="64 bits"):
        encode((MAX_INT + 1,))


@given(st.binary(max_size=20))
def test_garbage_is_no_key(raw: bytes) -> None:
    try:
        key = decode(raw)
    except ValueError:
        return
    assert encode(key) == raw
