from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def ses(kumoi: Any) -> Any:
    client = kumoi.client("ses")
    client.verify_domain_identity(Domain="shop.example")
    return client


@pytest.fixture
def sesv2(kumoi: Any, ses: Any) -> Any:
    return kumoi.client("sesv2")


@pytest.fixture
def refused() -> Callable[..., tuple[str, str]]:
    """The code and the text of the error that a call answers."""

    def code_and_text(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as error:
            call(**params)
        told = error.value.response["Error"]
        return told["Code"], told["Message"]

    return code_and_text


class Mailbox:
    """The account's mailbox, over HTTP."""

    def __init__(self, url: str, account: str) -> None:
        self.url = url
        self.account = account

    def open(self, path: str = "", method: str = "GET", **query: Any) -> Any:
        text = urllib.parse.urlencode({"account": self.account, **query})
        request = urllib.request.Request(f"{self.url}/_kumoi/mail{path}?{text}", method=method)
        return urllib.request.urlopen(request)

    def refusal(self, path: str = "", **query: Any) -> int:
        """The status that a request is refused with."""
        with pytest.raises(urllib.error.HTTPError) as error:
            self.open(path, **query)
        with error.value as answer:
            return int(answer.code)

    def list(self, **query: Any) -> list[dict[str, Any]]:
        with self.open(**query) as answer:
            found: list[dict[str, Any]] = json.load(answer)["mails"]
            return found

    def read(self, named: object) -> dict[str, Any]:
        with self.open(f"/{named}") as answer:
            found: dict[str, Any] = json.load(answer)
            return found


@pytest.fixture
def mailbox(kumoi: Any) -> Mailbox:
    return Mailbox(kumoi.url, kumoi.account)


@pytest.fixture
def hello() -> dict[str, Any]:
    """A message as SendEmail takes it."""
    return {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "How are you?"}}}
