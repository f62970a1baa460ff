"""A position in a template's text, and what stands there."""

from __future__ import annotations

import re

from kumoi.vtl.errors import VtlError

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SPACE = re.compile(r"\s*")
_LINE_END = re.compile(r"[ \t]*(?:\r\n|\n|\r)")
DEEPEST = 60


class Scanner:
    """Reads a text from left to right."""

    def __init__(self, text: str, depth: int = 0) -> None:
        self.text = text
        self.at = 0
        self.depth = depth

    @property
    def ended(self) -> bool:
        """Whether all was read."""
        return self.at >= len(self.text)

    def peek(self, length: int = 1) -> str:
        """What comes next."""
        return self.text[self.at : self.at + length]

    def take(self, literal: str) -> bool:
        """Read a text if it comes next."""
        if self.text.startswith(literal, self.at):
            self.at += len(literal)
            return True
        return False

    def expect(self, literal: str, where: str) -> None:
        """Read a text that must come next."""
        if not self.take(literal):
            raise self.error(f"{literal} is expected {where}")

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Read what a pattern matches here."""
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def identifier(self) -> str | None:
        """Read a name."""
        found = self.match(_IDENTIFIER)
        return found[0] if found is not None else None

    def space(self) -> None:
        """Skip white space."""
        self.match(_SPACE)

    def line_end(self) -> None:
        """Skip the rest of a line that is blank, with its end."""
        self.match(_LINE_END)

    def deeper(self) -> None:
        """Count one more level; what nests deeper than templates do is refused."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"the template nests deeper than {DEEPEST} levels")

    def error(self, text: str) -> VtlError:
        """An error here."""
        return Misread(self.text, self.at, text)


class Misread(VtlError):
    """What is wrong at a place, which is counted only for who reads it: much that cannot be read is text after all."""

    def __init__(self, template: str, at: int, text: str) -> None:
        super().__init__(template, at, text)
        self._template = template
        self._at = at
        self._text = text

    def __str__(self) -> str:
        line = self._template.count("\n", 0, self._at) + 1
        column = self._at - self._template.rfind("\n", 0, self._at)
        return f"line {line}, column {column}: {self._text}"
