"""Java's patterns of dates (`yyyy-MM-dd HH:mm:ss`, Joda's) as strftime's. Pure; source: Joda-Time, DateTimeFormat."""

from __future__ import annotations

import re

_LETTERS = {
    "y": "%Y",
    "Y": "%Y",
    "x": "%G",
    "M": "%m",
    "d": "%d",
    "D": "%j",
    "H": "%H",
    "h": "%I",
    "K": "%I",
    "k": "%H",
    "m": "%M",
    "s": "%S",
    "S": "%g",
    "a": "%p",
    "E": "%a",
    "e": "%u",
    "w": "%V",
    "Z": "%z",
    "z": "%Z",
}
_PIECE = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")


class PatternError(ValueError):
    """A pattern has a letter that means nothing here."""


def strftime_pattern(pattern: str) -> str:
    """A pattern of Joda's as DuckDB's strftime and strptime have it; PatternError where there is none."""
    found = []
    place = 0
    for match in _PIECE.finditer(pattern):
        if match.start() != place:
            break
        place = match.end()
        found.append(_piece(match))
    if place < len(pattern):
        raise PatternError(f"{pattern[place:]!r} is no part of a date's pattern")
    return "".join(found)


def _piece(match: re.Match[str]) -> str:
    text, letter = match[0], match[2]
    if letter is None:
        return (match[1].replace("''", "'") or "'" if text.startswith("'") else text).replace("%", "%%")
    count = len(text)
    if letter not in _LETTERS:
        raise PatternError(f"{text} is no part of a date's pattern")
    if letter in "yY" and count == 2:
        return "%y"
    if letter == "M" and count >= 3:
        return "%B" if count > 3 else "%b"
    if letter == "E" and count > 3:
        return "%A"
    if letter == "S":
        return {1: "%g", 2: "%g", 3: "%g", 6: "%f", 9: "%n"}.get(count, "%g")
    if count == 1 and letter in "MdHhmsk":
        return "%-" + _LETTERS[letter][1]
    return _LETTERS[letter]
