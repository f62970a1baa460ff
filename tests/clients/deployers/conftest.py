"""Deployers in environments of their own, and the shop that each of them deploys."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
IN_CI = ("cdk", "osls")
"""Deployers that are installed when they are not there; the others are with `scripts/test-deployers`."""


@pytest.fixture(scope="session")
def deployer() -> Callable[[str], Path]:
    """The directory that a deployer is installed in; skips where it is not, and says how to have it."""

    def find(name: str) -> Path:
        place = Path(os.environ.get("KUMOI_DEPLOYERS", ROOT / ".deployers")) / name
        if name not in IN_CI and not (place / ".stamp").exists():
            pytest.skip(f"{name} is not installed: scripts/test-deployers installs it and runs this")
        if name in IN_CI and shutil.which("npm") is None:
            pytest.skip(f"{name} needs npm, which is not installed")
        done = subprocess.run([ROOT / "scripts" / "deployers", name], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{name} could not be installed: {done.stderr[-500:]}")
        return place

    return find


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example that may be changed."""
    return Path(shutil.copytree(ROOT / "examples" / "shop", tmp_path / "shop"))


@pytest.fixture
def run(kumoi: Any, tmp_path: Path) -> Callable[..., str]:
    """Run a deployer against the test's account; what it printed."""
    environment = {
        **os.environ,
        **kumoi.environment,
        "HOME": str(tmp_path),
        "SAM_CLI_TELEMETRY": "0",
        "CDK_DISABLE_CLI_TELEMETRY": "1",
        "NODE_NO_WARNINGS": "1",
        "SLS_AWS_MONITORING_FREQUENCY": "300",  # osls looks how its stack does after so many ms, not every 5 s
        "CI": "true",
    }

    def act(*command: Any, cwd: Path, **variables: str) -> str:
        done = subprocess.run(
            [str(one) for one in command],
            cwd=cwd,
            env={**environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    return act


class Customer:
    """Uses the shop of an account, whoever deployed it."""

    def __init__(self, kumoi: Any, url: str) -> None:
        self._kumoi = kumoi
        self.url = url.rstrip("/")

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """A status and an answer."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self.url + path, content, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def buy(self, expected: int = 202) -> None:
        """Place an order and see it once the worker has kept it."""
        status, answer = self.ask("POST", "/orders", {"what": "tea"})
        assert status == expected, answer
        deadline = time.monotonic() + 60
        while (found := self.ask("GET", f"/orders/{answer['id']}"))[0] != 200:
            assert time.monotonic() < deadline, found
        assert found[1]["what"] == "tea"

    def orders(self, function: str) -> int:
        """What the nightly report counts."""
        event = {
            "version": "0",
            "id": "1",
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "detail": {},
            "account": self._kumoi.account,
            "time": "2026-01-01T03:00:00Z",
            "region": "us-east-1",
            "resources": [],
        }
        answer = self._kumoi.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
        return int(json.load(answer["Payload"]))


@pytest.fixture
def customer(kumoi: Any) -> Callable[..., Customer]:
    """A customer of an address, or of the only HTTP API of the account."""

    def come(url: str | None = None) -> Customer:
        if url is not None:
            return Customer(kumoi, url)
        (api,) = kumoi.client("apigatewayv2").get_apis()["Items"]
        return Customer(kumoi, api["ApiEndpoint"])

    return come


@pytest.fixture
def changed(project: Path) -> Callable[[], None]:
    """Change the shop's code: an order is answered with 201 from then on."""

    def change() -> None:
        code = project / "functions" / "shop.py"
        code.write_text(code.read_text().replace('"statusCode": 202', '"statusCode": 201'))

    return change


@pytest.fixture
def nothing_left(kumoi: Any) -> Callable[[], None]:
    """Assert that the shop is gone."""

    def check() -> None:
        assert kumoi.client("lambda").list_functions()["Functions"] == []
        assert kumoi.client("dynamodb").list_tables()["TableNames"] == []
        assert kumoi.client("sqs").list_queues().get("QueueUrls", []) == []

    return check
