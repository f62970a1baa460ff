"""What tests of several folders share."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Sized
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# Property tests take the same examples at every run, so that a change is judged by what it changed; `KUMOI_EXPLORE=1`
# looks for new ones. How long an example takes on a busy machine says nothing.
_PATIENT = hypothesis.settings(deadline=None, print_blob=True, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("settled", _PATIENT, derandomize=True)
hypothesis.settings.register_profile("exploring", _PATIENT)
hypothesis.settings.load_profile("exploring" if os.environ.get("KUMOI_EXPLORE") else "settled")


def pytest_configure(config: pytest.Config) -> None:
    """Kumoi's modules are imported as they are, though pytest would rewrite the assertions of all that a plugin is of.

    It takes seconds, and Python 3.11 fails now and then where two threads make syntax trees at once.
    """
    config.pluginmanager.rewrite_hook._must_rewrite.discard("kumoi")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, then the larger ones: so that two processes end at about the same time."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    slow = {path: any(item.get_closest_marker("slow") for item in found) for path, found in files.items()}
    items[:] = [
        item for path in sorted(files, key=lambda path: (not slow[path], -len(files[path]))) for item in files[path]
    ]


def make_package(files: dict[str, str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        for name, content in files.items():
            out.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return archive.getvalue()


@pytest.fixture(autouse=True)
def no_session_of_another_test() -> Iterator[None]:
    """boto3's default session remembers credentials: what one test signed in as is none of the next one's."""
    yield
    if "boto3" in sys.modules:
        sys.modules["boto3"].DEFAULT_SESSION = None


@pytest.fixture
def zipped() -> Callable[[dict[str, str]], bytes]:
    """Make a deployment package of several files; the same files make the same bytes."""
    return make_package


def port_to_keep() -> int:
    """A port that nobody listens on, and that the system gives to nobody meanwhile: one below those it gives away.

    A platform that is killed and started again finds it free, whatever the other process of the tests opens.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = 15_000 + random.SystemRandom().randrange(2_000) * 8 + worker % 8
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@pytest.fixture
def port() -> int:
    """A port for a platform of the test's own that is killed and started again."""
    return port_to_keep()


@pytest.fixture
def at_work() -> Callable[[threading.Thread, Sized], None]:
    """Wait until a thread has noted two things more: then it is in the midst of its work."""

    def wait(worker: threading.Thread, noted: Sized) -> None:
        enough = len(noted) + 2
        while len(noted) < enough:
            assert worker.is_alive(), "it ended before its time"
            time.sleep(0.002)

    return wait


class KillablePlatform:
    """A platform of the test's own on data that outlive it, to be killed with -9 and started again."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[Any] = []
        self.port = port_to_keep()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start; returns once it answers."""
        ports = ["--port", str(self.port), "--xray-port", "0"]
        command = [sys.executable, "-m", "kumoi", "up", *ports, "--data", str(self.data)]
        self._process = subprocess.Popen(command)
        deadline = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/_kumoi/health", timeout=1):
                    return
            except OSError:
                assert self._process.poll() is None, "the platform ended while starting"
                assert time.monotonic() < deadline, "the platform did not answer within 120 s"
                time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, wherever it is."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def client(self, service: str) -> Any:
        """A boto3 client that asks once."""
        import boto3
        from botocore.config import Config

        client = boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=60, read_timeout=60),
        )
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Stop it in order."""
        for client in self._clients:
            client.close()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            assert self._process.wait(300) == 0


@pytest.fixture(scope="session")
def aws_cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Run a command of the AWS CLI, with environment variables, in a directory; answers what it printed."""
    place = tmp_path_factory.mktemp("aws-cli")
    server = [sys.executable, str(Path(__file__).with_name("aws_cli.py"))]
    with subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def run(*arguments: str, environment: dict[str, str], directory: Path = place) -> str:
            files = {name: str(place / name) for name in ("output", "errors")}
            variables = {**os.environ, **environment, "AWS_PAGER": ""}
            command = {"arguments": arguments, "environment": variables, "directory": str(directory), **files}
            process.stdin.write(f"{json.dumps(command)}\n")
            process.stdin.flush()
            code = int(process.stdout.readline())
            printed, errors = (Path(file).read_text() for file in files.values())
            assert code == 0, errors or printed
            return printed

        yield run
        process.stdin.close()


@pytest.fixture(scope="session")
def curl() -> Callable[..., str]:
    """Run curl, which says at last by which HTTP it was answered what; skips where there is none that speaks HTTP/2."""
    path = shutil.which("curl")
    if path is None or b"HTTP2" not in subprocess.run([path, "--version"], capture_output=True, check=True).stdout:
        pytest.skip("curl with HTTP/2 is not installed")

    def run(*arguments: str, sent: bytes = b"") -> str:
        command = [path, "-sS", "--max-time", "60", "-w", "|%{http_version} %{response_code}", *arguments]
        return subprocess.run(command, input=sent, capture_output=True, check=True).stdout.decode()

    return run


@pytest.fixture
def killable(tmp_path: Path) -> Iterator[KillablePlatform]:
    """A platform that can be killed with -9 and started again on the same data."""
    platform = KillablePlatform(tmp_path / "data")
    yield platform
    platform.close()
