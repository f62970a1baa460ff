"""What a function at the `namespace` level sees and can do: as little as at AWS."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kumoi.sandbox.python import isolation

Run = Callable[[Callable[[Any], Any]], Any]


@pytest.fixture
def level() -> str:
    return "namespace"


LOOK = """
import os, socket, subprocess
def attempt(action):
    try:
        action()
    except Exception as error:
        return type(error).__name__
    return "done"
def handler(event, context):
    return {
        "home": os.path.exists(event["home"]),
        "data": os.path.exists(event["data"]),
        "host": os.listdir("/.host") if os.path.isdir("/.host") else [],
        "task": attempt(lambda: open("/var/task/app.py", "a")),
        "opt": attempt(lambda: os.mkdir("/opt/x")),
        "etc": attempt(lambda: open("/etc/passwd", "a")),
        "tmp": attempt(lambda: open("/tmp/x", "w").write("x")),
        "chown": attempt(lambda: os.setuid(0)),
        "mount": attempt(lambda: subprocess.run("mount -t tmpfs x /tmp", shell=True, check=True, capture_output=True)),
        "others": [int(name) for name in os.listdir("/proc") if name.isdigit()],
        "uid": os.getuid(),
        "gives_way": os.sched_getscheduler(0) == os.SCHED_BATCH,
        "cwd": os.getcwd(),
        "sandbox": socket.gethostbyname("sandbox.localdomain"),
        "room": os.statvfs("/tmp").f_blocks * os.statvfs("/tmp").f_frsize,
    }
"""


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="there is no /dev/shm")
def test_code_may_lie_in_memory(run_at: Callable[[Path, Callable[[Any], Any]], Any]) -> None:
    """Data directories on /dev/shm are usual in CI; sandboxes see a /dev of their own."""

    async def scenario(workshop: Any) -> None:
        sandbox = await workshop.make("import os\ndef handler(event, context):\n    return os.listdir('/dev')\n")
        seen, _ = await workshop.invoke(sandbox)
        assert "null" in seen
        assert "shm" not in seen

    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        run_at(Path(directory), scenario)


def test_a_function_sees_its_own_and_changes_nothing_else(run: Run, tmp_path: Path) -> None:
    async def scenario(workshop: Any) -> None:
        sandbox = await workshop.make(LOOK)
        seen, _ = await workshop.invoke(sandbox, {"home": str(Path.home() / ".bashrc"), "data": str(tmp_path)})
        assert seen["host"] == []
        assert not seen["data"]
        assert seen["tmp"] == "done"
        assert {seen["task"], seen["opt"], seen["etc"]} <= {"PermissionError", "OSError"}
        assert seen["mount"] != "done"
        assert max(seen["others"]) < 10
        assert seen["cwd"] == "/var/task"
        assert seen["gives_way"], "it must not interrupt the loop that wakes it"
        assert seen["sandbox"] == "127.0.0.1"
        assert seen["room"] == 64 << 20
        if os.geteuid() == 0:
            assert seen["uid"] >= 2_000_000
            assert seen["chown"] == "PermissionError"

    run(scenario)


@pytest.mark.slow
def test_a_fork_bomb_is_contained(run: Run) -> None:
    async def scenario(workshop: Any) -> None:
        bomb = await workshop.make(
            """
            import os
            def handler(event, context):
                while True:
                    try:
                        os.fork()
                    except OSError:
                        pass
            """
        )
        other = await workshop.make("def handler(event, context):\n    return 'alive'\n")
        bombing = asyncio.create_task(workshop.invoke(bomb, timeout=2))
        assert (await workshop.invoke(other, timeout=60))[0] == "alive"
        _, outcome = await bombing
        assert outcome.status in ("timeout", "failure")  # whichever limit it meets first: time, or memory
        assert (await workshop.invoke(other, timeout=60))[0] == "alive"

    run(scenario)


PARENT = """
import asyncio, sys
from pathlib import Path
from kumoi.sandbox import Invocation, SandboxHost, SandboxSpec

async def main():
    directory = Path(sys.argv[1])
    code = directory / "code"
    code.mkdir(mode=0o755)
    (code / "app.py").write_text(
        "import subprocess, sys\\ndef handler(e, c):\\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)  # ' + e])\\n"
    )
    host = SandboxHost(directory / "host", isolation="namespace")
    await host.start()
    spec = SandboxSpec(sys.argv[2], "app.handler", code, None, {}, 128, 64)
    sandbox = await host.create(spec, lambda lines: None)
    await sandbox.invoke(Invocation("r", ('"%s"' % sys.argv[3]).encode(), 60, "arn", "Root=1"))
    print("ready", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_nothing_outlives_a_platform_that_is_killed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    mark = f"kumoi-test-{os.urandom(8).hex()}"
    runtime = f"python3.{sys.version_info.minor}"
    command = [sys.executable, "-c", PARENT, str(tmp_path), runtime, mark]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 60
    while not _others(mark, parent.pid):  # a process that has just begun its program shows no command line yet
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 60
    while _others(mark, parent.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _others(mark, parent.pid)


def _others(mark: str, parent: int) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes() and path.parent.name != str(parent):
                found.append(path.parent.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOSYS, errno.EINVAL], ids=["refused", "musl", "unknown"])
def test_a_function_starts_where_there_are_no_scheduling_classes(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def refuse(pid: int, policy: int, _: Any) -> None:
        asked.append(policy)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(isolation.os, "sched_setscheduler", refuse)
    isolation._give_way()
    assert asked == [os.SCHED_BATCH]
    monkeypatch.delattr(isolation.os, "SCHED_BATCH")
    isolation._give_way()
    assert len(asked) == 1, "elsewhere than on Linux nothing is asked"
