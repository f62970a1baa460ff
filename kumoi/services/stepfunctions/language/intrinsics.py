"""The intrinsic functions of JSONPath states: `States.Format('{} of {}', $.a, $.b)`, compiled and evaluated.

Source: "Intrinsic functions for JSONPath states in Step Functions".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import random
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from kumoi.names import uuid
from kumoi.services.stepfunctions.language import json_path
from kumoi.services.stepfunctions.language.errors import INTRINSIC_FAILURE, Invalid, StateError
from kumoi.services.stepfunctions.language.json_text import dumps, java_text, loads
from kumoi.services.stepfunctions.language.scope import Expression, Scope

MAX_NESTING = 10
MAX_CHARACTERS = 10_000
MAX_RANGE = 1_000
_CALL = re.compile(r"States\.([A-Za-z0-9]+)\s*\(")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?=\s*[,)])")
_WORD = re.compile(r"(true|false|null)(?=\s*[,)])")
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'")
_ESCAPE = re.compile(r"\\(.)")
_WORDS = {"true": True, "false": False, "null": None}
_ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
_OPEN, _CLOSE = "\ue000", "\ue001"
"""Stand for escaped braces inside of a template of States.Format."""


def is_call(text: str) -> bool:
    """Whether a text means to call an intrinsic function."""
    return text.startswith("States.")


@lru_cache(4096)
def parse(text: str) -> Expression:
    """Compile a call; Invalid when it is none."""
    parser = _Parser(text)
    call = parser.call(1)
    parser.skip()
    if parser.at != len(text):
        raise Invalid(f"unexpected text behind the call at {parser.at}")
    return call


def failed(why: str) -> StateError:
    """States.IntrinsicFailure."""
    return StateError(INTRINSIC_FAILURE, why, located=True)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def skip(self) -> None:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1

    def call(self, depth: int) -> Expression:
        if depth > MAX_NESTING:
            raise Invalid(f"intrinsic functions may be nested {MAX_NESTING} levels deep")
        match = _CALL.match(self.text, self.at)
        if match is None or match.group(1) not in FUNCTIONS:
            raise Invalid("not a call of a known intrinsic function")
        self.at = match.end()
        name = match.group(1)
        function, least, most = FUNCTIONS[name]
        arguments: list[Expression] = []
        self.skip()
        while not self._take(")"):
            arguments.append(self._argument(depth))
            self.skip()
            if self._take(","):
                self.skip()
            elif self.text[self.at : self.at + 1] != ")":
                raise Invalid(f"')' is missing at {self.at}")
        if not least <= len(arguments) <= most:
            raise Invalid(f"States.{name} does not take {len(arguments)} arguments")

        def evaluate(scope: Scope) -> Any:
            return function(*(argument(scope) for argument in arguments))

        return evaluate

    def _take(self, token: str) -> bool:
        if not self.text.startswith(token, self.at):
            return False
        self.at += len(token)
        return True

    def _argument(self, depth: int) -> Expression:
        if self.text.startswith("States.", self.at):
            return self.call(depth + 1)
        if self.text.startswith("$", self.at):
            return json_path.parse(self._path())
        constant = self._constant()
        return lambda _: constant

    def _constant(self) -> Any:
        if match := _STRING.match(self.text, self.at):
            self.at = match.end()
            return _ESCAPE.sub(_unescape, match.group(1))
        if match := _NUMBER.match(self.text, self.at):
            self.at = match.end()
            text = match.group()
            return int(text) if text.lstrip("-").isdigit() else float(text)
        if match := _WORD.match(self.text, self.at):
            self.at = match.end()
            return _WORDS[match.group()]
        raise Invalid(f"an argument is missing or wrong at {self.at}")

    def _path(self) -> str:
        """The text of a path: up to the comma or parenthesis that ends the argument."""
        start, open_ones, quote = self.at, 0, ""
        while self.at < len(self.text):
            character = self.text[self.at]
            if quote:
                if character == "\\":
                    self.at += 1
                elif character == quote:
                    quote = ""
            elif character in "'\"":
                quote = character
            elif character in "([":
                open_ones += 1
            elif character in ")]" and open_ones:
                open_ones -= 1
            elif character in ",)":
                break
            self.at += 1
        return self.text[start : self.at].strip()


def _unescape(match: re.Match[str]) -> str:
    character = match.group(1)
    return {"n": "\n", "r": "\r", "t": "\t", "{": _OPEN, "}": _CLOSE}.get(character, character)


def _plain(text: str) -> str:
    return text.replace(_OPEN, "{").replace(_CLOSE, "}")


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise failed(f"States.{name} needs a string, but got {dumps(value)}")
    return _plain(value)


def _short(name: str, value: Any) -> str:
    text = _text(name, value)
    if len(text) > MAX_CHARACTERS:
        raise failed(f"States.{name} takes at most {MAX_CHARACTERS} characters")
    return text


def _array(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise failed(f"States.{name} needs an array, but got {dumps(value)}")
    return value


def _whole(name: str, value: Any) -> int:
    """A number, rounded half up as Java's Math.round does."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise failed(f"States.{name} needs a number, but got {dumps(value)}")
    return value if isinstance(value, int) else math.floor(value + 0.5)


def _format(template: Any, *values: Any) -> str:
    if not isinstance(template, str):
        raise failed("States.Format needs a string as its template")
    pieces = template.split("{}")
    if len(pieces) - 1 != len(values):
        raise failed(f"States.Format has {len(pieces) - 1} places for {len(values)} values")
    if any("{" in piece or "}" in piece for piece in pieces):
        raise failed("States.Format takes {} only; escape braces that mean themselves")
    shown = [_plain(value) if isinstance(value, str) else java_text(value) for value in values]
    return _plain(pieces[0]) + "".join(value + _plain(piece) for value, piece in zip(shown, pieces[1:], strict=True))


def _string_to_json(value: Any) -> Any:
    text = _text("StringToJson", value)
    if not text.strip():
        return None
    try:
        parsed = loads(text)
    except ValueError:
        raise failed(f"States.StringToJson cannot parse {dumps(text)}") from None
    return 0 if isinstance(parsed, int) and parsed == 0 and not isinstance(parsed, bool) else parsed


def _key(value: Any) -> Any:
    """What is equal, and hashes alike, where JSON values are the same: numbers by value, and no boolean is a number."""
    if isinstance(value, bool):
        return bool, value
    if isinstance(value, list):
        return list, tuple(map(_key, value))
    if isinstance(value, dict):
        return dict, frozenset((name, _key(one)) for name, one in value.items())
    return value


def _partition(value: Any, size: Any) -> list[list[Any]]:
    array, width = _array("ArrayPartition", value), _whole("ArrayPartition", size)
    if width <= 0:
        raise failed("States.ArrayPartition needs a chunk size above zero")
    return [array[start : start + width] for start in range(0, len(array), width)]


def _range(first: Any, last: Any, step: Any) -> list[int]:
    start, end, width = (_whole("ArrayRange", value) for value in (first, last, step))
    if width == 0:
        raise failed("States.ArrayRange needs a step other than zero")
    numbers = range(start, end + (1 if width > 0 else -1), width)
    if len(numbers) > MAX_RANGE:
        raise failed(f"States.ArrayRange makes at most {MAX_RANGE} elements")
    return list(numbers)


def _item(value: Any, index: Any) -> Any:
    array, place = _array("ArrayGetItem", value), _whole("ArrayGetItem", index)
    if not 0 <= place < len(array):
        raise failed(f"States.ArrayGetItem: there is no element {place} in an array of {len(array)}")
    return array[place]


def _unique(value: Any) -> list[Any]:
    found: dict[Any, Any] = {}
    for one in _array("ArrayUnique", value):
        found.setdefault(_key(one), one)
    return list(found.values())


def _decode(value: Any) -> str:
    try:
        return base64.b64decode(_short("Base64Decode", value), validate=True).decode()
    except (binascii.Error, ValueError):
        raise failed("States.Base64Decode got no Base64 text") from None


def _hash(value: Any, algorithm: Any) -> str:
    if algorithm not in _ALGORITHMS:
        raise failed(f"States.Hash does not know the algorithm {dumps(algorithm)}")
    text = _plain(value) if isinstance(value, str) else dumps(value)
    return hashlib.new(_ALGORITHMS[algorithm], _short("Hash", text).encode(), usedforsecurity=False).hexdigest()


def _merge(left: Any, right: Any, deep: Any) -> dict[str, Any]:
    if deep is not False:
        raise failed("States.JsonMerge supports the shallow mode only: its third argument must be false")
    if not isinstance(left, dict) or not isinstance(right, dict):
        raise failed("States.JsonMerge needs two objects")
    return {**left, **right}


def _add(left: Any, right: Any) -> int:
    total = _whole("MathAdd", left) + _whole("MathAdd", right)
    if not -(2**31) <= total < 2**31:
        raise failed("States.MathAdd: the sum is beyond 32 bits")
    return total


def _random(start: Any, end: Any, seed: Any = None) -> int:
    low, high = _whole("MathRandom", start), _whole("MathRandom", end)
    if low >= high:
        raise failed("States.MathRandom needs a start below its end")
    source = random.Random(_whole("MathRandom", seed)) if seed is not None else random
    return source.randrange(low, high)


def _split(value: Any, delimiters: Any) -> list[str]:
    text, characters = _text("StringSplit", value), _text("StringSplit", delimiters)
    if not characters:
        return [text] if text else []
    return [piece for piece in re.split(f"[{re.escape(characters)}]", text) if piece]


_MANY = 1_000
FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "Array": (lambda *values: [_plain(one) if isinstance(one, str) else one for one in values], 0, _MANY),
    "ArrayContains": (
        lambda array, value: _key(value) in map(_key, _array("ArrayContains", array)),
        2,
        2,
    ),
    "ArrayGetItem": (_item, 2, 2),
    "ArrayLength": (lambda array: len(_array("ArrayLength", array)), 1, 1),
    "ArrayPartition": (_partition, 2, 2),
    "ArrayRange": (_range, 3, 3),
    "ArrayUnique": (_unique, 1, 1),
    "Base64Decode": (_decode, 1, 1),
    "Base64Encode": (lambda value: base64.b64encode(_short("Base64Encode", value).encode()).decode(), 1, 1),
    "Format": (_format, 1, _MANY),
    "Hash": (_hash, 2, 2),
    "JsonMerge": (_merge, 3, 3),
    "JsonToString": (dumps, 1, 1),
    "MathAdd": (_add, 2, 2),
    "MathRandom": (_random, 2, 3),
    "StringSplit": (_split, 2, 2),
    "StringToJson": (_string_to_json, 1, 1),
    "UUID": (uuid, 0, 0),
}
"""Each function with the least and the most arguments it takes."""


def names() -> Sequence[str]:
    """The names of all intrinsic functions."""
    return tuple(FUNCTIONS)
