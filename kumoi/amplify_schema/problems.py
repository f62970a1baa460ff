"""What is wrong with a schema, and where."""

from __future__ import annotations


class SchemaProblem(Exception):
    """A schema that no backend can be made of; `line` is where, 0 where that is nowhere."""

    def __init__(self, text: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {text}" if line else text)
        self.line = line
