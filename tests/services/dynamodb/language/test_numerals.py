"""Numbers: their canonical text, their size, and bytes that are ordered as they are."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kumoi.services.dynamodb.language.numerals import EXACT, canonical, canonical_decimal, size_of_number, sort_bytes
from kumoi.wire.errors import AwsError

numbers = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent, EXACT),
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.integers(-130, 125),
).filter(lambda number: number == 0 or -130 <= number.adjusted() <= 125)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("1", "1"),
        ("00042", "42"),
        ("1.0", "1"),
        ("1E3", "1000"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+7", "7"),
        ("-0", "0"),
        ("-0.0e5", "0"),
        ("0e999999999", "0"),
        ("1.50", "1.5"),
        ("120e-1", "12"),
        ("-1.2e-3", "-0.0012"),
        ("1e125", "1" + "0" * 125),
        ("1e-130", "0." + "0" * 129 + "1"),
        ("9" * 38, "9" * 38),
        ("9" * 38 + "0" * 10, "9" * 38 + "0" * 10),
    ],
)
def test_a_number_is_stored_plainly(text: str, stored: str) -> None:
    assert canonical(text) == stored


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The parameter cannot be converted to a numeric value"),
        (" 1", "The parameter cannot be converted to a numeric value:  1"),
        ("1e", "The parameter cannot be converted to a numeric value: 1e"),
        ("NaN", "The parameter cannot be converted to a numeric value: NaN"),
        ("١", "The parameter cannot be converted to a numeric value: ١"),
        ("1" * 39, "Attempting to store more than 38 significant digits in a Number"),
        ("1e126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ("1e99999999999", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ("1e-131", "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
        ("1e-9999999999", "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
    ],
)
def test_what_is_no_number_is_refused(text: str, message: str) -> None:
    with pytest.raises(AwsError) as refused:
        canonical(text)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("text", "size"), [("0", 1), ("1200", 2), ("0.0012", 2), ("10.5", 3), ("-1", 3), ("123", 3), ("100.001", 5)]
)
def test_a_number_counts_its_significant_digits(text: str, size: int) -> None:
    assert size_of_number(text) == size


@given(numbers)
def test_the_stored_number_is_the_same_number(number: Decimal) -> None:
    stored = canonical_decimal(number)
    assert Decimal(stored) == number
    assert canonical(stored) == stored


@given(numbers, numbers)
def test_bytes_are_ordered_as_numbers(one: Decimal, other: Decimal) -> None:
    left, right = sort_bytes(canonical_decimal(one)), sort_bytes(canonical_decimal(other))
    assert (left < right) == (one < other)
    assert (left == right) == (one == other)
