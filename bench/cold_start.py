"""Cold starts in a sandbox against a fresh Python process that does the same work, interleaved in one run.

    scripts/bench cold_start

"Cold" is: ask for the environment, import the handler, answer the first 1 KB event. CPU is of the children alone: for
the sandbox what zygote, keeper and runtime used, for the fresh process its whole life. What is forked ahead of need,
in quiet moments, is told apart ("ahead").
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from kumoi.sandbox import Invocation, SandboxHost, SandboxSpec
from kumoi.sandbox.packages import link_packages

SMALL = "import json\n\ndef handler(event, context):\n    return event\n"
WITH_SDK = "import boto3\n\ndef handler(event, context):\n    return event\n"
FRESH = """
import sys, json
sys.path[:0] = sys.argv[1:3]
import app
print(json.dumps(app.handler(json.loads(sys.argv[3]), None)))
"""
EVENT = json.dumps({"text": "x" * 990})
RUNS = 30


class Cost(NamedTuple):
    """Milliseconds; `ahead` is the CPU time of what is made ready for the next one."""

    wall: float
    cpu: float
    ahead: float = 0.0


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        directory.chmod(0o755)
        link_packages(directory / "packages", None)
        for name, source, limit in (("small handler", SMALL, 0.25), ("boto3 handler", WITH_SDK, 0.1)):
            code = directory / name.replace(" ", "-")
            code.mkdir(mode=0o755)
            (code / "app.py").write_text(source)
            for isolation in ("namespace", "process"):
                await compare(directory, name, code, isolation, limit)


async def compare(directory: Path, name: str, code: Path, isolation: str, limit: float) -> None:
    host = SandboxHost(directory / f"host-{isolation}-{code.name}", isolation=isolation)  # type: ignore[arg-type]
    await host.start()
    spec = SandboxSpec(f"python3.{sys.version_info.minor}", "app.handler", code, None, {}, 256, 512)
    warm = await host.create(spec, lambda lines: None)
    await warm.invoke(Invocation("r", EVENT.encode(), 10, "arn", "Root=1"))
    forked, fresh = [], []
    for _ in range(RUNS):
        forked.append(await cold(host, spec))
        fresh.append(await asyncio.to_thread(process, directory / "packages", code))
    await host.stop()
    ours, theirs = median(forked), median(fresh)
    print(
        f"{name}, {isolation:9}  cold {ours.wall:6.1f} ms wall {ours.cpu:6.1f} ms CPU (ahead {ours.ahead:.1f})   "
        f"fresh process {theirs.wall:6.1f} ms wall {theirs.cpu:6.1f} ms CPU   "
        f"ratio {ours.wall / theirs.wall:.3f} wall {ours.cpu / theirs.cpu:.3f} CPU (limit {limit})"
    )


async def cold(host: SandboxHost, spec: SandboxSpec) -> Cost:
    before = await quiet()
    began = time.perf_counter()
    sandbox = await host.create(spec, lambda lines: None)
    outcome = await sandbox.invoke(Invocation("r", EVENT.encode(), 10, "arn", "Root=1"))
    wall = time.perf_counter() - began
    assert outcome.status == "success", outcome
    spent = children()
    ahead = await quiet() - spent
    await sandbox.stop()
    return Cost(wall * 1000, (spent - before) * 1000, ahead * 1000)


async def quiet() -> float:
    """Wait until what is done ahead of need is done (a keeper and a runtime that wait); the children's CPU seconds."""
    known = -1.0
    while (now := children()) != known:
        known = now
        await asyncio.sleep(0.05)
    return known


def children() -> float:
    """CPU seconds of every live process below this one, to the nanosecond of the scheduler's account."""
    total = 0.0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if _below(int(path.parent.name)):
                total += int((path.parent / "schedstat").read_text().split()[0]) / 1e9
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def _below(pid: int) -> bool:
    while pid > 1:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        pid = int(status[1])
        if pid == os.getpid():
            return True
    return False


def process(packages: Path, code: Path) -> Cost:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    command = [sys.executable, "-I", "-c", FRESH, str(code), str(packages), EVENT]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall * 1000, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000)


def median(costs: list[Cost]) -> Cost:
    return Cost(*(statistics.median(column) for column in zip(*costs, strict=True)))


if __name__ == "__main__":
    asyncio.run(main())
