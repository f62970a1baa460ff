"""The console's files, built from `studio/` into `dist/`: read once, served with a strict Content-Security-Policy.

Names of assets carry a hash of their content, so that browsers keep them for good. Without a bundle a page says how
to make one.
"""

from __future__ import annotations

import asyncio
import gzip
import mimetypes
import re
from pathlib import Path

from kumoi.wire.http import HeaderList, Request, Response

DIST = Path(__file__).parent / "dist"

_NAME = re.compile(r"[\w-][\w.-]{0,99}(/[\w-][\w.-]{0,99}){0,3}", re.ASCII)
"""How a bundle's files are named: no way out, and nothing hidden."""

NO_SNIFFING = ("X-Content-Type-Options", "nosniff")
SECURITY: HeaderList = [
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:;"
        " font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'",
    ),
    NO_SNIFFING,
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
]

_MISSING = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Kumoi Studio</title>
<h1>Studio is not built</h1>
<p>The platform runs; its console's files are missing. In a checkout, install Node.js 20.19 or newer and run
<code>scripts/setup</code>. Wheels of Kumoi bring the files with them.</p>
<p>Until then: <code>kumoi map --text</code>, <code>kumoi trace</code>, <code>kumoi logs NAME</code>.</p></html>
"""


class Bundle:
    """The files below `root`, in memory once asked for, compressed where that helps."""

    def __init__(self, root: Path = DIST) -> None:
        self._root = root
        self._held: dict[str, tuple[bytes, bytes | None, str]] = {}

    async def answer(self, request: Request, name: str) -> Response:
        """One file (`""` is the page), or why there is none."""
        found = await asyncio.to_thread(self._find, name or "index.html")
        if found is None:
            if name in ("", "index.html"):
                return Response(503, [("Content-Type", "text/html; charset=utf-8"), *SECURITY], _MISSING)
            return Response(404, [("Content-Type", "text/plain"), *SECURITY], b"no such file\n")
        content, packed, kind = found
        kept = "public, max-age=31536000, immutable" if name.startswith("assets/") else "no-cache"
        headers = [("Content-Type", kind), ("Cache-Control", kept), ("Vary", "Accept-Encoding"), *SECURITY]
        if packed is not None and "gzip" in (request.headers.get("accept-encoding") or ""):
            return Response(200, [*headers, ("Content-Encoding", "gzip")], packed)
        return Response(200, headers, content)

    def _find(self, name: str) -> tuple[bytes, bytes | None, str] | None:
        path = self._root / name
        if not _NAME.fullmatch(name) or not path.resolve().is_relative_to(self._root.resolve()) or not path.is_file():
            return None
        stamp = f"{name} {path.stat().st_mtime_ns}"
        if stamp not in self._held:
            content = path.read_bytes()
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            packed = None
            if kind.startswith("text/") or kind.endswith(("javascript", "json", "svg+xml")):
                kind, packed = f"{kind}; charset=utf-8", gzip.compress(content, 9)
            self._held[stamp] = (content, packed, kind)
        return self._held[stamp]
