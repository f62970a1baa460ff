"""Terms in unstructured messages: `ERROR -DEBUG "exact phrase" ?this ?that`, all case-sensitive substrings."""

from __future__ import annotations

import re
from typing import NamedTuple

from kumoi.services.logs.filter_pattern.lexer import STRING, Malformed, tokenize

_PHRASE = STRING[:-2] + '+"'
_RULES = re.compile(
    rf"(?P<space>\s+)|(?P<sign>[?-])|(?P<phrase>{_PHRASE})(?=[\s?-]|$)|(?P<glued>{_PHRASE})|(?P<word>[\w.]+)"
)


class Terms(NamedTuple):
    """What a message must contain, must not contain, and (where neither is asked) of which it must contain one."""

    required: tuple[str, ...]
    excluded: tuple[str, ...]
    optional: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Terms:
        """Read terms; a sign belongs to the term after it, even with a space between."""
        found: dict[str, list[str]] = {"": [], "-": [], "?": []}
        sign = ""
        for kind, term in tokenize(text, _RULES):
            if kind == "glued" or (sign and kind == "sign"):
                raise Malformed
            if kind == "sign":
                sign = term
            else:
                found[sign].append(unquote(term) if kind == "phrase" else term)
                sign = ""
        if sign:
            raise Malformed
        return cls(tuple(found[""]), tuple(found["-"]), tuple(found["?"]))

    def match(self, message: str) -> bool:
        """Whether a message is meant. Optional terms count only where there are no others."""
        if self.required or self.excluded:
            return all(term in message for term in self.required) and not any(term in message for term in self.excluded)
        return not self.optional or any(term in message for term in self.optional)


def unquote(string: str) -> str:
    """The text of a quoted string; a backslash keeps the character after it."""
    return re.sub(r"\\(.)", r"\1", string[1:-1], flags=re.DOTALL)
