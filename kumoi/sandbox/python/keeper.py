"""The keeper: the one process that lives as long as its sandbox.

First process of the sandbox's PID namespace (or, at the `process` level, the one that orphans fall to), it holds
the mounts, and with them /tmp, over restarts of the runtime. It tells Kumoi, as JSON lines, when the runtime or an
extension has ended and how much memory was held, and obeys orders of one byte:

    S  start the runtime; the channel's descriptor comes along
    E  start the extensions
    F  u32 length, JSON: become this function's sandbox (for one that was started before its function was known)
    M  measure memory          K  kill every process        Q  ask the runtime to end (SIGTERM)
    Z  freeze every process    T  let them go on

The socket's end ends the sandbox. While it waits for its sandbox, a runtime waits with it (`waiting.py`).
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import socket
import sys
from typing import Any

from . import isolation, linux, memory, messages, program, runtime
from .waiting import WaitingRuntime


class Keeper:
    """Owns one sandbox, from the fork to the last process's end."""

    _control: socket.socket
    _log: int
    _extension_log: int
    _spec: dict[str, Any]

    def __init__(self, level: str, place: memory.Memory | None) -> None:
        self._level = level
        self._place = place
        self._waiting: WaitingRuntime | None = None
        self._cgroup: memory.Cgroup | None = None
        self._runtime = 0
        self._extensions: dict[int, str] = {}
        self._peak_kb = 0
        self._over = False
        self._ending = False

    def wait(self, link: socket.socket) -> None:
        """Do what can be done ahead, wait on `link` for the sandbox to be, then keep it. Does not return."""
        failure = self._prepare()
        if not failure and not select.select([link], [], [], 0)[0]:
            self._waiting = WaitingRuntime.start(link)
        order = messages.receive(link)
        if order is None:
            os._exit(0)
        self._spec, (control, self._log, *others) = order
        self._extension_log = others[-1] if others else self._log
        self._control = socket.socket(fileno=control)
        link.close()
        if failure:
            self._tell(failed=failure)
            os._exit(1)
        self._run()

    def _prepare(self) -> str:
        """Enclose what will run here; why that could not be ("" when it was)."""
        try:
            if self._level == "namespace":
                isolation.enclose()
            else:
                linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
        except OSError as error:
            return str(error)
        return ""

    def _run(self) -> None:
        offline, nameless = self._spec.get("offline", False), self._spec.get("nameless", False)
        try:
            if "code" in self._spec:
                self._furnish()
            if offline:
                isolation.cut_off()
            if nameless:
                isolation.forget_names()
        except OSError as error:
            self._tell(failed=str(error))
            os._exit(1)
        if (self._spec["program"] or offline or nameless) and self._waiting is not None:
            self._waiting.dismiss()
            self._waiting = None
        self._obey()
        self._kill_all()
        os._exit(0)

    def _furnish(self) -> None:
        """Give the sandbox its function's files and its limit on memory."""
        if self._level == "namespace":
            isolation.furnish(self._spec)
        if self._place is not None and self._level != "none":
            self._cgroup = memory.create(
                self._place, self._spec["name"], self._spec["memory_mb"] + self._spec["tmp_mb"]
            )

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
                self._follow(order, ancillary)

    def _follow(self, order: bytes, ancillary: list[tuple[int, int, bytes]]) -> None:
        if order == b"S":
            self._start(int.from_bytes(ancillary[0][2][:4], sys.byteorder))
        elif order == b"E":
            self._start_extensions()
        elif order == b"F":
            self._take_over()
        elif order == b"K":
            self._kill_all()
        elif order == b"M":
            self._measure()
        elif order == b"Q" and self._runtime:
            self._ending = True  # extensions go on without it for their last event
            _signal(self._runtime, signal.SIGTERM)
        elif order == b"Z":
            self._signal_all(signal.SIGSTOP)
        elif order == b"T":
            self._signal_all(signal.SIGCONT)

    def _start(self, channel: int) -> None:
        self._ending = False
        self._peak_kb = 0
        self._over = False
        if self._spec["program"]:
            self._runtime, failure = program.start(
                self._spec["program"], self._spec, self._level, self._spec["environment"], self._log, channel
            )
            os.close(channel)
            if failure:
                self._tell(exec_failed=failure)
        else:
            self._runtime = self._take_waiting(channel) or self._fork_runtime(channel)
            os.close(channel)
        self._charge(self._runtime)

    def _take_waiting(self, channel: int) -> int:
        """Have the runtime that waits become the function's; its process id, 0 when there is none."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return 0
        waiting.become(self._spec, self._level, channel, self._log)
        return waiting.pid

    def _fork_runtime(self, channel: int) -> int:
        pid = os.fork()
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                runtime.main(self._spec, self._level, channel, self._log)
            finally:
                os._exit(1)
        return pid

    def _start_extensions(self) -> None:
        for path in self._spec["extensions"]:
            pid, failure = program.start(
                [path], self._spec, self._level, self._spec["extension_environment"], self._extension_log, None, "/"
            )
            name = os.path.basename(path)
            self._extensions[pid] = name
            if failure:
                self._tell(extension=name, exec_failed=failure)
            self._charge(pid)

    def _take_over(self) -> None:
        """A sandbox that was started in advance becomes a function's."""
        length = int.from_bytes(_exactly(self._control, 4), "big")
        self._spec.update(json.loads(_exactly(self._control, length)))
        try:
            self._furnish()
            if self._level != "none":
                isolation.limit_data(self._runtime, self._spec["memory_mb"])
        except OSError as error:
            self._tell(failed=str(error))
            os._exit(1)
        self._tell(furnished=True)
        self._charge(self._runtime)

    def _charge(self, pid: int) -> None:
        """Count a process's memory against the sandbox's limit."""
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
                if not self._ending:
                    self._kill_all()
                self._tell(exited=status, peak_kb=self._peak_kb, over=self._over)
            elif pid in self._extensions:
                self._tell(extension=self._extensions.pop(pid), exited=status)

    def _signal_all(self, number: int) -> None:
        if self._level == "namespace":
            _signal(-1, number)
        else:
            for pid in _descendants(os.getpid()):
                _signal(pid, number)

    def _kill_all(self) -> None:
        """Kill every process of the sandbox; the runtime's end is told when it is reaped."""
        if self._level == "namespace":
            _signal(-1, signal.SIGKILL)
            return
        for _ in range(100):
            pids = _descendants(os.getpid())
            if not pids:
                return
            for pid in pids:
                _signal(pid, signal.SIGKILL)
            known = {self._runtime, *self._extensions}
            for pid in pids:
                if pid not in known:
                    try:
                        os.waitpid(pid, os.WNOHANG)
                    except ChildProcessError:
                        continue
            if known.issuperset(pids):
                return

    def _measure(self) -> None:
        if self._level == "namespace":
            held = memory.held_kb([int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"])
        else:
            held = memory.held_kb(_descendants(os.getpid()))
        self._peak_kb = max(self._peak_kb, held)
        if self._spec["program"]:
            self._tell(peak_kb=self._peak_kb)
        limit = self._spec.get("memory_mb", 1 << 20)
        if held > limit << 10 and self._level != "none":
            self._over = True
            self._kill_all()

    def _tell(self, **message: object) -> None:
        try:
            self._control.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError as error:
        if error.errno != errno.ESRCH:
            raise


def _exactly(link: socket.socket, count: int) -> bytes:
    pieces = []
    while count:
        piece = link.recv(count)
        if not piece:
            os._exit(0)
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


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
