"""A platform that verifies asks for its token; files are served with a strict policy; feeds do not hold up a stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from kumoi.platform import Platform, Settings
from kumoi.studio import Studio
from kumoi.studio.bundle import Bundle
from kumoi.wire.http import Headers, Request, Response


def asked(path: str, **headers: str) -> Request:
    named = {"host": "console.example.com", **headers}.items()
    fields = Headers([(name.replace("_", "-"), value) for name, value in named])
    return Request("GET", f"/_kumoi/studio/{path}", headers=fields)


def on_platform(use: Callable[[Platform], Awaitable[None]], **settings: Any) -> None:
    async def run() -> None:
        async with Platform(Settings(port=0, **settings)) as platform:
            await use(platform)

    asyncio.run(run())


def test_where_signatures_are_verified_the_token_opens_and_nothing_else() -> None:
    async def use(platform: Platform) -> None:
        studio = platform.parts[Studio]
        own = {"x_kumoi_studio": "1"}
        assert (await studio(asked("api/info", **own))).status == 401
        assert (await studio(asked("api/info", **own, authorization="Bearer wrong"))).status == 401
        answer = await studio(asked("api/info", **own, authorization=f"Bearer {studio.token}"))
        assert answer.status == 200 and isinstance(answer.body, bytes)
        assert orjson.loads(answer.body)["recording"] is False, "payloads are not kept where policies are enforced"

    on_platform(use, auth="enforce")


def test_payloads_are_kept_where_policies_are_enforced_only_when_switched_on() -> None:
    async def use(platform: Platform) -> None:
        assert platform.parts[Studio].doorway.payloads.on

    on_platform(use, auth="enforce", payloads=True)


def test_an_open_feed_ends_with_the_platform() -> None:
    async def use(platform: Platform) -> None:
        answer = await platform.parts[Studio](asked("api/feed", host="localhost", x_kumoi_studio="1"))
        assert not isinstance(answer.body, bytes)
        events = aiter(answer.body)  # type: ignore[arg-type]
        assert (await anext(events)).startswith(b"event: hello")
        platform.parts[Studio].feed.close()
        async with asyncio.timeout(60):
            assert [event async for event in events] == []

    on_platform(use)


@pytest.fixture
def built(tmp_path: Path) -> Bundle:
    (tmp_path / "dist/assets").mkdir(parents=True)
    (tmp_path / "dist/index.html").write_text("<p>page")
    (tmp_path / "dist/assets/app-1a2b.js").write_text("run()")
    (tmp_path / "dist/.stamp").write_text("no")
    (tmp_path / "secret").write_text("no")
    (tmp_path / "dist/out").symlink_to(tmp_path)
    return Bundle(tmp_path / "dist")


def served(bundle: Bundle, request: Request, name: str) -> Response:
    return asyncio.run(bundle.answer(request, name))


def header(answer: Response, name: str) -> str:
    return Headers(answer.headers).get(name) or ""


def test_files_are_served_with_a_strict_policy(built: Bundle) -> None:
    page = served(built, asked(""), "")
    policy = header(page, "content-security-policy")
    assert page.body == b"<p>page" and "default-src 'none'" in policy and "script-src 'self';" in policy
    assert "unsafe-inline" not in policy.replace("style-src-attr 'unsafe-inline'", "")
    script = served(built, asked("", accept_encoding="gzip"), "assets/app-1a2b.js")
    assert "immutable" in header(script, "cache-control") and header(script, "content-encoding") == "gzip"
    assert header(script, "content-type") == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    "name",
    ["../secret", "assets/../../secret", "out/secret", "none.js", "assets", "/etc/passwd", ".stamp", "a\0", "a" * 5000],
)
def test_nothing_else_is_served(built: Bundle, name: str) -> None:
    assert served(built, asked(name), name).status == 404


def test_without_a_bundle_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    page = served(Bundle(tmp_path / "none"), asked(""), "")
    assert page.status == 503 and isinstance(page.body, bytes) and b"scripts/setup" in page.body
