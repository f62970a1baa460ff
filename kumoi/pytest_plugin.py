"""A pytest plugin: the fixture `kumoi` gives each test an account of its own on one shared platform.

The platform is a process of its own, ephemeral, started at the first use and stopped with the session. A test sees
nothing of another's resources; declared faults are shared by all of them. Time never runs backwards, so tests that
advance the clock say `@pytest.mark.kumoi_clock` and share a second platform: the others can trust that it is today.
What it needs is imported when a test asks for it: pytest loads plugins at every start.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kumoi.cli.connection import Connection

FIRST_ACCOUNT = 100_000_000_001
CLOCK_MARK = "kumoi_clock"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", f"{CLOCK_MARK}: runs on a platform whose clock tests may advance")


class KumoiAccount:
    """One test's account. `url`, `account` and `region` say where it is; `environment` points other processes at it."""

    def __init__(
        self, connection: Connection, account: str, region: str = "us-east-1", *, may_advance: bool = False
    ) -> None:
        self.url = connection.url
        self.account = account
        self.region = region
        self._connection = connection
        self._may_advance = may_advance
        self._clients: list[Any] = []

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point SDKs and the AWS CLI at this account."""
        from kumoi.cli.connection import environment

        return {
            **environment(self.url),
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
        }

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client of this account; `config` goes to `botocore.config.Config`."""
        from botocore.config import Config

        client = _session(os.environ.get("AWS_DATA_PATH")).client(
            service,
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id=self.account,
            aws_secret_access_key="test",  # noqa: S106  (what every such account signs with)
            config=Config(retries={"total_max_attempts": 1}, inject_host_prefix=False).merge(Config(**config)),
        )
        self._clients.append(client)
        return client

    def now(self) -> datetime:
        """The platform's time."""
        return datetime.fromtimestamp(self._connection.ask("GET", "clock")["now"], UTC)

    def advance(self, duration: str | float) -> None:
        """Advance the platform's clock by seconds or `1h30m`; returns once what fell due has run.

        Raises RuntimeError in a test that is not marked `kumoi_clock`.
        """
        if not self._may_advance:
            raise RuntimeError(f"mark a test that advances the clock with @pytest.mark.{CLOCK_MARK}")
        from kumoi.cli.durations import parse_duration

        seconds = parse_duration(duration) if isinstance(duration, str) else duration
        self._connection.ask("POST", "clock", {"action": "advance", "seconds": seconds})

    def mail(self, to: str, wait: float = 10.0) -> dict[str, Any]:
        """The newest mail (or text message) to somebody, read: `subject`, `text`, `html`, `attachments`, `number`, ….

        Waits so many seconds for one where there is none; LookupError where none comes. See docs/ses.md.
        """
        asked = {"to": to, "wait": str(wait), "limit": "1", "account": self.account}
        found = self._connection.ask("GET", "mail", **asked)["mails"]
        if not found:
            raise LookupError(f"no mail to {to} came within {wait} seconds")
        read: dict[str, Any] = self._connection.ask("GET", f"mail/{found[0]['number']}", account=self.account)
        return read

    def close(self) -> None:
        """Close the connections of the clients made here."""
        for client in self._clients:
            client.close()

    def reset(self) -> None:
        """Forget everything of this account."""
        self._connection.ask("POST", "reset", account=self.account)


@cache
def _session(_models: str | None) -> Any:
    """The session that all clients come of: what it has read of a service's model need not be read again.

    There is one for each folder of models that a test points botocore at.
    """
    import boto3

    return boto3.Session()


@contextmanager
def _platform() -> Iterator[Connection]:
    from kumoi.cli.connection import Connection

    with tempfile.TemporaryDirectory(prefix="kumoi-pytest-") as directory:
        kumoi = [sys.executable, "-m", "kumoi"]
        started = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--xray-port", "0", "--data", directory]
        done = subprocess.run(started, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise RuntimeError(f"Kumoi did not start: {done.stderr}")
        try:
            yield Connection.find(Path(directory))
        finally:
            subprocess.run([*kumoi, "down", "--data", directory], check=True, stdout=subprocess.DEVNULL)  # noqa: S603


@pytest.fixture(scope="session")
def kumoi_platforms() -> Iterator[Callable[[bool], Connection]]:
    """The platforms that tests share, each started when first asked for: by whether its clock may move."""
    with ExitStack() as running:

        @cache
        def platform(clock_may_move: bool) -> Connection:
            return running.enter_context(_platform())

        yield platform


@pytest.fixture(scope="session")
def kumoi_platform(kumoi_platforms: Callable[[bool], Connection]) -> Connection:
    """The platform that all tests of the session share, but those that advance the clock."""
    return kumoi_platforms(False)


@pytest.fixture(scope="session")
def kumoi_accounts() -> Iterator[int]:
    """The account numbers of the session's tests."""
    return itertools.count(FIRST_ACCOUNT)


@pytest.fixture
def kumoi(
    request: pytest.FixtureRequest, kumoi_platforms: Callable[[bool], Connection], kumoi_accounts: Iterator[int]
) -> Iterator[KumoiAccount]:
    """An account of the test's own on the shared platform, forgotten afterwards."""
    may_advance = request.node.get_closest_marker(CLOCK_MARK) is not None
    account = KumoiAccount(kumoi_platforms(may_advance), f"{next(kumoi_accounts):012d}", may_advance=may_advance)
    yield account
    account.close()
    account.reset()
