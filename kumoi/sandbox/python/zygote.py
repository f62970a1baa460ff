"""The zygote: a warm interpreter that forks a keeper for every sandbox it is asked for, one ahead of need.

It reads messages (u32 length, JSON, and with a spawn the sandbox's control socket and log pipes as SCM_RIGHTS),
stays single-threaded, and ends when Kumoi's end of the socket closes: every keeper, and with it every process of
every sandbox, dies then too. Nothing is sent back but one greeting; keepers speak for themselves.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import site
import socket
import sys
from typing import Any, NamedTuple

from . import isolation, keeper, linux, memory, messages, warmth

PRELOADED = (
    "asyncio base64 collections concurrent.futures contextlib copy dataclasses datetime decimal enum functools gzip"
    " hashlib hmac http.client inspect io itertools json logging logging.config math operator pathlib queue random re"
    " shutil socket ssl string subprocess tempfile threading time traceback typing urllib.parse urllib.request uuid"
    " zipfile"
).split()
PRELOADED_SDK = (
    "boto3 boto3.session boto3.dynamodb.conditions boto3.s3.transfer botocore.client botocore.config"
    " botocore.exceptions botocore.endpoint botocore.httpsession botocore.credentials botocore.parsers"
    " botocore.serialize botocore.signers botocore.auth botocore.retries.standard botocore.waiter botocore.paginate"
    " boto3.resources.factory botocore.crt botocore.compress"
).split()


REHEARSALS = 20
QUIET_MS = 20
"""How long nothing must happen before the next keeper is forked: whatever starts now has the processor first."""


class Spare(NamedTuple):
    """A keeper that waits for its sandbox, and where to tell it which."""

    pid: int
    link: socket.socket


def main(fd: int) -> None:
    """Serve the socket `fd` until it closes."""
    link = socket.socket(fileno=fd)
    link.set_inheritable(False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings, _ = messages.receive(link) or ({}, [])
    zygote = Zygote(link, settings)
    try:
        zygote.prepare()
    except OSError as error:
        link.sendall(json.dumps({"error": str(error)}).encode() + b"\n")
        return
    link.sendall(json.dumps({"error": None}).encode() + b"\n")
    zygote.serve()


class Zygote:
    """One warm interpreter and the keepers it has forked."""

    def __init__(self, link: socket.socket, settings: dict[str, Any]) -> None:
        self._link = link
        self._level: str = settings["isolation"]
        self._settings = settings
        self._keepers: dict[int, str] = {}
        self._spare: Spare | None = None
        self._memory: memory.Memory | None = None
        self._pid_namespace = -1
        self._filling: list[Any] = []

    def prepare(self) -> None:
        """Build the tree, load what functions are likely to import, and freeze it all for sharing."""
        settings = self._settings
        if settings["cgroup"]:
            directory = os.open(settings["cgroup"]["directory"], os.O_DIRECTORY | os.O_CLOEXEC)
            self._memory = memory.Memory(directory, settings["cgroup"]["version"])
        if self._level == "namespace":
            self._pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
            isolation.enter_tree(
                settings["root"], settings["runtime_directory"], tuple(settings["users"]), settings["programs"]
            )
            self._rehearse()
            runtime_directory = "/var/runtime"
        else:
            runtime_directory = settings["runtime_directory"]
        linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
        site.setquit()
        site.setcopyright()
        site.sethelper()
        _load(PRELOADED)
        if settings["sdk"]:
            sys.path.insert(0, runtime_directory)
            _load(PRELOADED_SDK)
            sys.path.remove(runtime_directory)
        warmth.rehearse(REHEARSALS)
        gc.collect()
        self._filling = warmth.fill_pools()
        gc.freeze()

    def serve(self) -> None:
        """Fork keepers on request and reap them, until Kumoi closes the socket."""
        wake = _wake_on_child()
        poller = select.poll()
        poller.register(self._link, select.POLLIN)
        poller.register(wake, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poller.poll(QUIET_MS if self._spare is None else None)}
            if not ready:
                self._prepare_spare()
            if wake in ready:
                os.read(wake, 4096)
                self._reap()
            if self._link.fileno() in ready:
                message = messages.receive(self._link)
                if message is None:
                    break
                self._obey(*message)
        for pid in self._keepers:
            os.kill(pid, signal.SIGKILL)
        while self._keepers:
            self._reap(block=True)

    def _obey(self, message: dict[str, Any], fds: list[int]) -> None:
        if message["do"] == "spawn":
            try:
                self._spawn(message["sandbox"], fds)
            finally:
                for fd in fds:
                    os.close(fd)
        elif message["do"] == "kill":
            for pid, name in self._keepers.items():
                if name == message["name"]:
                    os.kill(pid, signal.SIGKILL)

    def _spawn(self, spec: dict[str, Any], fds: list[int]) -> None:
        """Give the spare keeper its sandbox; fork one now when there is none."""
        if self._spare is None:
            self._prepare_spare()
        spare, self._spare = self._spare, None
        if spare is None:  # no more processes: the sandbox's socket says so by closing
            return
        self._keepers[spare.pid] = spec["name"]
        with spare.link:
            try:
                messages.send(spare.link, spec, fds)
            except OSError as error:
                sys.stderr.write(f"kumoi: a keeper ended before its time: {error}\n")

    def _prepare_spare(self) -> None:
        """Fork a keeper that waits for its sandbox, so that the next start costs one fork and not two."""
        ours, theirs = socket.socketpair()
        try:
            pid = self._fork()
        except OSError as error:
            sys.stderr.write(f"kumoi: cannot fork a keeper: {error}\n")
            ours.close()
            theirs.close()
            return
        if pid == 0:
            try:
                ours.close()
                self._link.close()
                self._wait_as_spare(theirs)
            finally:
                os._exit(1)
        theirs.close()
        self._keepers[pid] = ""
        self._spare = Spare(pid, ours)

    def _wait_as_spare(self, link: socket.socket) -> None:
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        keeper.Keeper(self._level, self._memory).wait(link)

    def _fork(self) -> int:
        """Fork; with namespaces, the child is the first process of a new PID namespace."""
        if self._level != "namespace":
            return os.fork()
        linux.unshare(linux.CLONE_NEWPID)
        pid = -1
        try:
            pid = os.fork()
        finally:
            if pid:  # the child stays where it was born
                linux.setns(self._pid_namespace, linux.CLONE_NEWPID)
        return pid

    def _rehearse(self) -> None:
        """Build one enclosure and drop it: what the machine refuses is found now, not at a function's start."""
        pid = self._fork()
        if pid == 0:
            try:
                isolation.enclose()
                isolation.furnish({"code": "/usr", "opt": "", "tmp_mb": 1})
                os._exit(0)
            except OSError as error:
                os._exit(error.errno or 255)
        status = os.waitpid(pid, 0)[1]
        if status:
            code = status >> 8
            raise OSError(code, f"a sandbox cannot be enclosed: {os.strerror(code)}")

    def _reap(self, block: bool = False) -> None:
        while True:
            try:
                pid, _ = os.waitpid(-1, 0 if block else os.WNOHANG)
            except ChildProcessError:
                self._keepers.clear()
                return
            if pid == 0:
                return
            name = self._keepers.pop(pid, "")
            if self._spare is not None and self._spare.pid == pid:
                self._spare.link.close()
                self._spare = None
            if name and self._memory is not None:
                memory.remove(self._memory, name)


def _wake_on_child() -> int:
    """A descriptor that becomes readable when a child has ended."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    return read


def _load(names: list[str]) -> None:
    for name in names:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001 (a missing or broken optional module costs warmth, nothing else)
            continue
