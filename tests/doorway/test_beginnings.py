"""What is noted of the request that a trace began with, for the calls behind it."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kumoi.doorway import Call, Principal, Session, Trace
from kumoi.doorway.beginnings import Beginnings, claims
from kumoi.wire.http import Headers, Request


def token(content: Any) -> str:
    parts = (json.dumps({"alg": "none"}), json.dumps(content), "signature")
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


CLAIMS = {"sub": "u1", "custom:tenant": "acme", "cognito:groups": ["a", "b"], "level": 3}


@pytest.mark.parametrize("scheme", ["", "Bearer "])
def test_claims_are_texts(scheme: str) -> None:
    assert claims(scheme + token(CLAIMS)) == {
        "sub": "u1",
        "custom:tenant": "acme",
        "cognito:groups": '["a","b"]',
        "level": "3",
    }


@pytest.mark.parametrize(
    "text", ["", "Bearer", "a.b.c", "..", "Basic YTpi", "a.%ff.c", token([1]), "a." + "A" * 17_000 + ".c", "é.é.é"]
)
def test_what_is_no_token_has_none(text: str) -> None:
    assert claims(text) == {}


def call(root: str, request: Request | None = None) -> Call:
    session = Session(tags=(("tenant", "acme"),))
    caller = Principal("1", "arn:aws:sts::1:assumed-role/r/s", "id", session=session)
    return Call(cast(Any, SimpleNamespace()), "sqs", "Send", {}, caller, trace=Trace(root, ""), http=request)


def test_what_comes_of_a_request_knows_what_it_had() -> None:
    beginnings = Beginnings(most=2)
    beginnings.ask(frozenset({"header.X-Tenant", "query.plan", "claim.sub", "tag.tenant", "tag.other", "caller"}))
    headers = Headers([("x-tenant", "acme" * 1000), ("Authorization", f"Bearer {token(CLAIMS)}")])
    found = beginnings.of(call("one", Request("GET", "/", "a=1&plan=free", headers)))
    assert found == {
        "header.X-Tenant": ("acme" * 1000)[:1024],
        "query.plan": "free",
        "claim.sub": "u1",
        "tag.tenant": "acme",
        "caller": "arn:aws:sts::1:assumed-role/r/s",
    }
    assert beginnings.of(call("one")) is found
    assert beginnings.of(call("one", Request("POST", "/"))) is found, "the first of a trace is its beginning"
    assert beginnings.of(call("two")) == {}
    beginnings.of(call("three"))
    assert beginnings.of(call("one")) == {}, "of the latest traces alone"
    beginnings.ask(frozenset())
    assert beginnings.of(call("one", Request("GET", "/"))) == {}
