"""Functions of texts that SQLite has not. Source: "String Functions and Operators" of PostgreSQL's manual."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from kumoi.java_patterns import BadPattern, found, replaced
from kumoi.services.rds.data.values import BadValue

_LONGEST = 1_048_576


def strict(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same, but NULL where any argument is NULL, as most of PostgreSQL's functions."""

    @wraps(function)
    def called(*given: Any) -> Any:
        return None if any(one is None for one in given) else function(*given)

    return called


def matches(value: Any, pattern: Any, options: str = "") -> int:
    """Whether a text holds what a regular expression matches; raises BadValue for what is none, or takes too long."""
    try:
        return int(found(options + str(pattern), str(value)))
    except BadPattern as problem:
        raise _bad_pattern(problem) from None


def regexp_replace(value: Any, pattern: Any, replacement: Any, flags: Any = "") -> str:
    """A text with what matches replaced: the first, or all with the flag `g`; `i` is for any case."""
    options = "(?i)" if "i" in str(flags) else ""
    text = re.sub(
        r"\\(\d|&)", lambda one: "$0" if one[1] == "&" else f"${one[1]}", str(replacement).replace("$", r"\$")
    )
    try:
        return replaced(options + str(pattern), text, str(value), most=0 if "g" in str(flags) else 1, longest=_LONGEST)
    except BadPattern as problem:
        raise _bad_pattern(problem) from None


def padded(value: Any, length: int, fill: Any = " ", *, left: bool) -> str:
    """A text of that length: cut, or filled up on one side."""
    text, size = str(value), max(0, min(int(length), _LONGEST))
    more = (str(fill) * size)[: max(0, size - len(text))]
    return (more + text if left else text + more)[:size] if len(text) <= size else text[:size]


def repeated(value: Any, times: int) -> str:
    """A text several times; raises BadValue where that is very long."""
    text = str(value)
    if len(text) * max(0, int(times)) > _LONGEST:
        raise BadValue("ERROR: requested length too large; SQLState: 54000")
    return text * int(times)


def translated(value: Any, source: Any, target: Any) -> str:
    """A text with characters replaced by those at the same place, or removed where there is none."""
    letters = {one: str(target)[at : at + 1] for at, one in reversed(list(enumerate(str(source))))}
    return "".join(letters.get(one, one) for one in str(value))


def quoted_identifier(value: Any) -> str:
    """A name as it is written in a statement."""
    text = str(value)
    return text if re.fullmatch(r"[a-z_][a-z0-9_$]*", text) else '"' + text.replace('"', '""') + '"'


def _bad_pattern(problem: BadPattern) -> BadValue:
    return BadValue(f"ERROR: invalid regular expression: {problem}; SQLState: 2201B")


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "kumoi_matches": strict(matches),
    "kumoi_matches_any_case": strict(lambda value, pattern: matches(value, pattern, "(?i)")),
    "kumoi_regexp_replace": strict(regexp_replace),
    "kumoi_pad_left": strict(lambda *given: padded(*given, left=True)),
    "kumoi_pad_right": strict(lambda *given: padded(*given, left=False)),
    "kumoi_repeat": strict(repeated),
    "kumoi_reverse": strict(lambda value: str(value)[::-1]),
    "kumoi_initcap": strict(lambda value: re.sub(r"[^\W_]+", lambda one: one[0].capitalize(), str(value))),
    "kumoi_translate": strict(translated),
    "kumoi_ascii": strict(lambda value: ord(str(value)[0]) if value != "" else 0),
    "quote_ident": strict(quoted_identifier),
    "quote_literal": strict(lambda value: "'" + str(value).replace("'", "''") + "'"),
}
"""What statements call; each answers the same to the same."""
