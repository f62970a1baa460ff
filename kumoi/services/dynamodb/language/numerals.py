"""Numbers: 38 significant digits between 1E-130 and 9.99…E+125, kept as plain decimal text.

Source: "Data types" ("Number") of the developer guide.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from functools import lru_cache

from kumoi.services.dynamodb.errors import invalid

_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SHORT = 38
_REMEMBERED = 8
MOST_DIGITS = 38
LEAST_EXPONENT, MOST_EXPONENT = -130, 125
_NOT_A_NUMBER = "The parameter cannot be converted to a numeric value"
_MOST_EXPONENT_DIGITS = 6

EXACT = Context(prec=512, Emin=-9999, Emax=9999)
"""Arithmetic that loses nothing: two numbers in range are never further apart than 257 digits."""


def canonical(text: str) -> str:
    """A number as it is stored: plain, without needless zeros; ValidationException for what is none or out of range."""
    if len(text) < _SHORT and text.isdigit() and text.isascii() and text[0] != "0":
        return text
    if len(text) <= _SHORT and _PLAIN.fullmatch(text) and text != "-0":
        return text
    if not _NUMBER.fullmatch(text):
        raise invalid(f"{_NOT_A_NUMBER}: {text}" if text else _NOT_A_NUMBER)
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("+-").partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits.strip("0"):
        return "0"
    shift = exponent.lstrip("+-").lstrip("0") or "0"
    if len(shift) > _MOST_EXPONENT_DIGITS:
        raise _too_small() if exponent.startswith("-") else _too_large()
    power = int(shift) * (-1 if exponent.startswith("-") else 1) - len(fraction)
    significant = digits.rstrip("0")
    power += len(digits) - len(significant)
    if len(significant) > MOST_DIGITS:
        raise invalid("Attempting to store more than 38 significant digits in a Number")
    magnitude = len(significant) - 1 + power
    if magnitude > MOST_EXPONENT:
        raise _too_large()
    if magnitude < LEAST_EXPONENT:
        raise _too_small()
    sign = "-" if text.startswith("-") else ""
    if power >= 0:
        return sign + significant + "0" * power
    if -power < len(significant):
        return f"{sign}{significant[:power]}.{significant[power:]}"
    return f"{sign}0.{'0' * (-power - len(significant))}{significant}"


def canonical_decimal(value: Decimal) -> str:
    """The result of arithmetic as it is stored."""
    return canonical(format(value, "E"))


def size_of_number(text: str) -> int:
    """Bytes that a canonical number counts for."""
    if text.isdigit():
        return 1 + (len(text.rstrip("0")) + 1) // 2
    whole, _, fraction = text.lstrip("-").partition(".")
    if whole == "0":
        whole, fraction = "", fraction.lstrip("0")
    elif not fraction:
        whole = whole.rstrip("0")
    if not whole and not fraction:
        return 1
    return 1 + (len(whole) + 1) // 2 + (len(fraction) + 1) // 2 + text.startswith("-")


def size_of_canonical(text: str) -> int:
    """The bytes that a number counts for; 0 where the text is not in canonical form, or no number."""
    return _size_of_short(text) if len(text) <= _REMEMBERED else _size_if_canonical(text)


def _size_if_canonical(text: str) -> int:
    if len(text) > _SHORT or not _PLAIN.fullmatch(text) or text == "-0":
        return 0
    return size_of_number(text)


_size_of_short = lru_cache(4096)(_size_if_canonical)
"""Amounts, prices, versions: the short ones come again and again."""


def sort_bytes(text: str) -> bytes:
    """Bytes of a canonical number that compare as the numbers do: sign and exponent, then digits, two to a byte."""
    if text == "0":
        return b"\x80"
    negative = text[0] == "-"
    whole, _, fraction = text.lstrip("-").partition(".")
    if whole == "0":
        digits = fraction.lstrip("0")
        exponent = len(digits) - len(fraction)
    else:
        digits = whole + fraction
        exponent = len(whole)
    digits = digits.rstrip("0")
    if len(digits) % 2:
        digits += "0"
    pairs = bytes(int(digits[at : at + 2]) + 1 for at in range(0, len(digits), 2))
    raw = bytes((0xC0,)) + (exponent + 512).to_bytes(2) + pairs
    if not negative:
        return raw
    return bytes(255 - byte for byte in raw) + b"\xff"


def _too_large() -> Exception:
    return invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")


def _too_small() -> Exception:
    return invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
