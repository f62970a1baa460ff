"""Warmth: what every start of a function runs is run ahead of it.

A forked process pays for each page it writes to first: its code's counters and caches, the free blocks among other
objects. So the zygote rehearses an initialisation and invocations before it forks (the interpreter has specialised the
code then) and uses up its free blocks (what a function makes lies together, on pages of its own); and a runtime that
waits for its function rehearses once more, on pages that are its own from then on.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
import socket
import sys
import types
from typing import Any

from . import frames, function_log, messages, runtime

_MODULE = "kumoi_rehearsal"
_SMALL_MODULE = "colorsys"
"""Of the standard library, and needed by nobody: importing it exercises the way a function is imported."""
_POOLS = re.compile(r"^\s*\d+\s+(\d+)\s+\d+\s+\d+\s+(\d+)\s*$", re.MULTILINE)
_HEADER = {
    "request_id": "rehearsal",
    "function_arn": "arn",
    "deadline_ms": 0,
    "trace": "Root=1",
    "client_context": None,
    "cognito_identity": None,
    "tenant_id": None,
}


def rehearse(times: int) -> None:
    """Initialise a function that echoes and invoke it, `times` over; the process is afterwards as it was before."""
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    streams, environment = (sys.stdout, sys.stderr), dict(os.environ)
    kept = [os.dup(1), os.dup(2)]
    nothing = os.open(os.devnull, os.O_WRONLY)
    ours, theirs = socket.socketpair()
    module = types.ModuleType(_MODULE)
    module.handler = lambda event, context: event  # type: ignore[attr-defined]
    sys.modules[_MODULE] = module
    try:
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        for _ in range(times):
            _once(ours, theirs)
            os.environ.clear()
            os.environ.update(environment)
    finally:
        for number, copy in enumerate(kept, 1):
            os.dup2(copy, number)
            os.close(copy)
        os.close(nothing)
        ours.close()
        theirs.close()
        del sys.modules[_MODULE]
        sys.stdout, sys.stderr = streams
        logging.getLogger().handlers[:] = handlers
        logging.getLogger().setLevel(level)


def _once(ours: socket.socket, theirs: socket.socket) -> None:
    messages.send(theirs, _HEADER, [theirs.fileno()])
    for fd in (messages.receive(ours) or ({}, []))[1]:
        os.close(fd)
    importlib.import_module(_SMALL_MODULE)
    del sys.modules[_SMALL_MODULE]
    log = function_log.FunctionLog(1, b"rehearsal-marker", None)
    log.install("Text", "INFO")
    spec = {"handler": f"{_MODULE}.handler", "log_format": "Text"}
    theirs.sendall(frames.frame(frames.INVOKE, _HEADER, b'{"text": "rehearsal"}'))
    runtime.Runtime(ours, log, spec).rehearse()
    theirs.recv(65536)


def fill_pools() -> list[Any]:
    """Take every free block of the interpreter's small objects; they are taken as long as the answer is kept."""
    taken: list[Any] = []
    for size, free in _free_blocks():
        content = size - sys.getsizeof(b"")
        if content >= 0:
            taken.append([bytes(content) for _ in range(free)])
        elif size >= sys.getsizeof(0.0):
            taken.append([float(number) for number in range(free)])
        else:
            taken.append([object() for _ in range(free)])
    return taken


def _free_blocks() -> list[tuple[int, int]]:
    """(size, free blocks) of each class of small objects; nothing where the interpreter does not tell."""
    tell, memory_file = getattr(sys, "_debugmallocstats", None), getattr(os, "memfd_create", None)
    if tell is None or memory_file is None:
        return []
    file, kept = memory_file("blocks"), os.dup(2)
    os.dup2(file, 2)
    try:
        tell()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    with os.fdopen(file, "rb") as report:
        report.seek(0)
        text = report.read().decode("ascii", "replace")
    return [(int(size), int(free)) for size, free in _POOLS.findall(text)]
