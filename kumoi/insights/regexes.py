"""Regular expressions of queries, as RE2 takes them: linear in time, without looking around or back."""

from __future__ import annotations

import re
from typing import NamedTuple

from kumoi.insights.syntax import Malformed

_LONGEST = 2_000
_MOST_REPEATS = 1_000
_NAMED = re.compile(r"\(\?P?<([A-Za-z_]\w*)>")
_REFUSED = (
    (re.compile(r"\(\?<?[=!]"), "lookaround"),
    (re.compile(r"\\[1-9]|\\k<|\(\?P="), "backreferences"),
    (re.compile(r"\(\?>|[*+?}]\+"), "atomic groups"),
)
_TOKEN = re.compile(r"\\.|\[(?:\\.|[^\]\\])(?:\\.|\[:\w+:\]|[^\]\\])*\]|.", re.DOTALL)


class Pattern(NamedTuple):
    """An expression for RE2, and the names of its groups in order (None: a group without a name)."""

    source: str
    groups: tuple[str | None, ...]


def read(source: str) -> Pattern:
    """An expression of a query; Malformed when it is none, or one that RE2 cannot match."""
    if len(source) > _LONGEST:
        raise _invalid(source, f"it is longer than {_LONGEST} characters")
    outside = "".join(
        "[]" if token.startswith("[") and len(token) > 1 else token
        for token in _TOKEN.findall(source)
        if not (token.startswith("\\") and not token[1:].isalnum())
    )
    for pattern, what in _REFUSED:
        if pattern.search(outside):
            raise _invalid(source, f"{what} cannot be used")
    for low, high in re.findall(r"\{(\d*),?(\d*)\}", outside):
        if int(low[:6] or 0) > _MOST_REPEATS or int(high[:6] or 0) > _MOST_REPEATS:
            raise _invalid(source, f"it repeats more than {_MOST_REPEATS} times")
    converted = _NAMED.sub(r"(?P<\1>", source.replace("\\/", "/"))
    try:
        compiled = re.compile(_flagged(converted))
    except (re.error, RecursionError, OverflowError) as error:
        raise _invalid(source, str(error)) from None
    names = {number: name for name, number in compiled.groupindex.items()}
    return Pattern(converted, tuple(names.get(number) for number in range(1, compiled.groups + 1)))


def _flagged(source: str) -> str:
    """What Python reads in place of flags that RE2 takes anywhere, and of the classes that only RE2 knows."""
    plain = re.sub(r"\(\?[imsU]+(?:-[imsU]+)?\)", "", source)
    plain = re.sub(r"\(\?[imsU]*(?:-[imsU]+)?:", "(?:", plain)
    plain = re.sub(r"\[:\^?\w+:\]", "a", plain)
    plain = re.sub(r"\\[pP](?:\{\^?\w+\}|\w)", "a", plain)
    return re.sub(r"\\([zZQEC])", "", plain)


def _invalid(source: str, reason: str) -> Malformed:
    return Malformed(f"Invalid regular expression /{source[:100]}/: {reason}")
