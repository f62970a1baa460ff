"""The keeper: the one process that lives as long as its sandbox.

First process of the sandbox's PID namespace (or, at the `process` level, the one that orphans fall to), it holds
the mounts, and with them /tmp, over restarts of the runtime. It obeys single bytes from Kumoi: `S` start a runtime
(the channel's descriptor comes along), `K` kill every process, `M` measure memory; the socket's end ends it and the
sandbox. It tells Kumoi, as JSON lines, when the runtime has ended and how much memory was held.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from typing import Any

from . import isolation, linux, memory, runtime


class Keeper:
    """Owns one sandbox, from the fork to the last process's end."""

    def __init__(
        self, control: socket.socket, log: int, spec: dict[str, Any], level: str, place: memory.Memory | None
    ) -> None:
        self._control = control
        self._log = log
        self._spec = spec
        self._level = level
        self._place = place
        self._cgroup: memory.Cgroup | None = None
        self._runtime = 0
        self._peak_kb = 0
        self._over = False

    def run(self) -> None:
        """Build the sandbox and obey until the control socket closes. Does not return to the zygote's loop."""
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        try:
            if self._level == "namespace":
                isolation.enclose(self._spec)
            else:
                linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
            if self._place is not None and self._level != "none":
                self._cgroup = memory.create(
                    self._place, self._spec["name"], self._spec["memory_mb"] + self._spec["tmp_mb"]
                )
        except OSError as error:
            self._tell(failed=str(error))
            os._exit(1)
        self._obey()
        self._kill_all()
        os._exit(0)

    def _obey(self) -> None:
        read, write = os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        poller = select.poll()
        poller.register(read, select.POLLIN)
        poller.register(self._control, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poller.poll()}
            if read in ready:
                os.read(read, 4096)
                self._reap()
            if self._control.fileno() in ready:
                order, ancillary, _, _ = self._control.recvmsg(1, socket.CMSG_SPACE(4))
                if not order:
                    return
                if order == b"S":
                    self._start(int.from_bytes(ancillary[0][2][:4], sys.byteorder))
                elif order == b"K":
                    self._kill_all()
                elif order == b"M":
                    self._measure()

    def _start(self, channel: int) -> None:
        self._peak_kb = 0
        self._over = False
        pid = os.fork()
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                runtime.main(self._spec, self._level, channel, self._log)
            finally:
                os._exit(1)
        self._runtime = pid
        os.close(channel)
        if self._cgroup is not None:
            try:
                self._cgroup.add(pid)
            except OSError:  # it has ended already: its end is told when it is reaped
                return

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._runtime:
                self._runtime = 0
                self._kill_all()
                self._tell(exited=status, peak_kb=self._peak_kb, over=self._over)

    def _kill_all(self) -> None:
        """Kill every process of the sandbox; the runtime's end is told when it is reaped."""
        if self._level == "namespace":
            try:
                os.kill(-1, signal.SIGKILL)
            except ProcessLookupError:
                return
            return
        for _ in range(100):
            pids = _descendants(os.getpid())
            if not pids:
                return
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    continue
            for pid in pids:
                if pid != self._runtime:
                    try:
                        os.waitpid(pid, os.WNOHANG)
                    except ChildProcessError:
                        continue
            if pids == [self._runtime]:
                return

    def _measure(self) -> None:
        if self._level == "namespace":
            held = memory.held_kb([int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"])
        else:
            held = memory.held_kb(_descendants(os.getpid()))
        self._peak_kb = max(self._peak_kb, held)
        if held > self._spec["memory_mb"] << 10 and self._level != "none":
            self._over = True
            self._kill_all()

    def _tell(self, **message: object) -> None:
        try:
            self._control.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return


def _descendants(pid: int) -> list[int]:
    """Every process below `pid`, children first."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                children = [int(child) for child in file.read().split()]
        except OSError:
            continue
        for child in children:
            found.append(child)
            found += _descendants(child)
    return found
