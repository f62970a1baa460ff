"""What programs raise: the errors of a field, and a value returned early."""

from __future__ import annotations

from typing import Any


class FieldError(Exception):
    """An error of a field, as `$util.error` raises it and clients see it.

    `data` is cut to the field's selection set before it is shown, `info` is not.
    """

    def __init__(self, message: str, kind: str | None = None, data: Any = None, info: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.data = data
        self.info = info


class Unauthorized(FieldError):
    """The field is not for whoever asks."""

    def __init__(self, type_name: str, field: str) -> None:
        super().__init__(f"Not Authorized to access {field} on type {type_name}", "Unauthorized")


class Returned(Exception):
    """A program returned early; `end`: the rest of the pipeline is not to run."""

    def __init__(self, value: Any, *, end: bool = False) -> None:
        super().__init__()
        self.value = value
        self.end = end
