"""`_X_AMZN_TRACE_ID`, the variable that tells a function its trace: the one that changes with each invocation.

What `os.environ` does for any variable (two texts encoded by functions of its own) takes as long as the rest of an
invocation's beginning; here the name is encoded already.
"""

from __future__ import annotations

import os

_NAME = "_X_AMZN_TRACE_ID"
_ENCODED = _NAME.encode()


class TraceVariable:
    """Sets the variable, for this process and for those that it starts."""

    def __init__(self) -> None:
        self._environment = os.environ
        held = getattr(os.environ, "_data", None)
        self._held: dict[bytes, bytes] | None = held if isinstance(held, dict) else None

    def set(self, trace: str) -> None:
        """An invocation begins; `trace` is its trace header."""
        if self._held is None or os.environ is not self._environment:  # a handler may have put another in its place
            os.environ[_NAME] = trace
            return
        value = trace.encode()
        os.putenv(_ENCODED, value)
        self._held[_ENCODED] = value
