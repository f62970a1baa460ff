"""Patterns of actions, resources and conditions: `*` and `?`, and policy variables such as `${aws:username}`.

A pattern without variables is compiled once; one with variables is made for each request, from its context.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

Context = Mapping[str, Sequence[str]]
"""Values of condition keys, the keys in lower case."""

Test = Callable[[str, Context], bool]

_VARIABLE = re.compile(r"\$\{([^},]+)(?:,\s*'([^']*)')?\}")
MOST_REMEMBERED = 4096
_LITERALS = {"*": "*", "?": "?", "$": "$"}


def any_of(patterns: Sequence[str], *, variables: bool = True) -> Test:
    """Whether a text matches one of some patterns. Without `variables`, `${…}` stands for itself."""
    varying = [pattern for pattern in patterns if variables and "${" in pattern]
    fixed = [pattern for pattern in patterns if pattern not in varying]
    if "*" in fixed:
        return lambda _text, _context: True
    matches = re.compile("|".join(f"(?:{expression(one)})" for one in fixed) or "(?!)", re.DOTALL).fullmatch
    if not varying:
        return lambda text, _context: matches(text) is not None

    def test(text: str, context: Context) -> bool:
        if matches(text) is not None:
            return True
        for pattern in varying:
            source = resolved(pattern, context)
            if source is not None and re.fullmatch(source, text, re.DOTALL) is not None:
                return True
        return False

    return test


def any_action(patterns: Sequence[str]) -> Test:
    """Whether an action matches one of some patterns, whatever the case. What was found is remembered."""
    if "*" in patterns:
        return lambda _action, _context: True
    found: dict[str, bool] = {}
    source = "|".join(f"(?:{expression(one)})" for one in patterns)
    matches = re.compile(source or "(?!)", re.DOTALL | re.IGNORECASE).fullmatch

    def test(action: str, _context: Context) -> bool:
        known = found.get(action)
        if known is None:
            if len(found) >= MOST_REMEMBERED:
                found.clear()
            known = found[action] = matches(action) is not None
        return known

    return test


@lru_cache(4096)
def expression(pattern: str) -> str:
    """The regular expression of a pattern; of `.`, which is to match any character, and `re.fullmatch`.

    Each piece between two `*` is taken where it comes first and not looked for again, which finds a match if there is
    one: patterns and texts come from outside, and trying all places would take the power of their number.
    """
    first, *others = ("".join(map(_expression_of, piece)) for piece in re.sub(r"\*+", "*", pattern).split("*"))
    if not others:
        return first
    *middle, last = others
    return first + "".join(f"(?>.*?{piece})" for piece in middle) + f".*{last}"


def _expression_of(character: str) -> str:
    return "." if character == "?" else re.escape(character)


def resolved(pattern: str, context: Context) -> str | None:
    """The regular expression of a pattern with variables; None when a variable has no single value.

    A variable's value is taken as it is: `*` and `?` in it are no wildcards.
    """
    source, end = "", 0
    for match in _VARIABLE.finditer(pattern):
        value = _value(match, context)
        if value is None:
            return None
        source += expression(pattern[end : match.start()]) + re.escape(value)
        end = match.end()
    return source + expression(pattern[end:])


def substituted(text: str, context: Context) -> str | None:
    """A text with its variables replaced; None when one has no single value."""
    if "${" not in text:
        return text
    result, end = "", 0
    for match in _VARIABLE.finditer(text):
        value = _value(match, context)
        if value is None:
            return None
        result += text[end : match.start()] + value
        end = match.end()
    return result + text[end:]


def _value(match: re.Match[str], context: Context) -> str | None:
    name = match[1]
    if name in _LITERALS:
        return _LITERALS[name]
    values = context.get(name.lower(), ())
    if len(values) == 1:
        return values[0]
    return match[2]
