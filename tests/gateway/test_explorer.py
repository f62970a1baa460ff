"""The explorer's files: served below each API with a policy that allows nothing else, or told to be missing."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest

from kumoi.gateway.explorer import Explorer
from kumoi.wire.http import BufferedBody, Headers, Request, Response


def answer(explorer: Explorer, path: str, method: str = "GET", **headers: str) -> Response | None:
    headers = {"host": "localhost:4566", **headers}
    fields = [*((name.replace("_", "-"), value) for name, value in headers.items())]
    return asyncio.run(explorer.answer(Request(method, path, "", Headers(fields), BufferedBody(b""))))


@pytest.fixture
def built(tmp_path: Path) -> Explorer:
    for name in ("index.html", "explorer.js", "explorer.css"):
        (tmp_path / name).write_text(f"this is {name}")
    return Explorer(tmp_path)


def test_the_page_and_its_files(built: Explorer) -> None:
    page = answer(built, "/_kumoi/graphql/abc/")
    assert page is not None and page.body == b"this is index.html"
    headers = dict(page.headers)
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy
    assert "ws://localhost:4566" in policy and "unsafe-eval" not in policy
    script = answer(built, "/_kumoi/graphql/abc/explorer.js", accept_encoding="gzip")
    assert script is not None and gzip.decompress(bytes(script.body)) == b"this is explorer.js"  # type: ignore[arg-type]
    moved = answer(built, "/_kumoi/graphql/abc")
    assert moved is not None and ("Location", "/_kumoi/graphql/abc/") in moved.headers


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/_kumoi/graphql/abc/..", "GET", 404),
        ("/_kumoi/graphql/abc/passwd", "GET", 404),
        ("/_kumoi/graphql/abc/", "POST", 405),
        ("/_kumoi/graphql/a%2Fb/", "GET", None),
        ("/_kumoi/graphql/abc/x/y", "GET", None),
        ("/_kumoi/info", "GET", None),
    ],
)
def test_what_is_no_file_of_it(built: Explorer, path: str, method: str, status: int | None) -> None:
    found = answer(built, path, method)
    assert (None if found is None else found.status) == status


def test_a_host_cannot_write_the_policy(built: Explorer) -> None:
    found = answer(built, "/_kumoi/graphql/abc/", host="x; script-src *")
    assert found is not None and "script-src *" not in dict(found.headers)["Content-Security-Policy"]


def test_files_that_were_not_built(tmp_path: Path) -> None:
    found = answer(Explorer(tmp_path), "/_kumoi/graphql/abc/")
    assert found is not None and found.status == 503 and b"scripts/setup" in bytes(found.body)  # type: ignore[arg-type]
