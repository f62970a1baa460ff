"""Walls: what a sandbox can see, reach and use.

Three steps, each in the process that needs it. The zygote moves once into a small read-only tree on a tmpfs
(`enter_tree`): the system's programs and libraries, the interpreter, AWS's Python packages at /var/runtime, and
nothing of the user's. Each keeper, first process of its own PID namespace, gets a private copy of that tree
(`enclose`) and hangs its function's directories into it (`furnish`). Each runtime then gives up every privilege
(`confine`).

The former root stays mounted at /.host in the zygote only: keepers bind from it and let go of it.
`process` and `none` build no tree; `confine` then is what there is.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from typing import Any

from . import linux

MAXIMUM_FILES = 1024
MAXIMUM_PROCESSES = 1024
SPARE_DATA = 1 << 30
_HOST = "/.host"
_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_ELSEWHERE = ("/etc/resolv.conf", "/etc/localtime", "/etc/ssl/certs", "/etc/pki", "/etc/hosts", "/etc/nsswitch.conf")


def enter_tree(root: str, runtime_directory: str, users: tuple[int, int], programs: list[str]) -> None:
    """Move this process into a minimal root, built on a tmpfs over the empty directory `root`.

    `runtime_directory` holds links to the packages for /var/runtime; `users` is (first uid, count) of the uids
    that sandboxes will run as; `programs` are further directories to show, where other runtimes are installed.
    `OSError` when the machine refuses.
    """
    if os.geteuid() == 0:
        linux.unshare(linux.CLONE_NEWNS)
    else:
        _enter_user_namespace(linux.CLONE_NEWNS)
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("kumoi", root, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=0755,size=64m")
    for name in ("proc", "tmp", "dev", "opt", "run", "var/task", "var/runtime", "var/lang", "root", _HOST[1:]):
        os.makedirs(f"{root}/{name}", exist_ok=True)
    shown = _show_system(root)
    for prefix in {sys.base_prefix, sys.base_exec_prefix, *programs}:
        _show(root, os.path.realpath(prefix), shown)
    for path in _ELSEWHERE:
        real = os.path.realpath(path)
        if os.path.exists(real):
            _show(root, real, shown)
    _show_packages(root, runtime_directory)
    _make_devices(root)
    _make_accounts(root, users)
    _make_nameless(root)
    os.rmdir(f"{root}/var/lang")
    os.symlink(sys.base_prefix, f"{root}/var/lang")
    linux.pivot_root(root, f"{root}{_HOST}")
    os.chdir("/")
    if os.geteuid() == 0:
        _forget([name for name in ("sys", "dev", "proc") if not root.startswith(f"/{name}/")])
    linux.mount(
        "none", "/", None, linux.MS_BIND | linux.MS_REMOUNT | linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV
    )


def _enter_user_namespace(others: int) -> None:
    """A user namespace in which this user keeps its ids and may arrange mounts."""
    uid, gid = os.geteuid(), os.getegid()
    linux.unshare(linux.CLONE_NEWUSER | others)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _show_system(root: str) -> list[str]:
    """Bind the system's directories; answers the paths now visible."""
    shown = []
    for name in _SYSTEM:
        path = f"/{name}"
        if os.path.islink(path):
            os.symlink(os.readlink(path), root + path)
        elif os.path.isdir(path):
            os.mkdir(root + path)
            linux.bind(path, root + path)
            shown.append(path)
    return shown


def _show(root: str, path: str, shown: list[str]) -> None:
    """Bind `path` at its own place unless it is visible already; parents are made anew, readable to all."""
    if any(path == other or path.startswith(f"{other}/") for other in shown):
        return
    target = root + path
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w"):
            pass
    linux.bind(path, target)
    shown.append(path)


def _show_packages(root: str, runtime_directory: str) -> None:
    for name in os.listdir(runtime_directory):
        source = os.path.realpath(os.path.join(runtime_directory, name))
        target = f"{root}/var/runtime/{name}"
        if os.path.isdir(source):
            os.mkdir(target)
        else:
            with open(target, "w"):
                pass
        linux.bind(source, target)


_NAMELESS = {
    "nsswitch.conf": "hosts: files\n",
    "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
}


def _make_devices(root: str) -> None:
    for name in _DEVICES:
        target = f"{root}/dev/{name}"
        with open(target, "w"):
            pass
        linux.mount(f"/dev/{name}", target, None, linux.MS_BIND)
    os.symlink("/proc/self/fd", f"{root}/dev/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"{root}/dev/{name}")


def _make_accounts(root: str, users: tuple[int, int]) -> None:
    """/etc/passwd naming the sandboxes' users, and /etc/hosts knowing `sandbox.localdomain`."""
    first, count = users
    names = "".join(
        f"sbx_user{1051 + n}:x:{first + n}:{first + n}::/home/sbx_user{1051 + n}:/sbin/nologin\n" for n in range(count)
    )
    _amend(root, "passwd", names)
    _amend(root, "hosts", "127.0.0.1 sandbox.localdomain sandbox\n")


def _make_nameless(root: str) -> None:
    """What /etc has for a function that finds no names of other hosts."""
    for name, text in _NAMELESS.items():
        with open(f"{root}/run/nameless-{name}", "w") as file:
            file.write(text)


def _amend(root: str, name: str, text: str) -> None:
    """Lay over /etc/`name` a copy that ends in `text`."""
    path = f"/etc/{name}"
    if not os.path.exists(path):
        return
    with open(path) as file:
        content = file.read()
    copy = f"{root}/run/{name}"
    with open(copy, "w") as file:
        file.write(content.rstrip("\n") + "\n" + text)
    linux.mount(copy, root + os.path.realpath(path), None, linux.MS_BIND)


def _forget(names: list[str]) -> None:
    """Detach what no keeper will bind from: a smaller mount table is copied faster."""
    for name in names:
        try:
            linux.unmount(f"{_HOST}/{name}")
        except OSError:
            continue


def enclose() -> None:
    """Give the first process of a new PID namespace a private copy of the zygote's tree, and its own /proc."""
    linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS)
    linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    linux.set_hostname("sandbox")


def furnish(spec: dict[str, Any]) -> None:
    """Hang the function's directories into the private tree and let go of the host's.

    Afterwards /tmp is an empty tmpfs of `spec["tmp_mb"]`, alive as long as the calling process.
    """
    linux.bind(_HOST + spec["code"], "/var/task")
    if spec["opt"]:
        linux.bind(_HOST + spec["opt"], "/opt")
    linux.mount(
        "tmp",
        "/tmp",
        "tmpfs",
        linux.MS_NOSUID | linux.MS_NODEV,
        f"mode=1777,size={spec['tmp_mb']}m",
    )
    linux.unmount(_HOST)


def cut_off() -> None:
    """Leave the network: what this process starts from now on has none, not even this machine's own."""
    linux.unshare(linux.CLONE_NEWNET)


def forget_names() -> None:
    """Have the names of other hosts not be found: nobody is asked for them, or nobody answers."""
    for name in _NAMELESS:
        path = os.path.realpath(f"/etc/{name}")
        if os.path.exists(path):
            linux.mount(f"/run/nameless-{name}", path, None, linux.MS_BIND)


def confine(level: str, uid: int | None, memory_mb: int) -> None:
    """Give up privileges and take on limits, as the last step before user code runs."""
    os.setsid()
    _give_way()
    if level == "none":
        return
    _limit(resource.RLIMIT_NOFILE, MAXIMUM_FILES)
    _limit(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux" and memory_mb:
        _limit(resource.RLIMIT_DATA, (memory_mb << 20) + SPARE_DATA)
    if level == "namespace":
        if uid is not None:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        else:
            _enter_user_namespace(0)  # a count of processes of its own: RLIMIT_NPROC counts per user namespace
        _limit(resource.RLIMIT_NPROC, MAXIMUM_PROCESSES)
        linux.drop_capabilities()
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_data(pid: int, memory_mb: int) -> None:
    """Bound the private memory of a process that was confined before its function's MemorySize was known.

    Where the kernel refuses (it wants CAP_SYS_RESOURCE for another user's process), the cgroup and measuring remain.
    """
    if sys.platform == "linux" and pid:
        limit = (memory_mb << 20) + SPARE_DATA
        try:
            resource.prlimit(pid, resource.RLIMIT_DATA, (limit, limit))
        except PermissionError:
            return


def _give_way() -> None:
    """Get as much of the processors as anybody, but interrupt nobody by waking up: least of all Kumoi's loop, which has
    woken this process, and has others' calls to go on with.
    """
    if hasattr(os, "SCHED_BATCH"):
        try:
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        except OSError:  # musl knows no classes, nor do some kernels, and a host may refuse: it is no promise
            return


def _limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))
