"""The pytest plugin: an account of the test's own, on a platform shared with the others."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.pytest_plugin import KumoiAccount


class Recorder:
    """A connection that notes what it is asked."""

    url = "http://127.0.0.1:4566"

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def ask(self, method: str, path: str, body: Any = None, **query: str | None) -> Any:
        self.asked.append((method, path, body, query))


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def account(recorder: Recorder) -> KumoiAccount:
    connection: Any = recorder
    return KumoiAccount(connection, "100000000001", "eu-west-1", may_advance=True)


def test_other_processes_are_pointed_at_the_account(account: KumoiAccount) -> None:
    found = account.environment
    assert found["AWS_ENDPOINT_URL"] == account.url == "http://127.0.0.1:4566"
    assert found["AWS_ACCESS_KEY_ID"] == account.account == "100000000001"
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "eu-west-1"


def test_clients_are_the_accounts(account: KumoiAccount) -> None:
    client = account.client("s3", read_timeout=3)
    assert client.meta.endpoint_url == account.url
    assert (client.meta.region_name, client.meta.config.read_timeout) == ("eu-west-1", 3)
    assert client._request_signer._credentials.access_key == "100000000001"


@pytest.mark.parametrize(("duration", "seconds"), [("1h30m", 5400.0), (2.5, 2.5)])
def test_advance(account: KumoiAccount, recorder: Recorder, duration: str | float, seconds: float) -> None:
    account.advance(duration)
    assert recorder.asked == [("POST", "clock", {"action": "advance", "seconds": seconds}, {})]


def test_mails_are_read(kumoi: KumoiAccount) -> None:
    ses = kumoi.client("ses")
    ses.verify_email_identity(EmailAddress="a@shop.example")
    message = {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "How are you?"}}}
    ses.send_email(Source="a@shop.example", Destination={"ToAddresses": ["ann@example.com"]}, Message=message)
    assert kumoi.mail("ann@example.com")["text"] == "How are you?"
    with pytest.raises(LookupError):
        kumoi.mail("bob@example.com", wait=0)


def test_reset_forgets_this_account_only(account: KumoiAccount, recorder: Recorder) -> None:
    account.reset()
    assert recorder.asked == [("POST", "reset", None, {"account": "100000000001"})]


def test_a_test_that_is_not_marked_cannot_advance_the_clock(recorder: Recorder) -> None:
    connection: Any = recorder
    with pytest.raises(RuntimeError, match="kumoi_clock"):
        KumoiAccount(connection, "100000000001").advance(1)
    assert recorder.asked == []
