r"""The patterns of service models in Python's dialect.

Models hold Java and JavaScript regular expressions; most mean the same to `re`. What differs is rewritten: POSIX and
Unicode classes, surrogate pairs as ranges, `\w-_`, escapes of the end and of the slash. What Python still cannot
compile is not checked; a test sees to it that every pattern of the services that Kumoi carries compiles.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from functools import lru_cache

ANYTHING = frozenset((".*", "^.*$", r"[\s\S]*", r"^[\s\S]*$", r"[\S\s]*"))
"""Patterns that every text satisfies, line breaks apart, which services take too."""

_CLASSES = {
    "Alnum": "a-zA-Z0-9",
    "Alpha": "a-zA-Z",
    "ASCII": r"\x00-\x7f",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "Digit": "0-9",
    "Graph": r"\x21-\x7e",
    "L": r"\w",  # letters, numbers and the underscore: models name L and N together
    "Lower": "a-z",
    "N": r"\w",
    "Print": r"\x20-\x7e",
    "Punct": r"!-/:-@\[-`{-~",
    "Space": r"\s",
    "Upper": "A-Z",
    "XDigit": "0-9a-fA-F",
    "Z": r" \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
}
_WRITTEN = re.compile(
    r"\\u[dD]800\\u[dD][cC]00-\\u[dD][bB][fF]{2}\\u[dD][fF]{3}|\\[pP]\{(?:Is)?\w+\}|\\.-?|[\[\]]", re.DOTALL
)
_LAST_CODE = 0x20000


@lru_cache(maxsize=4096)
def compiled_pattern(text: str) -> re.Pattern[str] | None:
    """A model's pattern, to be used with fullmatch; None where it says nothing or cannot be read."""
    if text in ANYTHING:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(translated(text))
    except (re.error, OverflowError):
        return None


def translated(text: str) -> str:
    """A pattern as Python writes it; re.error for a class that there is not."""
    in_class = False

    def rewritten(match: re.Match[str]) -> str:
        nonlocal in_class
        found = match[0]
        if found in ("[", "]"):
            in_class = found == "["
            return found
        if found[1] in "pP" and len(found) > 3:
            content = _class(found[3:-1].removeprefix("Is"))
            if found[1] == "P":
                return f"[^{content}]"
            return content if in_class else f"[{content}]"
        if len(found) > 3:
            return r"\U00010000-\U0010ffff"
        if found[1] in "wdsWDS" and found.endswith("-"):
            return found[:2] + (r"\-" if in_class else "-")
        return {r"\z": r"\Z", r"\/": "/", r"\/-": "/-"}.get(found, found)

    return _WRITTEN.sub(rewritten, text)


def _class(name: str) -> str:
    return _CLASSES.get(name) or _category(name)


@lru_cache(maxsize=64)
def _category(name: str) -> str:
    """The characters of a Unicode general category (M, Sc …) of the first two planes, as ranges in a class."""
    ranges: list[list[int]] = []
    for code in range(_LAST_CODE):
        if unicodedata.category(chr(code)).startswith(name):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    if not ranges:
        raise re.error(f"no such class: {name}")
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)
