"""Regular expressions of filter patterns: AWS's subset, matched in linear time.

The subset has no groups, so an expression is alternatives of repeated characters and classes. It runs as a
deterministic automaton over UTF-8 bytes that is built while it is used: no expression, however made, takes more than
one step for a byte.

Rules: "Supported regular expressions (regex) syntax" of the user guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from kumoi.services.logs.filter_pattern.lexer import Malformed

_MAX_POSITIONS = 2_000
_MAX_STATES = 500
_ASCII = (1 << 128) - 1
_ANY = _ASCII | 1 << 128
_OTHER = 128
"""The code that stands for every character beyond ASCII."""


def _codes(characters: str) -> int:
    return sum(1 << code for code in set(map(ord, characters)))


_DIGIT = _codes("0123456789")
_WORD = _codes("0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_SPACE = _codes(" \t\n\r\f\v")
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE, "D": _ANY ^ _DIGIT, "W": _ANY ^ _WORD, "S": _ANY ^ _SPACE}
_CONTROLS = {"n": 10, "t": 9, "r": 13, "f": 12, "v": 11}
_REPEAT = re.compile(r"[*+?]|\{(\d*)(,?)(\d*)\}")


class Item(NamedTuple):
    """A set of characters (a bit for each code) that occurs `least` to `most` times; None is without end."""

    codes: int
    least: int
    most: int | None


class Alternative(NamedTuple):
    """A sequence of items, and whether it must stand at the message's start and end."""

    items: list[Item]
    at_start: bool
    at_end: bool


def _failed() -> Malformed:
    return Malformed("Failed to compile regular expression.")


class Regex:
    """A compiled expression. `search` tells whether it occurs in a text."""

    def __init__(self, source: str) -> None:
        self._sets: list[int] = []
        self._follow: list[int] = []
        self._begin_anywhere = 0
        self._begin_at_start = 0
        self._accept = 0
        self._accept_at_end = 0
        for alternative in _Parser(source).alternatives():
            self._add(alternative)
        self._states: dict[int, list[Any]] = {}

    def search(self, text: str) -> bool:
        """Whether the expression occurs in `text`."""
        content = text.encode("utf-8", "surrogatepass")
        state = self._state(self._begin_anywhere | self._begin_at_start)
        tail = content[-1:] if content.endswith(b"\n") else b""
        for byte in content[: len(content) - len(tail)]:
            state = state[byte] or self._step(state, byte)
        if state[256] & (self._accept | self._accept_at_end):
            return True
        for byte in tail:
            state = state[byte] or self._step(state, byte)
        return bool(state[256] & (self._accept | self._accept_at_end))

    def _add(self, alternative: Alternative) -> None:
        """Lay out an alternative's positions: one bit for each character it may consume, one for its end."""
        copies: list[tuple[int, bool, bool]] = []
        for codes, least, most in alternative.items:
            copies += [(codes, False, False)] * least
            if most is None:
                copies.append((codes, True, True))
            else:
                copies += [(codes, True, False)] * (most - least)
            if len(self._sets) + len(copies) > _MAX_POSITIONS:
                raise _failed()
        first = len(self._sets)
        end = first + len(copies)
        entry = [0] * len(copies) + [1 << end]
        for place in range(len(copies) - 1, -1, -1):
            optional = copies[place][1]
            entry[place] = 1 << (first + place) | (entry[place + 1] if optional else 0)
        for place, (codes, _, repeats) in enumerate(copies):
            self._sets.append(codes)
            self._follow.append(entry[place + 1] | (entry[place] if repeats else 0))
        self._sets.append(0)
        self._follow.append(0)
        if alternative.at_start:
            self._begin_at_start |= entry[0]
        else:
            self._begin_anywhere |= entry[0]
        if alternative.at_end:
            self._accept_at_end |= 1 << end
        else:
            self._accept |= 1 << end

    def _state(self, positions: int) -> list[Any]:
        """The automaton's state for a set of positions: 256 following states (None: not known yet), and the set."""
        if positions & self._accept:
            positions = self._accept
        state = self._states.get(positions)
        if state is None:
            if len(self._states) >= _MAX_STATES:
                self._states.clear()
            state = self._states[positions] = [None] * 256 + [positions]
            state[0x80:0xC0] = [state] * 64  # what continues a character changes nothing
        return state

    def _step(self, state: list[Any], byte: int) -> list[Any]:
        positions = state[256]
        if positions & self._accept:
            following = positions
        else:
            following, code = self._begin_anywhere, 1 << min(byte, _OTHER)
            while positions:
                lowest = positions & -positions
                place = lowest.bit_length() - 1
                if self._sets[place] & code:
                    following |= self._follow[place]
                positions ^= lowest
        state[byte] = found = self._state(following)
        return found


class _Parser:
    """Reads an expression's source."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._place = 0

    def alternatives(self) -> Iterator[Alternative]:
        """Each alternative in turn."""
        while True:
            yield self._alternative()
            if self._place >= len(self._source):
                return
            self._place += 1

    def _peek(self) -> str:
        return self._source[self._place : self._place + 1]

    def _next(self) -> str:
        character = self._peek()
        if not character:
            raise _failed()
        self._place += 1
        return character

    def _alternative(self) -> Alternative:
        at_start = at_end = False
        items: list[Item] = []
        while self._peek() == "^":
            self._place += 1
            at_start = True
        while self._peek() not in ("", "|"):
            if self._peek() == "$":
                self._place += 1
                at_end = True
            elif at_end or self._peek() == "^":
                raise _failed()
            else:
                items.append(self._item())
        return Alternative(items, at_start, at_end)

    def _item(self) -> Item:
        codes = self._characters()
        match = _REPEAT.match(self._source, self._place)
        if match is None:
            return Item(codes, 1, 1)
        self._place = match.end()
        least, most = _bounds(match)
        if self._peek() == "?":  # a lazy repetition finds the same texts
            self._place += 1
        if _REPEAT.match(self._source, self._place):
            raise _failed()
        return Item(codes, least, most)

    def _characters(self) -> int:
        character = self._next()
        if character in "*+?{":
            raise _failed()
        if character == ".":
            return _ANY ^ 1 << ord("\n")
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escape()
        return 1 << ord(character)

    def _class(self) -> int:
        negated = self._peek() == "^"
        self._place += negated
        codes, first = 0, True
        while first or self._peek() != "]":
            first = False
            low = self._class_member()
            if self._peek() == "-" and self._source[self._place + 1 : self._place + 2] not in ("", "]"):
                self._place += 1
                high = self._class_member()
                if low.bit_count() != 1 or high.bit_count() != 1 or high < low:
                    raise _failed()
                codes |= (high << 1) - low
            else:
                codes |= low
        self._place += 1
        return _ANY ^ codes if negated else codes

    def _class_member(self) -> int:
        character = self._next()
        return self._escape() if character == "\\" else 1 << ord(character)

    def _escape(self) -> int:
        character = self._next()
        if character in _CLASSES:
            return _CLASSES[character]
        if character in _CONTROLS:
            return 1 << _CONTROLS[character]
        if character == "x":
            digits = self._next() + self._next()
            if not re.fullmatch(r"[0-9A-Fa-f]{2}", digits) or int(digits, 16) > 127:
                raise _failed()
            return 1 << int(digits, 16)
        if character.isalnum():
            raise _failed()
        return 1 << ord(character)


def _bounds(match: re.Match[str]) -> tuple[int, int | None]:
    if match[0] in ("*", "+", "?"):
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[match[0]]
    low, comma, high = match[1], match[2], match[3]
    if not (low or high) or len(low) > 4 or len(high) > 4:
        raise _failed()
    least = int(low or 0)
    most = (int(high) if high else None) if comma else least
    if most is not None and most < least:
        raise _failed()
    return least, most
