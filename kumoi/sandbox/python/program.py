"""Programs of a sandbox: a bootstrap, Node.js, a wrapped interpreter, extensions. They are started here, confined.

The runtime's channel, where it has one, is descriptor 3; what is written goes to the log.
"""

from __future__ import annotations

import errno
import os
import signal
from typing import Any

from . import isolation

REPORT = 201
"""Where a child keeps the pipe on which it tells that a program cannot be started."""


def start(
    command: list[str],
    spec: dict[str, Any],
    level: str,
    environment: dict[str, str],
    log: int,
    channel: int | None,
    directory: str | None = None,
) -> tuple[int, str]:
    """Fork and become `command`; the process id, and why the program could not be started ("" when it was).

    It begins in `directory`: without one, where the function's code is.
    """
    read, write = os.pipe()  # closed by a successful exec
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            _become(command, spec, level, environment, log, channel, directory, write)
        finally:
            os._exit(1)
    os.close(write)
    with os.fdopen(read, "rb") as report:
        failure = report.read().decode()
    return pid, failure


def _become(
    command: list[str],
    spec: dict[str, Any],
    level: str,
    environment: dict[str, str],
    log: int,
    channel: int | None,
    directory: str | None,
    report: int,
) -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    descriptors(log, channel, report=report, inheritable=True)
    isolation.confine(level, spec["uid"], spec.get("memory_mb", 0))
    try:
        os.chdir(directory or ("/var/task" if level == "namespace" else spec.get("code", "/")))
        os.execve(command[0], command, environment)  # noqa: S606  (what a sandbox is for)
    except OSError as error:
        reason = "no such file or directory" if error.errno == errno.ENOENT else os.strerror(error.errno or 0).lower()
        os.write(REPORT, f"fork/exec {command[0]}: {reason}".encode())
        os._exit(127)


def descriptors(log: int, channel: int | None, *, report: int | None = None, inheritable: bool = False) -> None:
    """Standard output and error to the log, standard input to nothing, the channel on 3, all else closed.

    `report` moves to descriptor `REPORT`.
    """
    if channel is not None:
        os.dup2(channel, REPORT - 1, inheritable=False)
    if report is not None:
        os.dup2(report, REPORT, inheritable=False)
    os.dup2(log, 2)
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    os.dup2(2, 1)
    if channel is not None:
        os.dup2(REPORT - 1, 3, inheritable=inheritable)
    os.closerange(3 if channel is None else 4, REPORT)
    os.closerange(REPORT if report is None else REPORT + 1, 1024)
