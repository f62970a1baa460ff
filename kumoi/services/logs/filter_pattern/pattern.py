"""The pattern as a value: parsed once, then matched against messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from kumoi.services.logs.filter_pattern import fields, json_events, terms
from kumoi.services.logs.filter_pattern.lexer import REGEX, Malformed, tokenize
from kumoi.services.logs.filter_pattern.regex import Regex
from kumoi.wire.errors import aws_error


class Match(NamedTuple):
    """A message that matches; `fields` are its space-delimited fields by `$name` or `$number`, else empty."""

    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FilterPattern:
    """A parsed pattern.

    `literals` are texts that every matching message contains (none for most kinds): a reader may use them to pass over
    the rest. `extract` answers the fields of a matching message, or None.
    """

    text: str
    literals: tuple[str, ...]
    extract: Callable[[str], Mapping[str, str] | None]

    def match(self, message: str) -> Match | None:
        """The match of a message, or None. Takes time linear in the message's length."""
        found = self.extract(message)
        return None if found is None else Match(found)


def parse(text: str, *, what: str = "filter pattern") -> FilterPattern:
    """Read a pattern; InvalidParameterException in AWS's words when it is none.

    `what` is what AWS calls the pattern in its error: "metric filter pattern" where it belongs to a metric filter.
    """
    try:
        return _parse(text)
    except Malformed as error:
        raise aws_error("InvalidParameterException", str(error) or f"Invalid {what}") from None


def _parse(text: str) -> FilterPattern:
    stripped = text.strip()
    for opening, closing in ("{}", "[]", "%%"):
        if stripped.startswith(opening) and (len(stripped) < 2 or not stripped.endswith(closing)):
            raise Malformed(f"If a filter pattern starts with '{opening}' it must end with '{closing}'")
    if stripped.startswith("{"):
        return FilterPattern(text, (), json_events.compile_pattern(stripped[1:-1]))
    if stripped.startswith("["):
        return FilterPattern(text, (), fields.compile_pattern(stripped[1:-1]))
    if stripped.startswith("%"):
        search = _regex(stripped).search
        return FilterPattern(text, (), lambda message: {} if search(message) else None)
    found = terms.Terms.parse(stripped)
    return FilterPattern(text, found.required, lambda message: {} if found.match(message) else None)


def _regex(text: str) -> Regex:
    """A pattern that is one regular expression; it cannot be combined with terms."""
    tokens = tokenize(text, re.compile(f"(?P<regex>{REGEX})"))
    if len(tokens) != 1:
        raise Malformed
    return Regex(text[1:-1])
