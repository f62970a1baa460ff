"""CBOR: RFC 8949's own examples, what Hypothesis thinks of, and bytes that mean harm."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.wire import cbor

# RFC 8949, appendix A.
BOTH_WAYS = [
    ("00", 0),
    ("17", 23),
    ("1818", 24),
    ("1903e8", 1000),
    ("1a000f4240", 1000000),
    ("1b000000e8d4a51000", 1000000000000),
    ("1bffffffffffffffff", 18446744073709551615),
    ("3bffffffffffffffff", -18446744073709551616),
    ("20", -1),
    ("3903e7", -1000),
    ("fb3ff199999999999a", 1.1),
    ("fbc010666666666666", -4.1),
    ("f4", False),
    ("f5", True),
    ("f6", None),
    ("40", b""),
    ("4401020304", b"\1\2\3\4"),
    ("60", ""),
    ("62c3bc", "ü"),
    ("64f0908591", "𐅑"),
    ("80", []),
    ("8301820203820405", [1, [2, 3], [4, 5]]),
    ("a26161016162820203", {"a": 1, "b": [2, 3]}),
    ("c11a514b67b0", datetime(2013, 3, 21, 20, 4, tzinfo=UTC)),
]
DECODED = [
    ("f90000", 0.0),
    ("f93c00", 1.0),
    ("f93e00", 1.5),
    ("f97bff", 65504.0),
    ("f90001", 5.960464477539063e-08),
    ("fa47c35000", 100000.0),
    ("f97c00", math.inf),
    ("fbfff0000000000000", -math.inf),
    ("f7", None),
    ("c1fb41d452d9ec200000", datetime(2013, 3, 21, 20, 4, 0, 500000, tzinfo=UTC)),
    ("d74401020304", b"\1\2\3\4"),
    ("5f42010243030405ff", b"\1\2\3\4\5"),
    ("7f657374726561646d696e67ff", "streaming"),
    ("9fff", []),
    ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]),
    ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}),
]
REFUSED = [
    ("", "nothing"),
    ("18", "an argument cut short"),
    ("0000", "two values"),
    ("1c", "a reserved length"),
    ("62c328", "a text that is not UTF-8"),
    ("6261", "a text cut short"),
    ("9bffffffffffffffff", "a list longer than the bytes"),
    ("bbffffffffffffffff", "a map longer than the bytes"),
    ("5bffffffffffffffff", "bytes longer than the bytes"),
    ("ff", "a break alone"),
    ("81ff", "a break in a list of known length"),
    ("bf01ff", "a map without its last value"),
    ("5f01ff", "a number among pieces of bytes"),
    ("a18001", "a list as a key"),
    ("c160", "a text as a time"),
    ("c11bffffffffffffffff", "a time out of range"),
    ("c1f97e00", "a time that is not a number"),
    ("f8ff", "a simple value nobody knows"),
    ("81" * 5000 + "80", "nesting without end"),
    ("9f" * 5000, "nesting without end or close"),
    ("c1" * 5000 + "00", "tags without end"),
]


@pytest.mark.parametrize(("raw", "value"), BOTH_WAYS)
def test_values(raw: str, value: Any) -> None:
    assert cbor.decode(bytes.fromhex(raw)) == value
    assert cbor.encode(value).hex() == raw


@pytest.mark.parametrize(("raw", "value"), DECODED)
def test_forms_that_only_others_write(raw: str, value: Any) -> None:
    assert cbor.decode(bytes.fromhex(raw)) == value


def test_not_a_number() -> None:
    assert math.isnan(cbor.decode(bytes.fromhex("f97e00")))


@pytest.mark.parametrize("raw", [raw for raw, _ in REFUSED], ids=[why for _, why in REFUSED])
def test_what_is_not_cbor_is_refused(raw: str) -> None:
    with pytest.raises(cbor.CborError):
        cbor.decode(bytes.fromhex(raw))


@pytest.mark.parametrize("value", [1 << 64, -(1 << 64) - 1, {1, 2}, object()])
def test_what_has_no_form_is_not_written(value: Any) -> None:
    with pytest.raises(cbor.CborError):
        cbor.encode(value)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 64), (1 << 64) - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.integers(0, 4_000_000_000_000).map(lambda ms: datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms))
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(VALUES)
@settings(deadline=None)
def test_what_is_written_is_read(value: Any) -> None:
    assert cbor.decode(cbor.encode(value)) == value


@given(st.binary(max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        cbor.decode(raw)
    except cbor.CborError:
        return
