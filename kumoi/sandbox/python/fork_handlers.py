"""What modules want to run around a fork, kept aside until a function runs.

`threading`, `logging` and `random` mend their locks, threads and seeds in every forked process. The zygote and its
keepers have one thread and hold no lock: there is nothing to mend, and a sandbox pays for each page that the mending
writes to, twice. So the handlers are registered in the function's own process, before its code is loaded: what it
forks is mended as ever.
"""

from __future__ import annotations

import os
from typing import Any

_register = getattr(os, "register_at_fork", None)
_kept: list[dict[str, Any]] = []


def _keep(**handlers: Any) -> None:
    _kept.append(handlers)


def keep_aside() -> None:
    """Have the handlers of all modules that are imported from now on kept."""
    if _register is not None:
        os.register_at_fork = _keep


def register() -> None:
    """Register what was kept, and from now on whatever comes; the main thread learns its process's id."""
    if _register is None:
        return
    os.register_at_fork = _register
    for handlers in _kept:
        _register(**handlers)
    del _kept[:]
    import threading

    thread = threading.main_thread()
    if hasattr(thread, "_set_native_id"):
        thread._set_native_id()
