"""Values of records, by the type: what Route 53 refuses, in its words; pure.

Source: "Supported DNS record types" of the developer guide. The texts of A, AAAA, names and character strings are those
of recorded answers, the others are made like them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from kumoi.services.route53.domain_names import BadName, canonical

_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"(?:[ \t]+"(?:[^"\\]|\\.)*")*', re.DOTALL)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(?:[0-7]{3}|.)", re.DOTALL)
_LONGEST_STRING = 255
_MOST = {8: 0xFF, 16: 0xFFFF, 32: 0xFFFFFFFF}


class BadValue(ValueError):
    """A value that there cannot be: `ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)`."""


def check_value(kind: str, value: str) -> None:
    """Raise BadValue for a value that records of this type cannot have."""
    _CHECKS[kind](value)


def _a(value: str) -> None:
    try:
        IPv4Address(value)
    except AddressValueError:
        raise BadValue("ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)") from None


def _aaaa(value: str) -> None:
    try:
        IPv6Address(value)
    except AddressValueError:
        raise BadValue("AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)") from None


def _name(value: str) -> None:
    if value == ".":
        return
    try:
        canonical(value)
    except BadName as problem:
        raise BadValue(str(problem).partition("FATAL problem: ")[2].rpartition(" encountered with")[0]) from None
    if re.search(r"\s", value):
        raise BadValue("UnsupportedCharacter (Value contains unsupported characters)")


def _strings(value: str) -> None:
    if not _STRINGS.fullmatch(value.strip()):
        raise BadValue("InvalidCharacterString (Value should be enclosed in quotation marks)")
    for one in _STRING.findall(value):
        if len(_ESCAPED.sub("x", one).encode()) > _LONGEST_STRING:
            raise BadValue("CharacterStringTooLong (Value is too long)")


def _fields(kind: str, *checks: Callable[[str], None]) -> Callable[[str], None]:
    """A check of values of several fields; the last may hold blanks."""

    def check(value: str) -> None:
        fields = value.split(None, len(checks) - 1)
        if len(fields) != len(checks):
            raise BadValue(f"{kind}RRDATANotEnoughFields (Record doesn't have {len(checks)} fields)")
        for one, field in zip(checks, fields, strict=True):
            one(field)

    return check


def _number(bits: int) -> Callable[[str], None]:
    def check(value: str) -> None:
        if not (value.isascii() and value.isdigit()) or int(value[:11]) > _MOST[bits] or len(value) > 11:
            raise BadValue(f"InvalidInteger (Value is not a number of {bits} bits)")

    return check


def _word(value: str) -> None:
    if not value or re.search(r"\s", value):
        raise BadValue("UnsupportedCharacter (Value contains unsupported characters)")


def _hexadecimal(value: str) -> None:
    if not re.fullmatch(r"(?:[0-9A-Fa-f]{2}[ ]?)+", value):
        raise BadValue("InvalidHexadecimal (Value is not hexadecimal)")


def _parameters(_value: str) -> None:
    """Parameters of a service binding are as the client writes them."""


def _service(kind: str) -> Callable[[str], None]:
    short, long = _fields(kind, _number(16), _name), _fields(kind, _number(16), _name, _parameters)
    return lambda value: (short if len(value.split()) == 2 else long)(value)


_CHECKS: Mapping[str, Callable[[str], None]] = {
    "A": _a,
    "AAAA": _aaaa,
    "CAA": _fields("CAA", _number(8), _word, _strings),
    "CNAME": _name,
    "DS": _fields("DS", _number(16), _number(8), _number(8), _hexadecimal),
    "HTTPS": _service("HTTPS"),
    "MX": _fields("MX", _number(16), _name),
    "NAPTR": _fields("NAPTR", _number(16), _number(16), _strings, _strings, _strings, _name),
    "NS": _name,
    "PTR": _name,
    "SOA": _fields("SOA", _name, _name, *[_number(32)] * 5),
    "SPF": _strings,
    "SRV": _fields("SRV", _number(16), _number(16), _number(16), _name),
    "SSHFP": _fields("SSHFP", _number(8), _number(8), _hexadecimal),
    "SVCB": _service("SVCB"),
    "TLSA": _fields("TLSA", _number(8), _number(8), _number(8), _hexadecimal),
    "TXT": _strings,
}
