"""How deep Python may call: the limit is the process's, and is raised only as long as an expression needs it.

The library jsonata-python raises it for good when it is imported. Much of what runs beside it relies on the usual limit
to end before the C stack does.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

DEEP = 10_000
"""What JSONata's 400 levels take at most is 6,000; the limit is the library's."""


class Deeper(BaseException):
    """An expression needs more than the usual limit. No Exception: the library takes some of those for values."""


class _Raised:
    """The limit of the process, raised as long as somebody needs it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._usual = 0

    @contextmanager
    def raised(self) -> Iterator[None]:
        with self._lock:
            if not self._users:
                self._usual = sys.getrecursionlimit()
                sys.setrecursionlimit(max(DEEP, self._usual))
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    sys.setrecursionlimit(self._usual)


deep = _Raised().raised
"""A context in which calls may be DEEP; several threads may be in it at once."""


def load_jsonata() -> None:
    """Import the library, without what its import leaves behind."""
    if "jsonata.jsonata" not in sys.modules:
        with deep():
            import jsonata.jsonata  # noqa: F401


def is_of_recursion(error: BaseException | None) -> bool:
    """Whether an error is that of the limit, or was raised where that was caught."""
    while error is not None and not isinstance(error, RecursionError):
        error = error.__context__
    return error is not None
