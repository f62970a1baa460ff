"""Regular expressions as Java has them, matched within a time: patterns and texts both come from outside.

The standard library cannot be stopped while it matches, and a pattern such as `(a+)+b` takes it hours; `regex` speaks
the same language as Java but for details, and has a time-out. Sources: `java.util.regex.Pattern` and `String.split`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

SECONDS = 0.1
_LONGEST = 4096


class BadPattern(ValueError):
    """The text is no pattern, or matching with it takes too long."""


@lru_cache(maxsize=512)
def compiled(text: str) -> Any:
    """A pattern ready for use; raises BadPattern."""
    import regex  # takes its time, and most platforms meet no pattern

    if len(text) > _LONGEST:
        raise BadPattern(f"the pattern is longer than {_LONGEST} characters")
    try:
        return regex.compile(text, regex.VERSION0)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise BadPattern(f"{text} is no pattern: {error}") from None


def matches(text: str, subject: str) -> bool:
    """Whether a pattern matches the whole subject."""
    return _within(text, lambda: compiled(text).fullmatch(subject, timeout=SECONDS)) is not None


async def first_mismatch(pairs: Sequence[tuple[str, str]]) -> int | None:
    """Which of (pattern, value) pairs is the first whose value does not match as a whole; None when all do.

    Matched off the loop. Raises BadPattern with a text to be told behind the pattern's name.
    """

    def search() -> int | None:
        for at, (text, value) in enumerate(pairs):
            try:
                compiled(text)
            except BadPattern:
                raise BadPattern("is not a valid regular expression") from None
            try:
                if not matches(text, value):
                    return at
            except BadPattern:
                raise BadPattern("takes too long on the value") from None
        return None

    return await asyncio.to_thread(search) if pairs else None


def found(text: str, subject: str) -> bool:
    """Whether a pattern matches somewhere within the subject."""
    return _within(text, lambda: compiled(text).search(subject, timeout=SECONDS)) is not None


def replaced(text: str, replacement: str, subject: str, *, most: int = 0, longest: int | None = None) -> str:
    """The subject with what matches replaced (`most` 0: all of it); `$1` and `${name}` stand for groups.

    Raises BadPattern, also where the result would be longer than `longest`.
    """
    pieces = _replacement(replacement)
    length = len(subject)

    def one(match: Any) -> str:
        nonlocal length
        made = "".join(piece if isinstance(piece, str) else match[piece[0]] or "" for piece in pieces)
        length += len(made)
        if longest is not None and length > longest:
            raise BadPattern(f"the result is longer than {longest} characters")
        return made

    try:
        result: str = _within(text, lambda: compiled(text).sub(one, subject, count=most, timeout=SECONDS))
    except IndexError:
        raise BadPattern(f"{replacement} names a group that {text} has not") from None
    return result


def split(text: str, subject: str, limit: int = 0) -> list[str]:
    """The subject cut where a pattern matches; empty texts at the end are left out unless a limit says otherwise."""
    if not subject:
        return [""]
    parts: list[str] = []
    at = 0

    def cut() -> None:
        nonlocal at
        for match in compiled(text).finditer(subject, timeout=SECONDS):
            if 0 < limit <= len(parts) + 1:
                break
            if match.end() == 0 or (match.start() == match.end() == len(subject)):
                continue
            parts.append(subject[at : match.start()])
            at = match.end()

    _within(text, cut)
    parts.append(subject[at:])
    if limit == 0:
        while len(parts) > 1 and not parts[-1]:
            parts.pop()
    return parts


def _within(text: str, match: Any) -> Any:
    try:
        return match()
    except TimeoutError:
        raise BadPattern(f"matching with {text} takes longer than {SECONDS:g} s") from None


@lru_cache(maxsize=256)
def _replacement(text: str) -> list[str | tuple[int | str]]:
    """A replacement's literal pieces, and its groups as tuples."""
    pieces: list[str | tuple[int | str]] = []
    at = 0
    while at < len(text):
        character = text[at]
        if character == "\\" and at + 1 < len(text):
            pieces.append(text[at + 1])
            at += 2
        elif character == "$":
            if text[at + 1 : at + 2] == "{" and (end := text.find("}", at)) != -1:
                pieces.append((text[at + 2 : end],))
                at = end + 1
            elif text[at + 1 : at + 2].isdigit():
                pieces.append((int(text[at + 1]),))
                at += 2
            else:
                raise BadPattern(f"{text} is no replacement: $ names a group")
        else:
            pieces.append(character)
            at += 1
    return pieces
