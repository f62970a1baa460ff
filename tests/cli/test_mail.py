"""`kumoi mail` against a platform."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from kumoi.cli.mail import command


@pytest.fixture
def run(kumoi: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    """Run `kumoi mail …`; what it prints."""
    monkeypatch.setenv("KUMOI_URL", kumoi.url)

    def ran(*arguments: str, code: int = 0) -> str:
        given = [*arguments, "--account", kumoi.account, "--data", str(tmp_path)]
        result = CliRunner().invoke(command, given)
        assert result.exit_code == code, result.output
        return result.output

    return ran


def test_mails_are_listed_shown_and_forgotten(kumoi: Any, run: Any) -> None:
    assert run("list") == "there is no mail (yet).\n"
    ses = kumoi.client("ses")
    ses.verify_email_identity(EmailAddress="a@shop.example")
    message = {"Subject": {"Data": "Your order"}, "Body": {"Text": {"Data": "Thank you"}}}
    to = {"ToAddresses": ["ann@example.com", "bounce@simulator.amazonses.com"]}
    sent = ses.send_email(Source="a@shop.example", Destination=to, Message=message)["MessageId"]
    (line,) = run("list", "--to", "ann@example.com").splitlines()
    assert "ses" in line and "Your order" in line and line.endswith("bounce")
    (listed,) = json.loads(run("list", "--json"))
    shown = run("show", str(listed["number"]))
    assert "from        a@shop.example\n" in shown and shown.endswith("\nThank you\n")
    assert f"Message-ID: <{sent}@email.amazonses.com>" in run("show", sent, "--raw")
    assert "has no HTML" in run("open", sent, code=1)
    assert "there is no mail 99" in run("show", "99", code=1)
    assert run("clear") == "forgot 1.\n"
