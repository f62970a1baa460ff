"""What a pattern demands of one value: exact values, and tests made from operators.

Each maker takes what stands behind its operator in the pattern and answers a test of one scalar of an event (a string,
a number, a boolean or None). Numbers compare by value, and never equal a string.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

Test = Callable[[Any], bool]

MOST_WILDCARDS = 4
"""With more `*` than these, a segment of one character between them may not come twice: ours, AWS's rule is unknown."""


class PatternError(ValueError):
    """A pattern that is none; the text is AWS's reason."""


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def make_test(operator: str, operand: Any) -> Test:
    """The test of `{operator: operand}`; PatternError for what is none. `exists` is not among them."""
    maker = _MAKERS.get(operator)
    if maker is None:
        raise PatternError(f"Unrecognized match type {operator}")
    return maker(operand)


def _prefix(operand: Any) -> Test:
    return _edge("prefix", operand, str.startswith)


def _suffix(operand: Any) -> Test:
    return _edge("suffix", operand, str.endswith)


def _edge(operator: str, operand: Any, has: Callable[[str, str], bool]) -> Test:
    if isinstance(operand, dict) and list(operand) == ["equals-ignore-case"]:
        folded = _text(operator, operand["equals-ignore-case"]).lower()
        return lambda value: isinstance(value, str) and has(value.lower(), folded)
    text = _text(operator, operand)
    return lambda value: isinstance(value, str) and has(value, text)


def _equals_ignore_case(operand: Any) -> Test:
    folded = _text("equals-ignore-case", operand).lower()
    return lambda value: isinstance(value, str) and value.lower() == folded


def _wildcard(operand: Any) -> Test:
    pieces = wildcard_pieces(_text("wildcard", operand))
    if len(pieces) == 1:
        return lambda value: bool(value == pieces[0])
    first, *middle, last = pieces

    def matches(value: Any) -> bool:
        if not isinstance(value, str) or not value.startswith(first):
            return False
        at, end = len(first), len(value) - len(last)
        for piece in middle:
            at = value.find(piece, at, max(end, 0))
            if at < 0:
                return False
            at += len(piece)
        return at <= end and value.endswith(last)

    return matches


def wildcard_pieces(text: str) -> list[str]:
    r"""What stands between the `*` of a wildcard; `\*` and `\\` stand for themselves."""
    pieces, piece, position = [], "", 0
    while position < len(text):
        character = text[position]
        if character == "\\":
            escaped = text[position + 1 : position + 2]
            if escaped not in ("*", "\\"):
                raise PatternError(f"Invalid escape character at pos {position}")
            piece += escaped
            position += 1
        elif character == "*":
            if text[position + 1 : position + 2] == "*":
                raise PatternError(f"Consecutive wildcard characters at pos {position}")
            pieces.append(piece)
            piece = ""
        else:
            piece += character
        position += 1
    pieces.append(piece)
    short = [one for one in pieces[1:-1] if len(one) == 1]
    if len(pieces) - 1 > MOST_WILDCARDS and len(set(short)) < len(short):
        raise PatternError(
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after "
            "a wildcard character"
        )
    return pieces


def _cidr(operand: Any) -> Test:
    text = _text("prefix", operand)  # AWS says prefix here, too
    address, slash, bits = text.partition("/")
    if not slash or "/" in bits:
        raise PatternError("Malformed CIDR, one '/' required")
    if not re.fullmatch(r"[0-9]+", bits):
        raise PatternError("Malformed CIDR, mask bits must be an integer")
    try:
        network = ipaddress.ip_network(f"{ipaddress.ip_address(address)}/{bits}", strict=False)
    except ValueError:
        raise PatternError(f"Nonstandard IP address: {address}") from None

    def matches(value: Any) -> bool:
        if not isinstance(value, str):
            return False
        try:
            found = ipaddress.ip_address(value)
        except ValueError:
            return False
        return found.version == network.version and found in network

    return matches


_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


def _numeric(operand: Any) -> Test:
    if not isinstance(operand, list):
        raise PatternError("Value of numeric must be an array.")
    if not operand or not isinstance(operand[0], str):
        member = orjson.dumps(operand[0]).decode() if operand else "]"
        raise PatternError(f"Invalid member in numeric match: {member}")
    operator, *rest = operand
    if operator not in _COMPARE:
        raise PatternError(f"Unrecognized numeric range operator: {operator}")
    if not rest or not is_number(rest[0]):
        raise PatternError(f"Value of {'equals' if operator == '=' else operator} must be numeric")
    low, *rest = rest
    first = _COMPARE[operator]
    if not rest:
        return lambda value: is_number(value) and first(value, low)
    if operator not in (">", ">="):
        raise PatternError("Too many elements in numeric expression")
    upper, *rest = rest
    if not isinstance(upper, str):
        raise PatternError(f"Bad value in numeric range: {orjson.dumps(upper).decode()}")
    if upper not in ("<", "<="):
        raise PatternError(f"Bad numeric range operator: {upper}")
    if not rest or not is_number(rest[0]):
        raise PatternError(f"Value of {upper} must be numeric")
    high, *rest = rest
    if low >= high:
        raise PatternError("Bottom must be less than top")
    if rest:
        raise PatternError("Too many terms in numeric range expression")
    second = _COMPARE[upper]
    return lambda value: is_number(value) and first(value, low) and second(value, high)


def _anything_but(operand: Any) -> Test:
    if isinstance(operand, dict):
        return _anything_but_test(operand)
    values = operand if isinstance(operand, list) else [operand]
    if not isinstance(operand, list) and not (isinstance(operand, str) or is_number(operand)):
        raise PatternError("Value of anything-but must be an array or single string/number value.")
    if not values:
        raise PatternError("Empty arrays are not allowed")
    for value in values:
        if not (isinstance(value, str) or is_number(value)):
            raise PatternError("Inside anything but list, start|null|boolean is not supported.")
    texts = frozenset(value for value in values if isinstance(value, str))
    numbers = frozenset(float(value) for value in values if is_number(value))
    if texts and numbers:
        raise PatternError(
            "Inside anything but list, either all values are number or string, mixed type is not supported"
        )
    return lambda value: not (value in texts if isinstance(value, str) else is_number(value) and value in numbers)


def _anything_but_test(operand: dict[str, Any]) -> Test:
    if not operand:
        raise PatternError("Anything-But expression name not found")
    if len(operand) != 1:
        raise PatternError("Only one key allowed in match expression")
    operator, given = next(iter(operand.items()))
    if operator not in ("prefix", "suffix", "equals-ignore-case", "wildcard"):
        raise PatternError(f"Unsupported anything-but pattern: {operator}")
    if not (isinstance(given, str | list) or is_number(given)):
        raise PatternError("Value of anything-but must be an array or single string/number value.")
    values = given if isinstance(given, list) else [given]
    if not values:
        raise PatternError("Empty arrays are not allowed")
    is_edge = operator in ("prefix", "suffix")
    for value in values:
        if not isinstance(value, str):
            if operator == "equals-ignore-case":
                raise PatternError(
                    "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
                )
            raise PatternError(f"{'prefix/suffix' if is_edge else operator} match pattern must be a string")
        if not value and is_edge:
            raise PatternError("Null prefix/suffix not allowed")
    tests = [make_test(operator, value) for value in values]
    return lambda value: not any(test(value) for test in tests)


def _text(operator: str, operand: Any) -> str:
    if not isinstance(operand, str):
        raise PatternError(f"{operator} match pattern must be a string")
    return operand


_MAKERS: Mapping[str, Callable[[Any], Test]] = {
    "anything-but": _anything_but,
    "cidr": _cidr,
    "equals-ignore-case": _equals_ignore_case,
    "numeric": _numeric,
    "prefix": _prefix,
    "suffix": _suffix,
    "wildcard": _wildcard,
}
