from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from kumoi.cli import studio
from kumoi.cli.connection import RunFile


class Up:
    """A platform that is up, as far as the verb asks one."""

    url = "http://127.0.0.1:4566"

    def __init__(self, auth: str) -> None:
        self.auth = auth

    def ask(self, *_asked: Any) -> dict[str, str]:
        return {"auth": self.auth}


@pytest.mark.parametrize(
    ("auth", "token", "said"),
    [
        ("audit", "", "http://127.0.0.1:4566/_kumoi/studio/\n"),
        ("enforce", "a1b2", "http://127.0.0.1:4566/_kumoi/studio/#token=a1b2\n"),
        ("verify", "", "Error: this platform verifies who calls, and its token lies in its data directory: --data.\n"),
    ],
)
def test_studio_says_where_it_is_and_what_opens_it(
    monkeypatch: pytest.MonkeyPatch, auth: str, token: str, said: str
) -> None:
    monkeypatch.setattr(studio.Connection, "find", lambda _data: Up(auth))
    monkeypatch.setattr(studio, "read_run_file", lambda _data: RunFile(1, Up.url, token))
    assert CliRunner().invoke(studio.command, []).output == said
