"""What runs as the runtime of a sandbox: a fork of the zygote, or a program of its own, and how it speaks.

Paths are those that the sandbox sees: /var/task and /opt where there are namespaces, else the directories themselves.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kumoi.sandbox.interface import SandboxSpec

WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
_READ_AT_START = ("NODE_OPTIONS", "NODE_EXTRA_CA_CERTS", "UV_THREADPOOL_SIZE")
"""Variables that Node.js reads once: a function that sets one cannot have a worker that has started already."""


PATH_LISTS = ("PATH", "LD_LIBRARY_PATH", "NODE_PATH", "PYTHONPATH")
"""Variables that hold paths between colons."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the sandbox sees its directories."""

    task: str
    opt: str
    runtime: str

    @classmethod
    def of(cls, spec: SandboxSpec, level: str, packages: Path) -> Places:
        """As a level of isolation shows them."""
        if level == "namespace":
            return cls("/var/task", "/opt", "/var/runtime")
        return cls(str(spec.code), str(spec.opt or ""), str(packages))

    def local(self, path: str) -> str:
        """A path of Lambda's as this sandbox sees it."""
        for theirs, ours in (("/var/task", self.task), ("/opt", self.opt), ("/var/runtime", self.runtime)):
            if ours and (path == theirs or path.startswith(f"{theirs}/")):
                return ours + path[len(theirs) :]
        return path

    def local_list(self, paths: str) -> str:
        """Paths between colons, each as this sandbox sees it."""
        return ":".join(self.local(path) for path in paths.split(":"))


@dataclass(frozen=True, slots=True)
class Program:
    """A runtime: `fork` of the zygote, a program that speaks `frames`, or one that speaks the Runtime `api`.

    `awaits_init`: it gets its function in an INIT frame. `problem`: why there is nothing to start.
    """

    kind: Literal["fork", "frames", "api"]
    command: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    awaits_init: bool = False
    problem: str = ""


def python(spec: SandboxSpec, places: Places, interpreter: str, settings: dict[str, object]) -> Program:
    """A fork of the zygote; with a wrapper script, what the script runs."""
    wrapper = spec.environment.get(WRAPPER)
    if not wrapper:
        return Program("fork")
    command = (places.local(wrapper), interpreter, f"{places.runtime}/bootstrap.py")
    return Program("frames", command, (("_KUMOI_RUNTIME", json.dumps(settings)),))


def node(spec: SandboxSpec, places: Places, path: Path) -> Program:
    """Node.js with our bootstrap; below a wrapper script where there is one."""
    command = node_command(places, path)
    wrapper = spec.environment.get(WRAPPER)
    return Program("frames", (places.local(wrapper), *command) if wrapper else command, awaits_init=True)


def node_command(places: Places, path: Path) -> tuple[str, ...]:
    """The command of a worker that waits for its function."""
    return (str(path), f"{places.runtime}/_kumoi_node/bootstrap.js")


def may_start_in_advance(spec: SandboxSpec) -> bool:
    """Whether a Node.js worker that has started already can become this function."""
    broken = spec.offline or spec.nameless
    return not broken and not any(name in spec.environment for name in (WRAPPER, *_READ_AT_START))


def provided(spec: SandboxSpec, places: Places) -> Program:
    """The bootstrap that a custom runtime brings: in its code, else in a layer."""
    found = [
        (directory / "bootstrap", f"{seen}/bootstrap")
        for directory, seen in ((spec.code, places.task), (spec.opt, places.opt))
        if directory is not None and (directory / "bootstrap").is_file()
    ]
    if not found:
        return Program("api", problem="Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")
    path, seen = found[0]
    if not os.access(path, os.X_OK):
        return Program("api", problem=f"fork/exec {seen}: permission denied")
    wrapper = spec.environment.get(WRAPPER)
    return Program("api", (places.local(wrapper), seen) if wrapper else (seen,))


def extensions(spec: SandboxSpec, places: Places) -> list[str]:
    """The programs in /opt/extensions, as the sandbox sees them."""
    if spec.opt is None or not (spec.opt / "extensions").is_dir():
        return []
    found = sorted(path for path in (spec.opt / "extensions").iterdir() if path.is_file() and os.access(path, os.X_OK))
    return [f"{places.opt}/extensions/{path.name}" for path in found]
