"""Compression at the edge: what is compressed, and how. Source: "Serve compressed files" of the guide."""

from __future__ import annotations

import gzip

from kumoi.services.cloudfront.edge.messages import first, put, without
from kumoi.wire.http import HeaderList

LEAST, MOST = 1_000, 10_000_000
_STATUSES = frozenset((200, 403, 404))
TYPES = frozenset(
    (
        *("application/dash+xml", "application/eot", "application/font", "application/font-sfnt"),
        *("application/javascript", "application/json", "application/opentype", "application/otf"),
        *("application/pdf", "application/pkcs7-mime", "application/protobuf", "application/rss+xml"),
        *("application/truetype", "application/ttf", "application/vnd.apple.mpegurl"),
        *("application/vnd.mapbox-vector-tile", "application/vnd.ms-fontobject", "application/wasm"),
        *("application/xhtml+xml", "application/xml", "application/x-font-opentype"),
        *("application/x-font-truetype", "application/x-font-ttf", "application/x-httpd-cgi"),
        *("application/x-javascript", "application/x-mpegurl", "application/x-opentype"),
        *("application/x-otf", "application/x-perl", "application/x-ttf", "font/eot", "font/opentype"),
        *("font/otf", "font/ttf", "image/svg+xml", "text/css", "text/csv", "text/html"),
        *("text/javascript", "text/js", "text/plain", "text/richtext", "text/tab-separated-values"),
        *("text/xml", "text/x-component", "text/x-java-source", "text/x-script", "vnd.apple.mpegurl"),
    )
)


def encoding_for(accepted: str, status: int, headers: HeaderList, length: int | None) -> str | None:
    """`br`, `gzip`, or None where a response is not compressed; `accepted` is the normalised Accept-Encoding."""
    if not accepted or status not in _STATUSES or length is None or not LEAST <= length <= MOST:
        return None
    if first(headers, "content-encoding") is not None or first(headers, "content-range") is not None:
        return None
    if "no-transform" in (first(headers, "cache-control") or ""):
        return None
    kind = (first(headers, "content-type") or "").partition(";")[0].strip().lower()
    if kind not in TYPES:
        return None
    wanted = accepted.split(",")
    if "br" in wanted:
        return "br"
    return "gzip" if "gzip" in wanted else None


def compressed(headers: HeaderList, body: bytes, encoding: str) -> tuple[HeaderList, bytes]:
    """The response's headers and body, compressed; a strong ETag becomes a weak one. CPU-bound."""
    import brotli

    content: bytes = (
        brotli.compress(body, quality=5) if encoding == "br" else gzip.compress(body, compresslevel=6, mtime=0)
    )
    changed = without(headers, "content-length", "accept-ranges")
    changed.append(("Content-Encoding", encoding))
    etag = first(changed, "etag")
    if etag is not None and not etag.startswith("W/"):
        put(changed, "ETag", f"W/{etag}")
    vary = first(changed, "vary")
    if vary is None:
        changed.append(("Vary", "Accept-Encoding"))
    elif "accept-encoding" not in vary.lower():
        put(changed, "Vary", f"{vary}, Accept-Encoding")
    return changed, content
