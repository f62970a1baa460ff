"""A runtime that waits for its function: forked, and warm, before anybody asks for it.

A cold start then costs what the function itself costs. It has no privileges to lose yet and no function's data: it
becomes confined when it is told which function it is.
"""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

from . import linux, messages, runtime, warmth


class WaitingRuntime:
    """The keeper's side of one: its process id, and where to tell it which function it is."""

    def __init__(self, pid: int, link: socket.socket) -> None:
        self.pid = pid
        self._link = link

    @classmethod
    def start(cls, keepers: socket.socket) -> WaitingRuntime | None:
        """Fork one; None when there can be no more processes. `keepers` is the keeper's own link to its zygote."""
        ours, theirs = socket.socketpair()
        try:
            pid = os.fork()
        except OSError:
            ours.close()
            theirs.close()
            return None
        if pid == 0:
            try:
                ours.close()
                keepers.close()
                _wait(theirs)
            finally:
                os._exit(1)
        theirs.close()
        return cls(pid, ours)

    def become(self, spec: dict[str, Any], level: str, channel: int, log: int) -> None:
        """Tell it; one that has ended meanwhile is reaped like any runtime."""
        with self._link:
            try:
                messages.send(self._link, {"spec": spec, "level": level}, [channel, log])
            except OSError:
                return

    def dismiss(self) -> None:
        """It is not needed."""
        self._link.close()


def _wait(link: socket.socket) -> None:
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    warmth.rehearse(1)
    told = messages.receive(link)
    if told is None:
        os._exit(0)
    message, (channel, log) = told
    link.close()
    runtime.main(message["spec"], message["level"], channel, log)
