"""What is recorded of users' requests: those that were answered well, whole, and no more than memory has room for."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from kumoi.gateway import recording
from kumoi.gateway.recording import Recording
from kumoi.wire.http import BufferedBody, Headers, Request, Response


def recorded(*bodies: bytes, status: int = 200, source: str = "client") -> list[dict[str, Any]]:
    async def scenario() -> list[dict[str, Any]]:
        kept = Recording()
        kept.start()
        for body in bodies:
            headers = Headers([("Host", "h"), ("Content-Length", str(len(body))), ("X-Own", "1")])
            request = Request("POST", "/orders", "a=b", headers, BufferedBody(body))
            await kept.begin(request)
            kept.label(request, "POST /orders", source)
            assert await request.body.read(1 << 20) == body
            kept.end(request, Response(status))
        return kept.stop()

    return asyncio.run(scenario())


def test_a_users_request_is_kept_whole() -> None:
    [found] = recorded(b"an order")
    assert (found["method"], found["path"], found["host"]) == ("POST", "/orders?a=b", "h")
    assert found["headers"] == {"X-Own": "1"}
    assert base64.b64decode(found["base64"]) == b"an order"


def test_what_failed_or_a_function_asked_is_not_kept() -> None:
    assert recorded(b"x", status=500) == []
    assert recorded(b"x", source="lambda:f") == []


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MOST_KEPT_BYTES", 1000)
    monkeypatch.setattr(recording, "MOST_REQUESTS", 3)
    assert len(recorded(b"a" * 300, b"b" * 300, b"c" * 300, b"d" * 300)) == 2
    assert len(recorded(b"a", b"b", b"c", b"d")) == 3
    assert recorded(b"a" * (recording.MOST_BYTES + 1)) == []
