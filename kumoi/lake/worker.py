"""A process that runs tasks over rows of the lake which others have written SQL for: started by `workers`, one task at
a time.

A task is a function of a module, called with an `Ask` and arguments; it answers bytes. Requests come as pickles from
the platform alone; answers go back as bytes, so that the platform reads nothing of them that could run. The process has
a limit of memory, is nicer than the platform and the first to be killed where memory runs out, and ends when the
platform does.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from kumoi.lake.parquet import Query, QueryFailed, Result, Source

LENGTH = struct.Struct("!Q")
DONE, FAILED, BROKEN = b"d", b"f", b"b"
MOST_MEMORY = 2 << 30
"""Bytes of data that a process may have: DuckDB keeps to less, functions and regular expressions may not."""
_NICENESS = 5


Task = Callable[..., bytes]


class Request(NamedTuple):
    """What to run: `task(ask, *arguments)`. Names of `sources` are tables to what is asked.

    `spill` is a folder of this request's own, for what does not fit into memory.
    """

    task: Task
    arguments: tuple[Any, ...]
    sources: Mapping[str, Source]
    spill: Path


class Ask:
    """Runs SELECTs over a request's sources."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def __call__(self, sql: str, parameters: Mapping[str, Any], names: tuple[str, ...] = ()) -> Result:
        """The rows of a statement over sources by name; QueryFailed when there are none to be had."""
        sources = {name: self._request.sources[name] for name in names}
        return Query(self._request.spill).run(sql, parameters, sources)


def main() -> None:
    """Answer requests from standard input until it ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit()
    with sys.stdin.buffer as requests:
        while (size := requests.read(LENGTH.size)) and len(size) == LENGTH.size:
            request = pickle.loads(requests.read(LENGTH.unpack(size)[0]))  # noqa: S301  (the platform's own)
            threading.Thread(target=_answer, args=(request, answers), daemon=True).start()
    os._exit(0)  # a task that still runs is not waited for


def _answer(request: Request, answers: BinaryIO) -> None:
    try:
        kind, content = DONE, request.task(Ask(request), *request.arguments)
    except QueryFailed as error:
        kind, content = FAILED, str(error).encode()
    except MemoryError:
        kind, content = FAILED, b"The query needs more memory than it may have."
    except Exception as error:  # noqa: BLE001  (told to whoever asked)
        import traceback

        traceback.print_exc()
        kind, content = BROKEN, f"{type(error).__name__}: {error}".encode(errors="replace")
    answers.write(kind + LENGTH.pack(len(content)))
    answers.write(content)
    answers.flush()


def _limit() -> None:
    os.nice(_NICENESS)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = MOST_MEMORY if hard == resource.RLIM_INFINITY else min(MOST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with contextlib.suppress(OSError):  # Linux alone has it
        Path("/proc/self/oom_score_adj").write_text("1000")


if __name__ == "__main__":
    main()
