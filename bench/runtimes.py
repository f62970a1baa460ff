"""Runtimes beside each other: Node.js started in advance, the Runtime API against frames, many idle sandboxes, streams.

    scripts/bench runtimes

Everything runs in one process below the sandbox's interface, without HTTP front or state: what is compared is the way
to the runtime alone. The Runtime API is served to AWS's own client (awslambdaric), the frames to our runtime; both
echo 1 KB.
"""

from __future__ import annotations

import asyncio
import compileall
import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop
from load import descendants

from kumoi.sandbox import Invocation, Sandbox, SandboxHost, SandboxSpec

EVENT = json.dumps({"text": "x" * 990}).encode()
PYTHON = "def handler(event, context):\n    return event\n"
NODE = "exports.handler = async (event) => event;\n"
FRESH_NODE = "console.log(JSON.stringify(require('./index.js').handler(JSON.parse(process.argv[1]))));"
STREAM = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write(String(process.hrtime.bigint()));
  await new Promise((go) => setTimeout(go, 20));
  stream.end();
});
"""
COLD, WARM, IDLE, STREAMS = 20, 3_000, 500, 50


class FirstByte:
    """Notes when the first piece came, and when the function wrote it (nanoseconds of the monotonic clock)."""

    def __init__(self) -> None:
        self.late = 0.0

    def begin(self, content_type: str) -> None:
        """The response begins."""

    async def write(self, piece: bytes) -> None:
        self.late = self.late or (time.monotonic_ns() - int(piece)) / 1e6


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        directory.chmod(0o755)
        host = SandboxHost(directory / "host")
        await host.start()
        try:
            await node_cold(host, tree(directory, "node", {"index.js": NODE}))
            await stream(host, tree(directory, "stream", {"index.js": STREAM}))
            await runtime_api(host, directory)
            await idle(host, tree(directory, "idle", {"app.py": PYTHON}))
        finally:
            await host.stop()


async def node_cold(host: SandboxHost, code: Path) -> None:
    spec = spec_of("nodejs20.x", "index.handler", code)
    ours, fresh = [], []
    for _ in range(COLD):
        await host.prepare("nodejs20.x")
        await asyncio.sleep(0.4)  # the worker boots meanwhile, as it does between two deployments
        began = time.perf_counter()
        sandbox = await host.create(spec, ignore)
        await answer(sandbox)
        ours.append((time.perf_counter() - began) * 1000)
        await sandbox.stop()
        await asyncio.sleep(0.4)  # the next worker boots: it must not run beside the fresh process
        began = time.perf_counter()
        command = ["node", "-e", FRESH_NODE, EVENT.decode()]
        await asyncio.to_thread(subprocess.run, command, cwd=code, check=True, stdout=subprocess.DEVNULL)
        fresh.append((time.perf_counter() - began) * 1000)
    mine, theirs = statistics.median(ours), statistics.median(fresh)
    print(
        f"Node.js cold: worker in advance {mine:.1f} ms, fresh process {theirs:.1f} ms, "
        f"ratio {mine / theirs:.3f} (limit 0.15)"
    )


async def stream(host: SandboxHost, code: Path) -> None:
    sandbox = await host.create(spec_of("nodejs20.x", "index.handler", code), ignore)
    late = []
    for _ in range(STREAMS):
        sink = FirstByte()
        await sandbox.invoke(invocation(), sink)
        late.append(sink.late)
    print(
        f"streamed first byte: {statistics.median(late):.2f} ms after it was written, worst {max(late):.2f} (limit 5)"
    )


async def runtime_api(host: SandboxHost, directory: Path) -> None:
    frames = await host.create(
        spec_of(f"python3.{sys.version_info.minor}", "app.handler", tree(directory, "frames", {"app.py": PYTHON})),
        ignore,
    )
    official = await host.create(spec_of("provided.al2023", "app.handler", with_official_client(directory)), ignore)
    for sandbox in (frames, official):
        await answer(sandbox)
    for what, pause in (("one after the other", None), ("a millisecond apart", 0.001)):
        by_frames, by_api = [], []
        for _ in range(WARM // 100):
            by_frames += [await timed(frames, pause) for _ in range(100)]
            by_api += [await timed(official, pause) for _ in range(100)]
        mine, theirs = statistics.median(by_frames), statistics.median(by_api)
        print(
            f"warm p50, {what}: frames {mine:.0f} µs, Runtime API with awslambdaric {theirs:.0f} µs, "
            f"ratio {theirs / mine:.2f} (limit 4)"
        )


async def idle(host: SandboxHost, code: Path) -> None:
    compileall.compile_dir(code, quiet=1)  # as the platform has it, ahead of the first import
    spec = spec_of(f"python3.{sys.version_info.minor}", "app.handler", code)
    before = shared_mb()
    began = time.perf_counter()
    sandboxes = [await host.create(spec, ignore) for _ in range(IDLE)]
    await asyncio.gather(*(answer(sandbox) for sandbox in sandboxes))
    took = time.perf_counter() - began
    for sandbox in sandboxes:
        sandbox.freeze()
    print(
        f"{IDLE} idle Python sandboxes: {shared_mb() - before:.0f} MB (limit 2,048), made and invoked in {took:.1f} s"
    )


def tree(directory: Path, name: str, files: dict[str, str]) -> Path:
    code = directory / name
    code.mkdir(mode=0o755)
    for file, content in files.items():
        (code / file).write_text(content)
    return code


def with_official_client(directory: Path) -> Path:
    """A package of the handler, a bootstrap, and AWS's client as it is installed here."""
    interpreter = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]
    code = tree(
        directory,
        "official",
        {"app.py": PYTHON, "bootstrap": f"#!/bin/sh\nexec {interpreter} -m awslambdaric app.handler\n"},
    )
    (code / "bootstrap").chmod(0o755)
    site = Path(sysconfig.get_paths()["purelib"])
    for pattern in ("awslambdaric", "runtime_client*", "simplejson", "snapshot_restore_py"):
        for path in site.glob(pattern):
            (shutil.copytree if path.is_dir() else shutil.copy)(path, code / path.name)
    return code


def spec_of(runtime: str, handler: str, code: Path) -> SandboxSpec:
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "_HANDLER": handler, "LAMBDA_TASK_ROOT": "/var/task"}
    return SandboxSpec(runtime, handler, code, None, environment, 256, 512)


def invocation() -> Invocation:
    return Invocation("request", EVENT, 10.0, "arn", "Root=1-a-b")


async def answer(sandbox: Sandbox) -> None:
    outcome = await sandbox.invoke(invocation())
    assert outcome.status == "success", outcome


async def timed(sandbox: Sandbox, pause: float | None = None) -> float:
    """Microseconds of an invocation; after a pause the runtime is waiting for it, and asks for nothing meanwhile."""
    if pause is not None:
        await asyncio.sleep(pause)
    began = time.perf_counter()
    await answer(sandbox)
    return (time.perf_counter() - began) * 1e6


def ignore(_lines: Any) -> None:
    """A log that nobody reads."""


def shared_mb() -> float:
    """Proportional memory of every process of a sandbox, and of those that keep them."""
    total = 0
    for pid in descendants(os.getpid()):
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue
    return total / 1024


if __name__ == "__main__":
    uvloop.run(main())
