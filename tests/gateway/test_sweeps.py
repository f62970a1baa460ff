"""The latest sweep and what faults have struck, over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

CELL = {"color": "black", "seen": "2 counted twice", "struck": 2, "duplicated": 2}
SWEEP = {
    "flows": ["an order"],
    "kinds": ["duplicate"],
    "rows": [
        {"source": "client", "target": "sqs:q", "operation": "Send", "cells": {"an order": {"duplicate": CELL}}},
    ],
    "advice": [{"rule": "not idempotent", "node": "sqs:q", "text": "Remember ids."}],
    "counts": {"black": 1},
}

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def ask(kumoi: Any) -> Ask:
    def asked(method: str, path: str, body: bytes | None = None, account: str = kumoi.account) -> tuple[int, Any]:
        request = urllib.request.Request(f"{kumoi.url}/_kumoi/{path}?account={account}", body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    return asked


def test_the_latest_sweep_is_kept_by_account(ask: Ask) -> None:
    assert ask("GET", "sweep") == (200, {"sweep": None})
    assert ask("POST", "sweep", json.dumps(SWEEP).encode()) == (200, {"kept": 1})
    status, found = ask("GET", "sweep")
    assert status == 200 and found["sweep"]["time"] > 0
    [row] = found["sweep"]["rows"]
    assert row["cells"]["an order"]["duplicate"].items() >= CELL.items()
    assert ask("GET", "sweep", account="999999999999") == (200, {"sweep": None})
    assert ask("DELETE", "sweep") == ask("GET", "sweep") == (200, {"sweep": None})


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"flows": 1}', b'{"flows": [], "kinds": [], "rows": [{}]}'])
def test_what_is_no_sweep_is_refused(ask: Ask, body: bytes) -> None:
    assert ask("POST", "sweep", body)[0] == 400


def test_what_was_struck_is_told_with_the_platforms_time(ask: Ask, kumoi: Any) -> None:
    fault = {"action": "delay", "delay_ms": 1, "service": "sqs", "operation": "ListQueues", "account": kumoi.account}
    status, made = ask("POST", "faults", json.dumps(fault).encode())
    assert status == 200
    kumoi.client("sqs").list_queues()
    status, found = ask("GET", "faults/struck")
    assert status == 200 and abs(found["now"] - kumoi.now().timestamp()) < 600
    [hit] = found["hits"]
    assert (hit["fault"], hit["operation"], hit["then"]) == (made["id"], "ListQueues", "went on")
    assert found["faults"][made["id"]] == {"struck": 1, "failed": 0, "again": 0, "through": 0}
    assert ask("GET", "faults/struck", account="x")[0] == 400
    assert ask("GET", "sweep", account="12345678901%C2%B2")[0] == 400
