r"""Domain names in the form that Route 53 keeps them in: lower case, fully qualified, other characters as `\ooo`; pure.

Source: "DNS domain name format" of the developer guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_LONGEST, _LONGEST_LABEL = 255, 63
_ESCAPED = re.compile(r"\\([0-7]{3}|.)", re.DOTALL)
_PIECE = re.compile(r"\\[0-7]{3}|\\.|.", re.DOTALL)
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
WILDCARD = r"\052"


class BadName(ValueError):
    """A name that there cannot be; the text is Route 53's for it."""


def canonical(name: str) -> str:
    """A name as Route 53 keeps it, with its last dot; BadName."""
    labels = [_label(label) for label in _split(name.removesuffix("."))]
    full = ".".join(labels) + "."
    if sum(len(plain(label)) + 1 for label in labels) > _LONGEST:
        raise BadName(f"FATAL problem: DomainNameTooLong (Domain name is too long) encountered with '{name}'")
    return full


def plain(name: str) -> str:
    r"""A canonical name with its characters as they are: `\052.example.com.` is `*.example.com.`."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)) if len(match[1]) == 3 else match[1], name)


def host(name: str) -> str:
    """A canonical name as requests name hosts."""
    return plain(name).removesuffix(".")


def reversed_name(name: str) -> str:
    """What record sets are sorted by: the labels from the last to the first, `com.example.www.`."""
    return ".".join(reversed(name.removesuffix(".").split("."))) + "."


def is_within(name: str, zone: str) -> bool:
    """Whether a name is a zone's, or below."""
    return name == zone or name.endswith(f".{zone}")


def ancestors(name: str) -> Iterator[str]:
    """The names above a name, the nearest first; without the root."""
    rest = name.partition(".")[2]
    while rest:
        yield rest
        rest = rest.partition(".")[2]


def _split(name: str) -> list[str]:
    """Labels; a dot behind a backslash is a character of its label."""
    if "\\" not in name:
        return name.split(".")
    labels = [""]
    for piece in _PIECE.findall(name):
        if piece == ".":
            labels.append("")
        else:
            labels[-1] += piece
    return labels


def _label(label: str) -> str:
    characters = plain(label).lower()
    if not characters:
        raise BadName("FATAL problem: DomainLabelEmpty (Domain label is empty) encountered with ''")
    if len(characters) > _LONGEST_LABEL:
        raise BadName(f"FATAL problem: DomainLabelTooLong (Domain label is too long) encountered with '{characters}'")
    if any(ord(one) > 255 for one in characters):
        raise BadName(
            f"FATAL problem: UnsupportedCharacter (Value contains unsupported characters) encountered with '{label}'"
        )
    return "".join(one if one in _PLAIN else f"\\{ord(one):03o}" for one in characters)
