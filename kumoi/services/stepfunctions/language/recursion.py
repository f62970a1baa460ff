"""How deep Python may call: the limit is the process's, so that a deep expression gets a process of its own.

The library jsonata-python raises the limit when it is imported. Much of what runs beside it relies on the usual one to
end before the C stack does; and it cannot be raised for a while: Python aborts when it is lowered beneath a thread that
is deep. So it is never touched here, and the process of a deep expression has one of its own.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

from kumoi.services.stepfunctions.language.json_text import dumps, loads

DEEP = 10_000
"""What JSONata's 400 levels take at most is 6,000."""
SECONDS = 60.0
"""How long the process may take, its start included; the evaluation has bounds of its own."""


_loading = threading.Lock()


class Deeper(BaseException):
    """An expression needs more than the usual limit. No Exception: the library takes some of those for values."""


def load_jsonata() -> None:
    """Import the library, and leave the limit as it is."""
    with _loading:
        if "jsonata.jsonata" not in sys.modules:
            kept = sys.setrecursionlimit
            sys.setrecursionlimit = lambda _limit: None
            try:
                import jsonata.jsonata  # noqa: F401
            finally:
                sys.setrecursionlimit = kept


def is_of_recursion(error: BaseException | None) -> bool:
    """Whether an error is that of the limit, or was raised where that was caught."""
    while error is not None and not isinstance(error, RecursionError):
        error = error.__context__
    return error is not None


def apart(asked: dict[str, Any]) -> dict[str, Any] | None:
    """What the process of a deep expression answers (`deep_evaluation.py`); None where it ends without a word."""
    module = "kumoi.services.stepfunctions.language.deep_evaluation"
    try:
        done = subprocess.run(  # noqa: S603  (this very Python)
            [sys.executable, "-P", "-m", module],
            input=dumps(asked),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    answer: dict[str, Any] | None = loads(done.stdout) if done.returncode == 0 else None
    return answer
