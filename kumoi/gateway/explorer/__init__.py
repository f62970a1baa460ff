"""The explorer of a GraphQL API at `/_kumoi/graphql/API/`: files built from `explorer/` into `dist/`.

The page asks the platform who may ask the API, and the API itself; nothing comes from elsewhere, and the policy that
goes with it allows no more. Without the files a page says how to make them.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from pathlib import Path

from kumoi.wire.http import HeaderList, Request, Response

DIST = Path(__file__).parent / "dist"
_PATH = re.compile(r"/_kumoi/graphql/(?P<id>[A-Za-z0-9]{1,64})(?P<file>/[a-z.]*)?")
_KINDS = {
    "index.html": "text/html; charset=utf-8",
    "explorer.js": "text/javascript; charset=utf-8",
    "explorer.css": "text/css; charset=utf-8",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:;"
    " font-src 'self' data:; connect-src 'self' ws://{host} wss://{host}; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,260}")
_MISSING = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>GraphQL explorer</title>
<h1>The explorer is not built</h1>
<p>The API works; the explorer's files are missing. In a checkout, install Node.js 20 or newer and run
<code>scripts/setup</code>. Wheels of Kumoi bring the files with them.</p>
<p>Until then: <code>kumoi graphql query API '{ __typename }'</code>, or any GraphQL client.</p></html>
"""


class Explorer:
    """The files below `root`, read and compressed once."""

    def __init__(self, root: Path = DIST) -> None:
        self._root = root
        self._held: dict[str, tuple[bytes, bytes]] = {}

    async def answer(self, request: Request) -> Response | None:
        """The page or a file of it; None for a path that is not the explorer's."""
        match = _PATH.fullmatch(request.path)
        if match is None:
            return None
        if request.method not in ("GET", "HEAD"):
            return Response(405, [("Allow", "GET, HEAD")])
        headers = _headers(request)
        if match["file"] is None:
            return Response(302, [("Location", f"/_kumoi/graphql/{match['id']}/"), *headers])
        name = match["file"].removeprefix("/") or "index.html"
        if name not in _KINDS:
            return Response(404, [("Content-Type", "text/plain"), *headers], b"no such file\n")
        if name not in self._held:
            held = await asyncio.to_thread(self._read, name)
            if held is None:
                kind = [("Content-Type", "text/html; charset=utf-8")]
                return Response(503, [*kind, *headers], _MISSING)
            self._held[name] = held
        content, packed = self._held[name]
        fields = [("Content-Type", _KINDS[name]), ("Cache-Control", "no-cache"), ("Vary", "Accept-Encoding"), *headers]
        if "gzip" in (request.headers.get("accept-encoding") or ""):
            return Response(200, [*fields, ("Content-Encoding", "gzip")], packed)
        return Response(200, fields, content)

    def _read(self, name: str) -> tuple[bytes, bytes] | None:
        try:
            content = (self._root / name).read_bytes()
        except FileNotFoundError:
            return None
        return content, gzip.compress(content, 9)


def _headers(request: Request) -> HeaderList:
    host = request.host if _HOST.fullmatch(request.host) else "localhost"
    return [
        ("Content-Security-Policy", _POLICY.format(host=host)),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ]
