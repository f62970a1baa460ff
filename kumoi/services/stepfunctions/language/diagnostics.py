"""What a definition is found guilty of: a code, a message and where; and the text of an InvalidDefinition error."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

ERROR, WARNING = "ERROR", "WARNING"
SCHEMA = "SCHEMA_VALIDATION_FAILED"
INVALID_JSON = "INVALID_JSON_DESCRIPTION"
MISSING_TARGET = "MISSING_TRANSITION_TARGET"
MISSING_END = "MISSING_END_STATE"
DUPLICATE_STATE = "DUPLICATE_STATE_NAME"
INVALID_NAME = "INVALID_STATE_NAME"
INVALID_RESOURCE = "INVALID_RESOURCE"


class Diagnostic(NamedTuple):
    """One finding."""

    severity: str
    code: str
    message: str
    location: str | None = None

    @property
    def text(self) -> str:
        """The finding in one line."""
        return f"{self.code}: {self.message}" + (f" at {self.location}" if self.location is not None else "")


def error_text(found: Iterable[Diagnostic]) -> str:
    """The errors among findings as InvalidDefinition says them."""
    return ", ".join(one.text for one in found if one.severity == ERROR)
