"""Names as Amplify makes them: plurals, first letters, foreign keys."""

from __future__ import annotations

import re

_IRREGULAR = {
    "person": "people",
    "child": "children",
    "man": "men",
    "woman": "women",
    "mouse": "mice",
    "goose": "geese",
    "foot": "feet",
    "tooth": "teeth",
    "ox": "oxen",
    "quiz": "quizzes",
    "die": "dice",
    "criterion": "criteria",
    "analysis": "analyses",
    "datum": "data",
    "leaf": "leaves",
    "life": "lives",
    "knife": "knives",
    "shelf": "shelves",
    "wolf": "wolves",
    "half": "halves",
    "hero": "heroes",
    "potato": "potatoes",
}
_ALIKE = frozenset(
    ("sheep", "series", "species", "fish", "deer", "news", "information", "equipment", "rice", "money", "software")
)
_RULES = (
    (re.compile(r"(alias|[^aou]us|gas)$", re.IGNORECASE), r"\1es"),
    (re.compile(r"(s|x)is$", re.IGNORECASE), r"\1es"),
    (re.compile(r"(x|ch|ss|sh|zz)$", re.IGNORECASE), r"\1es"),
    (re.compile(r"([^aeiou]|qu)y$", re.IGNORECASE), r"\1ies"),
    (re.compile(r"s?$"), "s"),  # what ends so is taken for several already
)
_LAST_WORD = re.compile(r"[A-Z]?[a-z]+$")


def plural(name: str) -> str:
    """Several of what is named: Todos, Categories, People."""
    match = _LAST_WORD.search(name)
    if match is None:
        return f"{name}s"
    word, before = match[0], name[: match.start()]
    if word.lower() in _ALIKE or word.lower() in _IRREGULAR.values():
        return name
    irregular = _IRREGULAR.get(word.lower())
    if irregular is not None:
        return before + (upper(irregular) if word[0].isupper() else irregular)
    for pattern, made in _RULES:
        if pattern.search(word):
            return before + pattern.sub(made, word, count=1)
    raise AssertionError("the last rule fits every word")


def upper(name: str) -> str:
    """The name, its first letter a capital."""
    return name[:1].upper() + name[1:]


def lower(name: str) -> str:
    """The name, its first letter a small one."""
    return name[:1].lower() + name[1:]


def foreign_key(model: str, field: str, key: str = "id") -> str:
    """The field that a relation adds where nobody names one: `postCommentsId`."""
    return f"{lower(model)}{upper(field)}{upper(key)}"
