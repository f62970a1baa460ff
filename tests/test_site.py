"""The example `site`: redirects, members, A/B, pictures, error pages and failover at the edge."""

from __future__ import annotations

import io
import os
import runpy
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/site/site.py"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_the_site(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    site = runpy.run_path(str(EXAMPLE))
    outputs = site["deploy"]()

    def visit(path: str, **headers: str) -> tuple[int, Any, bytes]:
        return site["visit"](outputs, path, **headers)  # type: ignore[no-any-return]

    status, headers, body = visit("/")
    assert (status, b"<h1>Home</h1>" in body) == (200, True)
    assert headers["Content-Security-Policy"] == "default-src 'self'"
    assert visit("/")[1]["X-Cache"] == "Hit from cloudfront"
    assert b"The other home" in visit("/", Cookie="group=b")[2]
    status, headers, _ = visit("/old")
    assert (status, headers["Location"]) == (301, "/docs/")
    assert b"<h1>Docs</h1>" in visit("/docs/")[2]

    assert visit("/members/")[0] == 401
    good, late = site["token"]("ada", time.time() + 600), site["token"]("ada", time.time() - 600)
    assert visit("/members/", Authorization=f"Bearer {good}")[0] == 200
    for refused in (late, good[:-2] + "xx", "a.b"):
        assert visit("/members/", Authorization=f"Bearer {refused}")[0] == 401

    status, headers, body = visit("/images/sky.png?width=200")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(body)).size == (200, 100)
    assert visit("/images/sky.png?width=200")[1]["X-Cache"] == "Hit from cloudfront"
    assert Image.open(io.BytesIO(visit("/images/sky.png")[2])).size == (800, 400)

    assert visit("/rescued.html")[2] == b"<h1>From the spare</h1>"
    status, headers, body = visit("/no/such/page")
    assert (status, b"<h1>Home</h1>" in body) == (200, True)
    assert headers["X-Frame-Options"] == "DENY"
