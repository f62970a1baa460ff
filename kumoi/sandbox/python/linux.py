"""The few Linux system calls that Python does not offer (or only offers since 3.12), through ctypes.

Every function raises `OSError` with the kernel's errno. Elsewhere than on Linux, `prctl` does nothing and the
others are not called.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_RELATIME = 1 << 21
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CAPSET = {"x86_64": 126, "aarch64": 91}
_MOUNT_SETATTR = 442
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_CAPABILITY_VERSION = 0x20080522
_LOCKED_FLAGS = MS_NOSUID | MS_NODEV | MS_NOEXEC | 1024 | 2048  # noatime and nodiratime share statvfs's values

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _number(table: dict[str, int]) -> ctypes.c_long:
    machine = platform.machine()
    if machine not in table:
        raise OSError(38, f"no system call table for {machine}")
    return ctypes.c_long(table[machine])


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` for new ones."""
    _check(_libc.unshare(flags), "unshare")


def setns(fd: int, kind: int) -> None:
    """Enter the namespace that `fd` stands for."""
    _check(_libc.setns(fd, kind), "setns")


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """mount(2)."""
    _check(
        _libc.mount(
            os.fsencode(source),
            os.fsencode(target),
            kind.encode() if kind else None,
            ctypes.c_ulong(flags),
            options.encode() or None,
        ),
        f"mount {target}",
    )


def unmount(target: str) -> None:
    """Detach the mount at `target` with everything below it."""
    _check(_libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def bind(source: str, target: str) -> None:
    """Show the tree at `source` also at `target`, read-only and without set-uid programs or devices."""
    mount(source, target, None, MS_BIND | MS_REC)
    read_only(target)


def read_only(target: str) -> None:
    """Make the mount at `target`, and where the kernel can those below it, read-only."""
    attributes = struct.pack("QQQQ", MS_RDONLY | MS_NOSUID | MS_NODEV, 0, 0, 0)
    result = _libc.syscall(
        ctypes.c_long(_MOUNT_SETATTR), _AT_FDCWD, os.fsencode(target), _AT_RECURSIVE, attributes, len(attributes)
    )
    if result == -1:
        flags = os.statvfs(target).f_flag & _LOCKED_FLAGS
        flags |= MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_RELATIME
        mount("none", target, None, flags)


def pivot_root(new: str, old: str) -> None:
    """Make `new` the root; the former root is then found at `old`."""
    _check(_libc.syscall(_number(_PIVOT_ROOT), os.fsencode(new), os.fsencode(old)), "pivot_root")


def set_hostname(name: str) -> None:
    """The host name inside this UTS namespace."""
    _check(_libc.sethostname(name.encode(), len(name)), "sethostname")


def prctl(option: int, value: int) -> None:
    """prctl(2); nothing elsewhere than on Linux."""
    if sys.platform == "linux":
        _check(
            _libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)), "prctl"
        )


def drop_capabilities() -> None:
    """Give up every capability, for good once no_new_privs is set."""
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    _check(_libc.syscall(_number(_CAPSET), header, bytes(24)), "capset")
