"""The text of a CREATE TABLE as the file keeps it, changed a column or a constraint at a time. Pure.

SQLite keeps the statement, not what it means; a text changed in place is how its own ALTER TABLE works. Names in it are
quoted, as this package writes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_CLOSING = {"(": ")", '"': '"', "'": "'"}
_CONSTRAINTS = frozenset(
    ("DEFAULT", "NOT", "NULL", "PRIMARY", "UNIQUE", "CHECK", "REFERENCES", "CONSTRAINT", "COLLATE")
)


def with_item(text: str, item: str) -> str:
    """With one more constraint at the end."""
    head, items, tail = _parts(text)
    return head + ", ".join([*items, item]) + tail


def without_constraint(text: str, name: str) -> str | None:
    """Without the table's constraint of that name; None where it has none."""
    head, items, tail = _parts(text)
    kept = [one for one in items if not _is_constraint(one, name)]
    return None if len(kept) == len(items) else head + ", ".join(kept) + tail


def constraint(text: str, name: str) -> str:
    """The table's constraint of that name; empty where it has none."""
    return next((one for one in _parts(text)[1] if _is_constraint(one, name)), "")


def with_column(text: str, name: str, change: Callable[[list[str]], list[str]]) -> str | None:
    """With the words of one column changed; None where there is no such column."""
    head, items, tail = _parts(text)
    for at, one in enumerate(items):
        words = list(_words(one))
        if words and words[0] == _quoted(name):
            items[at] = " ".join(change(words))
            return head + ", ".join(items) + tail
    return None


def with_default(value: str) -> Callable[[list[str]], list[str]]:
    """A change of a column: this default, or none where it is empty."""

    def change(words: list[str]) -> list[str]:
        at = _place(words, "DEFAULT")
        rest = words[:at] + words[at + 2 :]
        return rest + (["DEFAULT", value] if value else [])

    return change


def not_null(words: list[str]) -> list[str]:
    """A change of a column: none of its values may be missing."""
    return [*nullable(words), "NOT", "NULL"]


def nullable(words: list[str]) -> list[str]:
    """A change of a column: values may be missing."""
    at = _place(words, "NOT")
    return words[:at] + words[at + 2 :]


def of_type(kind: str) -> Callable[[list[str]], list[str]]:
    """A change of a column: its type."""

    def change(words: list[str]) -> list[str]:
        after = next((at for at, one in enumerate(words) if at and one.upper() in _CONSTRAINTS), len(words))
        return [words[0], kind, *words[after:]]

    return change


def _place(words: list[str], word: str) -> int:
    return next((at for at, one in enumerate(words) if one.upper() == word), len(words))


def _is_constraint(item: str, name: str) -> bool:
    words = list(_words(item))
    return len(words) > 1 and words[0].upper() == "CONSTRAINT" and words[1] == _quoted(name)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _parts(text: str) -> tuple[str, list[str], str]:
    """What comes before the columns, columns and constraints, and the closing parenthesis."""
    start = next(at for at, one in _outside(text) if one == "(") + 1
    end = text.rindex(")")
    items, last = [], start
    for at, one in _outside(text[start:end]):
        if one == ",":
            items.append(text[last : start + at].strip())
            last = start + at + 1
    return text[:start], [*items, text[last:end].strip()], text[end:]


def _words(item: str) -> Iterator[str]:
    """The words of a column or constraint; what is quoted or in parentheses stands together with what it touches."""
    spaces = [at for at, one in _outside(item) if one.isspace()]
    for start, end in zip([0, *(at + 1 for at in spaces)], [*spaces, len(item)], strict=True):
        if item[start:end]:
            yield item[start:end]


def _outside(text: str) -> Iterator[tuple[int, str]]:
    """The characters that are neither quoted nor in parentheses, by their places; an opening one is told."""
    waiting: list[str] = []
    for at, one in enumerate(text):
        if not waiting:
            yield at, one
        if waiting and one == waiting[-1]:
            waiting.pop()
        elif one in _CLOSING and (not waiting or waiting[-1] == ")"):
            waiting.append(_CLOSING[one])


def primary_key(text: str) -> bool:
    """Whether the table has a primary key."""
    return re.search(r"\bPRIMARY KEY\b", text) is not None
